#include "engine/statement_order.hpp"

#include <algorithm>

#include "engine/statement_table.hpp"

namespace forebay::engine {

namespace {

std::uint64_t amount_of(const StatementFigures& figures, StatementOrder order) {
  switch (order) {
    case StatementOrder::total:
      return figures.cost();
    case StatementOrder::mean:
      return figures.exec_micros;
    case StatementOrder::slowest:
      return figures.most_micros;
    case StatementOrder::calls:
      return figures.calls;
    case StatementOrder::rows:
      return figures.rows;
    case StatementOrder::wait:
      return figures.wait_micros;
    case StatementOrder::hits:
      return figures.hits;
    case StatementOrder::saved:
      return figures.saved_micros;
    case StatementOrder::errors:
      return figures.errors;
  }
  return 0;
}

}  // namespace

const std::vector<std::string_view>& names_of_orders() {
  static const std::vector<std::string_view> names = {"total", "mean", "slowest", "calls", "rows",
                                                      "wait",  "hits", "saved",   "errors"};
  return names;
}

std::optional<StatementOrder> order_by_name(std::string_view name) {
  const auto& names = names_of_orders();
  const auto at = std::ranges::find(names, name);
  if (at == names.end()) return std::nullopt;
  return static_cast<StatementOrder>(at - names.begin());
}

StatementStanding standing_of(const StatementFigures& figures, StatementOrder order) {
  const std::uint64_t by_servers = figures.calls - figures.hits;
  return {amount_of(figures, order), order == StatementOrder::mean ? by_servers : figures.calls};
}

void add(StatementStanding& sum, const StatementStanding& more, StatementOrder order) {
  sum.amount =
      order == StatementOrder::slowest ? std::max(sum.amount, more.amount) : sum.amount + more.amount;
  sum.calls += more.calls;
}

std::pair<double, std::uint64_t> rank_of(const StatementStanding& standing, StatementOrder order) {
  const auto amount = static_cast<double>(standing.amount);
  const bool is_mean = order == StatementOrder::mean && standing.calls > 0;
  return {is_mean ? amount / static_cast<double>(standing.calls) : amount, standing.calls};
}

}  // namespace forebay::engine
