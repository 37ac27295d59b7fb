#include "pgfront/statement_report.hpp"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

#include "pgfront/console_gather.hpp"

namespace forebay::pgfront {

namespace {

using engine::StatementTable;

using Names = std::vector<StatementTable::Name>;

struct NameOrder {
  bool operator()(const StatementTable::Name& one, const StatementTable::Name& other) const {
    const auto key = [](const StatementTable::Name& name) {
      return std::tuple(name.fingerprint.high, name.fingerprint.low, name.database);
    };
    return key(one) < key(other);
  }
};

/// The names of the first in an order over all threads.
Names first(const std::vector<std::vector<StatementTable::Cost>>& threads, std::size_t most,
            engine::StatementOrder order) {
  std::map<StatementTable::Name, StatementTable::Cost, NameOrder> sums;
  for (const auto& costs : threads) {
    for (const StatementTable::Cost& cost : costs) {
      const auto [at, is_new] = sums.try_emplace(cost.name, cost);
      if (!is_new) add(at->second.standing, cost.standing, order);
    }
  }
  std::vector<StatementTable::Cost> all;
  all.reserve(sums.size());
  for (const auto& [name, cost] : sums) all.push_back(cost);
  const std::size_t count = std::min(most, all.size());
  std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(count), std::ranges::greater{},
                            [order](const auto& cost) { return rank_of(cost.standing, order); });
  all.resize(count);
  Names names;
  names.reserve(all.size());
  for (const auto& cost : all) names.push_back(cost.name);
  return names;
}

StatementReport merged(const Names& names, std::vector<StatementTable::Details>&& threads) {
  std::map<StatementTable::Name, StatementTable::Row, NameOrder> sums;
  StatementReport report;
  for (StatementTable::Details& details : threads) {
    report.others += details.others;
    for (StatementTable::Row& row : details.rows) {
      const auto [at, is_new] = sums.try_emplace(row.name, row);
      if (is_new) continue;
      at->second.figures += row.figures;
      at->second.times += row.times;
      if (row.sample.values != nullptr && row.sample.micros >= at->second.sample.micros)
        at->second.sample = row.sample;
    }
  }
  for (const StatementTable::Name& name : names) {
    const auto at = sums.find(name);  // not there: forgotten meanwhile
    if (at != sums.end()) report.rows.push_back(std::move(at->second));
  }
  return report;
}

}  // namespace

void gather_statements(const Inquiry& inquiry, std::size_t most,
                       std::function<void(const StatementReport&)> done, engine::StatementOrder order,
                       const std::optional<std::string>& database) {
  const auto overview = [order, database](Worker& worker) {
    return worker.statements().costs(order, database);
  };
  const auto on_overview = [inquiry, most, order, done = std::move(done)](const auto& threads) {
    const auto names = std::make_shared<const Names>(first(threads, most, order));
    const auto details = [names](Worker& worker) { return worker.statements().details(*names); };
    gather(inquiry.front, inquiry.asker, inquiry.here, details,
           [names, done](std::vector<StatementTable::Details> answers) {
             done(merged(*names, std::move(answers)));
           });
  };
  gather(inquiry.front, inquiry.asker, inquiry.here, overview, on_overview);
}

void reset_statements(const Inquiry& inquiry, std::function<void()> done) {
  const auto reset = [](Worker& worker) {
    worker.statements().reset();
    return true;
  };
  gather(inquiry.front, inquiry.asker, inquiry.here, reset,
         [done = std::move(done)](const std::vector<bool>&) { done(); });
}

void gather_statement(const Inquiry& inquiry, const StatementName& name,
                      std::function<void(std::optional<StatementTable::Row>)> done) {
  const auto kept = std::make_shared<const StatementName>(name);  // the answers have views into it
  const auto ask = [kept](Worker& worker) { return worker.statements().details({kept->view()}); };
  gather(inquiry.front, inquiry.asker, inquiry.here, ask,
         [kept, done = std::move(done)](std::vector<StatementTable::Details> answers) {
           auto report = merged({kept->view()}, std::move(answers));
           done(report.rows.empty() ? std::nullopt : std::optional(std::move(report.rows.front())));
         });
}

void ask_as_runner(const Inquiry& inquiry, const StatementName& name, std::string sql,
                   engine::Errand::Afterwards afterwards, engine::Explainer::Done done) {
  using Found = std::pair<Worker*, std::optional<StatementTable::Runner>>;
  const auto find = [name](Worker& worker) {
    return Found(&worker, worker.statements().runner_of(name.view()));
  };
  const auto back = [here = inquiry.here, asker = inquiry.asker,
                     done = std::move(done)](engine::Explainer::Answer answer) {
    here([asker, done, answer = std::move(answer)] {
      if (!asker.expired()) done(answer);
    });
  };
  gather(inquiry.front, inquiry.asker, inquiry.here, find,
         [sql = std::move(sql), afterwards, back](const std::vector<Found>& found) {
           const auto slowest = std::ranges::max_element(found, {}, [](const Found& one) {
             return one.second ? static_cast<std::int64_t>(one.second->micros) : std::int64_t{-1};
           });
           if (!slowest->second)
             return back({.problem = "nobody who has run it is connected any more", .is_later = true});
           Worker* const worker = slowest->first;
           worker->loop().post([worker, asker = slowest->second->asker, sql, afterwards, back] {
             if (worker->explainer() != nullptr) worker->explainer()->ask(asker, sql, afterwards, back);
           });
         });
}

void gather_latencies(const Inquiry& inquiry, std::function<void(const LatencyReports&)> done) {
  const auto ask = [](Worker& worker) {
    LatencyReports reports;
    worker.statements().each_database([&reports](std::string_view name, const engine::Latencies& latencies) {
      LatencyReport& report = reports[name];
      report.calls += latencies.calls;
      report.transactions += latencies.transactions;
      report.waits += latencies.waits;
      report.hits += latencies.hits.times();
      report.errors += latencies.errors;
      report.refusals += latencies.refusals;
    });
    return reports;
  };
  const auto join = [done = std::move(done)](const std::vector<LatencyReports>& threads) {
    LatencyReports sums;
    for (const LatencyReports& reports : threads) {
      for (const auto& [name, report] : reports) {
        LatencyReport& sum = sums[name];
        sum.calls += report.calls;
        sum.transactions += report.transactions;
        sum.waits += report.waits;
        sum.hits += report.hits;
        sum.errors += report.errors;
        sum.refusals += report.refusals;
      }
    }
    done(sums);
  };
  gather(inquiry.front, inquiry.asker, inquiry.here, ask, join);
}

}  // namespace forebay::pgfront
