#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace forebay::engine {

struct StatementFigures;

/// What statements can be ranked by, the most of it first.
enum class StatementOrder : std::uint8_t {
  total,    ///< what they have kept servers busy for
  mean,     ///< of a call by a server
  slowest,  ///< the longest call by a server
  calls,
  rows,
  wait,  ///< for a backend
  hits,
  saved,
  errors,
};

/// In the order of the enumeration.
const std::vector<std::string_view>& names_of_orders();
std::optional<StatementOrder> order_by_name(std::string_view name);

/// What decides of one statement's place in an order; of several threads' together by add().
struct StatementStanding {
  std::uint64_t amount = 0;
  std::uint64_t calls = 0;
};

StatementStanding standing_of(const StatementFigures& figures, StatementOrder order);
void add(StatementStanding& sum, const StatementStanding& more, StatementOrder order);
/// The larger comes first.
std::pair<double, std::uint64_t> rank_of(const StatementStanding& standing, StatementOrder order);

}  // namespace forebay::engine
