#include "http/bounded_labels.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace forebay::http {

namespace {

/// Which these are must not change from one scrape to the next for nothing, so equals stand by name.
template <class Facts, class Rank>
std::size_t keep(std::vector<Facts>& all, Rank rank) {
  if (all.size() <= kMostLabelled) return 0;
  const auto end = all.begin() + kMostLabelled;
  std::ranges::nth_element(all, end, std::ranges::greater{}, rank);
  const auto left_out = static_cast<std::size_t>(all.end() - end);
  all.erase(end, all.end());
  return left_out;
}

auto rank_of_quota(const pgfront::QuotaFacts& facts) {
  return std::tuple(facts.clients, facts.backends, std::string_view(facts.name));
}

auto rank_of_pool(const pgfront::PoolFacts& pool) {
  return std::tuple(pool.waiting + pool.clients, pool.active + pool.idle, std::string_view(pool.database),
                    std::string_view(pool.user), std::string_view(pool.server), pool.is_for_reads);
}

/// By what they have carried, which only grows, so that the counters of one that is told go on.
std::set<std::string> busiest_databases(const Figures& figures) {
  std::vector<std::pair<std::uint64_t, std::string_view>> all;
  for (const auto& [database, traffic] : figures.traffic) all.emplace_back(traffic.queries, database);
  for (const auto& facts : figures.databases) {
    if (!figures.traffic.contains(facts.name)) all.emplace_back(0, facts.name);
  }
  keep(all, [](const auto& one) { return one; });
  std::set<std::string> names;
  for (const auto& [queries, database] : all) names.emplace(database);
  return names;
}

}  // namespace

bool has_too_many(const Figures& figures) {
  return std::max({figures.pools.size(), figures.users.size(), figures.databases.size(),
                   figures.traffic.size(), figures.latencies.size()}) > kMostLabelled;
}

void keep_busiest(Figures& figures) {
  figures.left_out.pools = keep(figures.pools, rank_of_pool);
  figures.left_out.users = keep(figures.users, rank_of_quota);
  const std::set<std::string> databases = busiest_databases(figures);
  const auto is_left_out = [&databases](std::string_view name) {
    return !databases.contains(std::string(name));
  };
  figures.left_out.databases = std::erase_if(
      figures.databases, [&](const pgfront::DatabaseFacts& facts) { return is_left_out(facts.name); });
  std::erase_if(figures.latencies, [&](const auto& each) { return is_left_out(each.first); });
  std::erase_if(figures.repetitions, [&](const auto& each) { return is_left_out(each.database); });
  std::erase_if(figures.traffic, [&](const auto& each) { return is_left_out(each.first); });
}

}  // namespace forebay::http
