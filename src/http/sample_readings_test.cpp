#include "http/sample_readings.hpp"

#include <chrono>
#include <optional>

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace forebay::http {
namespace {

using config::SignalId;
using monitor::Topic;
using std::chrono::seconds;

/// One server with one database, at instants of the test's own; the window is a minute.
class SampleReadingsTest : public testing::Test {
 protected:
  SampleReadingsTest() {
    samples_.places.push_back({.server = "db:5432",
                               .database = "shop",
                               .is_primary = true,
                               .is_of_server = true,
                               .is_of_database = true,
                               .is_answering = true});
  }

  static TimePoint at(int second) { return TimePoint() + seconds(1000 + second); }

  /// It stays current for a minute.
  void answer(Topic topic, int second, const std::string& told) {
    samples_.places.front().topics[static_cast<std::size_t>(topic)].latest =
        std::make_shared<monitor::Sample>(
            monitor::Sample{boost::json::parse(told).as_object(), at(second), 0, at(second) + seconds(60)});
  }
  void count(int second, int deadlocks, int hit, int read) {
    answer(Topic::server, second,
           fmt::format(
               R"({{"databases":[{{"database":"shop","deadlocks":{},"blocks_hit":{},"blocks_read":{}}}]}})",
               deadlocks, hit, read));
  }
  void look(int second) { values_ = readings_.take(samples_, growth_, at(second), seconds(60)); }
  std::optional<double> value(SignalId id) const {
    for (const alert::Reading& reading : values_) {
      if (reading.signal->id == id) return reading.value;
    }
    return std::nullopt;
  }

  SampleReadings readings_;
  monitor::Samples samples_;
  monitor::Growth growth_;
  std::vector<alert::Reading> values_;
};

TEST_F(SampleReadingsTest, CountersAreComparedWithWhatTheyWereWhenTheyWereSeenFirst) {
  look(0);
  EXPECT_TRUE(values_.empty());
  count(5, 100, 1'000'000, 1'000'000);
  look(5);
  EXPECT_EQ(value(SignalId::server_deadlocks), 0) << "what was before is none of ours";
  EXPECT_FALSE(value(SignalId::server_hit_ratio));
  count(20, 102, 1'006'000, 1'003'000);
  look(20);
  EXPECT_EQ(value(SignalId::server_deadlocks), 2);
  EXPECT_FALSE(value(SignalId::server_hit_ratio)) << "nine thousand blocks are too few";
  count(30, 102, 1'009'000, 1'003'000);
  look(30);
  EXPECT_NEAR(*value(SignalId::server_hit_ratio), 0.75, 1e-9);
  for (int second = 35; second <= 100; second += 5) {
    count(second, 102, 1'009'000, 1'003'000);
    look(second);
  }
  EXPECT_EQ(value(SignalId::server_deadlocks), 0) << "they have left the window";
}

TEST_F(SampleReadingsTest, CountersThatBeginAnewAreNoNegativeNumbers) {
  count(0, 100, 0, 0);
  look(0);
  count(10, 3, 0, 0);
  look(10);
  EXPECT_EQ(value(SignalId::server_deadlocks), 3);
}

// Reads of before the reset and hits of after it made a ratio of neither.
TEST_F(SampleReadingsTest, CountersThatBeginAnewDoSoTogether) {
  count(0, 0, 1'000'000, 1'000);
  look(0);
  count(10, 0, 30'000, 10'000);
  look(10);
  EXPECT_NEAR(*value(SignalId::server_hit_ratio), 0.75, 1e-9);
}

TEST_F(SampleReadingsTest, WhatIsNotAnsweredAnyMoreHasNoValue) {
  answer(Topic::activity, 0, R"({"blocked":7})");
  look(59);
  EXPECT_EQ(value(SignalId::server_blocked), 7);
  look(60);
  EXPECT_FALSE(value(SignalId::server_blocked)) << "the answer is too old";
  answer(Topic::activity, 61, R"({"blocked":7})");
  look(61);
  EXPECT_TRUE(value(SignalId::server_blocked));
  samples_.places.front().is_answering = false;
  look(62);
  EXPECT_TRUE(values_.empty());
}

TEST_F(SampleReadingsTest, IdsAndSizesAreThoseOfThePrimary) {
  answer(Topic::server, 0, R"({"databases":[{"database":"shop","xid_age":1072241824}]})");
  answer(Topic::sizes, 0, R"({"databases":[{"database":"shop","bytes":1000}]})");
  growth_.note("db:5432/shop", at(0), 0);
  growth_.note("db:5432/shop", at(3600), 1000);
  look(1);
  EXPECT_NEAR(*value(SignalId::server_xids_used), 0.5, 1e-6);
  EXPECT_EQ(value(SignalId::server_database_size), 1000);
  EXPECT_NEAR(*value(SignalId::server_database_growth), 1000, 1e-6) << "by the hour";
  samples_.places.front().is_primary = false;
  look(2);
  EXPECT_FALSE(value(SignalId::server_xids_used));
  EXPECT_FALSE(value(SignalId::server_database_size));
}

TEST_F(SampleReadingsTest, ConnectionsAreAShareOfThoseAllowed) {
  const auto state = [](const char* name, int count) {
    return fmt::format("{{\"state\":\"{}\",\"count\":{}}}", name, count);
  };
  const std::string states = state("idle in transaction", 2) + "," +
                             state("idle in transaction (aborted)", 1) + "," + state("active", 9);
  answer(Topic::activity, 0, "{\"connections\":50,\"by_state\":[" + states + "]}");
  look(1);
  EXPECT_FALSE(value(SignalId::server_connections)) << "of how many is not known";
  EXPECT_EQ(value(SignalId::server_idle_in_transaction_count), 3);
  answer(Topic::about, 0, "{\"max_connections\":200}");
  look(2);
  EXPECT_EQ(value(SignalId::server_connections), 0.25);
}

}  // namespace
}  // namespace forebay::http
