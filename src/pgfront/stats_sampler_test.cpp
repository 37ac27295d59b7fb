#include "pgfront/stats_sampler.hpp"

#include <gtest/gtest.h>

namespace forebay::pgfront {
namespace {

using backend::Traffic;
using std::chrono::seconds;

const TimePoint kStart{};

TEST(StatsSampler, SinceTheStartUntilAPeriodIsComplete) {
  const StatsSampler sampler(kStart);
  const Traffic total{.assignments = 10,
                      .transactions = 20,
                      .queries = 40,
                      .transaction_micros = 2000,
                      .query_micros = 1000,
                      .wait_micros = 50};
  const Traffic average = sampler.average("app", total, kStart + seconds(10));
  EXPECT_EQ(average.assignments, 1U);
  EXPECT_EQ(average.transactions, 2U);
  EXPECT_EQ(average.queries, 4U);
  EXPECT_EQ(average.transaction_micros, 100U);
  EXPECT_EQ(average.query_micros, 25U);
  EXPECT_EQ(average.wait_micros, 5U);
}

TEST(StatsSampler, TheLastCompletePeriodAndNothingElse) {
  StatsSampler sampler(kStart);
  sampler.sample(kStart + seconds(60), {{"app", {.queries = 600, .query_micros = 600}}});
  const Traffic later{.queries = 100'000};
  EXPECT_EQ(sampler.average("app", later, kStart + seconds(90)).queries, 10U);
  EXPECT_EQ(sampler.average("app", later, kStart + seconds(90)).query_micros, 1U);

  sampler.sample(kStart + seconds(120),
                 {{"app", {.queries = 660, .query_micros = 600}}, {"new", {.queries = 120}}});
  EXPECT_EQ(sampler.average("app", later, kStart + seconds(121)).queries, 1U);
  EXPECT_EQ(sampler.average("new", later, kStart + seconds(121)).queries, 2U);
  EXPECT_EQ(sampler.average("other", later, kStart + seconds(121)), Traffic());
  EXPECT_EQ(sampler.average_of_all(later, kStart + seconds(121)).queries, 3U);
}

TEST(StatsSampler, NothingHappened) {
  StatsSampler sampler(kStart);
  EXPECT_EQ(sampler.average("app", {}, kStart), Traffic());
  sampler.sample(kStart + seconds(60), {});
  EXPECT_EQ(sampler.average("app", {}, kStart + seconds(60)), Traffic());
}

}  // namespace
}  // namespace forebay::pgfront
