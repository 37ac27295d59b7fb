#include "http/bounded_labels.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace forebay::http {
namespace {

constexpr std::size_t kMany = kMostLabelled + 20;

Figures crowd() {
  Figures figures;
  for (std::size_t i = 0; i < kMany; ++i) {
    const std::string name = fmt::format("n{:04}", i);
    pgfront::PoolFacts pool;
    pool.database = pool.user = name;
    pool.clients = i;
    figures.pools.push_back(pool);
    pgfront::DatabaseFacts facts;
    facts.name = name;
    facts.clients = i;
    figures.databases.push_back(facts);
    figures.users.push_back(facts);
    figures.traffic[name].queries = i;
  }
  for (const auto& [name, traffic] : figures.traffic) {
    figures.latencies[name];
    figures.repetitions.push_back({.database = name});
  }
  return figures;
}

TEST(BoundedLabels, TheBusiestAreKeptAndTheOthersCounted) {
  Figures figures = crowd();
  EXPECT_TRUE(has_too_many(figures));
  keep_busiest(figures);
  EXPECT_FALSE(has_too_many(figures));
  EXPECT_EQ(figures.left_out.pools, 20U);
  EXPECT_EQ(figures.left_out.users, 20U);
  EXPECT_EQ(figures.left_out.databases, 20U);
  for (const auto& pool : figures.pools) EXPECT_GE(pool.clients, 20U);
  for (const auto& user : figures.users) EXPECT_GE(user.clients, 20U);
  for (const auto& database : figures.databases) EXPECT_GE(database.clients, 20U);
  EXPECT_EQ(figures.traffic.begin()->first, "n0020");
  EXPECT_EQ(figures.traffic.size(), kMostLabelled);
  EXPECT_EQ(figures.latencies.size(), kMostLabelled);
  EXPECT_EQ(figures.repetitions.size(), kMostLabelled);
}

TEST(BoundedLabels, OfEqualsTheSameAreKeptEachTime) {
  Figures figures = crowd();
  for (auto& pool : figures.pools) pool.clients = 0;
  Figures reversed = figures;
  std::ranges::reverse(reversed.pools);
  keep_busiest(figures);
  keep_busiest(reversed);
  const auto by_user = [](const auto& one, const auto& other) { return one.user < other.user; };
  std::ranges::sort(figures.pools, by_user);
  std::ranges::sort(reversed.pools, by_user);
  EXPECT_EQ(figures.pools.front().user, reversed.pools.front().user);
}

TEST(BoundedLabels, FewAreAllKept) {
  Figures figures;
  figures.pools.resize(kMostLabelled);
  EXPECT_FALSE(has_too_many(figures));
  keep_busiest(figures);
  EXPECT_EQ(figures.pools.size(), kMostLabelled);
  EXPECT_EQ(figures.left_out.pools, 0U);
}

}  // namespace
}  // namespace forebay::http
