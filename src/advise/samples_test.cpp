// What is recommended by what servers say of themselves.

#include <functional>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "advise/board.hpp"
#include "advise/test_moments.hpp"

namespace forebay::advise {
namespace {

using monitor::Topic;
using test::answer;
using test::calm;
using test::say;

Moment with_session(double age, bool blocks, std::string_view state = "idle in transaction",
                    std::string_view kind = "client backend") {
  Moment now = calm(0);
  answer(
      now, Topic::activity,
      fmt::format(R"({{"sessions": [{{"pid": 4711, "database": "shop", "user": "app", "application": "report",
                        "kind": "{}", "state": "{}", "transaction_seconds": {}, "blocks": {},
                        "query": "UPDATE t SET a = $1"}}]}})",
                  kind, state, age, blocks));
  return now;
}

TEST(LongTransactionTest, IsLongerThanTenMinutesOrHoldsUpOthers) {
  EXPECT_TRUE(say(kLongTransaction, {with_session(599, false)}).empty());
  const auto old = say(kLongTransaction, {with_session(600, false)});
  ASSERT_EQ(old.size(), 1U);
  EXPECT_EQ(old[0].urgency, Urgency::consider);
  EXPECT_TRUE(say(kLongTransaction, {with_session(9.9, true)}).empty());
  const auto blocking = say(kLongTransaction, {with_session(10, true)});
  ASSERT_EQ(blocking.size(), 1U);
  EXPECT_EQ(blocking[0].urgency, Urgency::now);
  EXPECT_EQ(blocking[0].change.text, "SELECT pg_terminate_backend(4711);");
  EXPECT_EQ(say(kLongTransaction, {with_session(10, true, "active")})[0].change.text,
            "SELECT pg_cancel_backend(4711);");
  EXPECT_TRUE(say(kLongTransaction, {with_session(900, false, "active", "autovacuum worker")}).empty());
}

Moment with_table(double dead, double share, double size) {
  Moment now = calm(0);
  answer(
      now, Topic::tables,
      fmt::format(R"({{"tables": [{{"schema": "public", "table": "Goods", "dead_rows": {}, "dead_share": {},
                        "table_bytes": {}, "last_vacuum": null}}]}})",
                  dead, share, size));
  return now;
}

TEST(DeadRowsTest, AreMoreThanAutovacuumLeaves) {
  EXPECT_TRUE(say(kDeadRows, {with_table(50'000, 0.39, 20e6)}).empty());
  EXPECT_TRUE(say(kDeadRows, {with_table(9'999, 0.5, 20e6)}).empty());
  EXPECT_TRUE(say(kDeadRows, {with_table(50'000, 0.5, 15e6)}).empty());
  const auto found = say(kDeadRows, {with_table(50'000, 0.5, 20e6)});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].change.text, "VACUUM (ANALYZE) public.\"Goods\";");
  EXPECT_DOUBLE_EQ(found[0].gain.value, 10e6);
  const auto after = test::measured(kDeadRows, found[0], {with_table(12, 0.001, 20e6)});
  ASSERT_TRUE(after);
  EXPECT_DOUBLE_EQ(after->amount, 12);
  EXPECT_FALSE(after->setting) << "a vacuum shows in the figure itself";
}

Moment with_index(double counted_days, double size, bool is_unused) {
  Moment now = calm(0);
  answer(now, Topic::indexes,
         fmt::format(R"({{"count": 1, "counted_since": {}, "indexes": [{{"schema": "public", "table": "goods",
                        "index": "goods_name", "bytes": {}, "unused": {}}}]}})",
                     now.time - counted_days * 86400, size, is_unused));
  return now;
}

TEST(UnusedIndexTest, IsLargeAndUnusedForMoreThanAWeek) {
  EXPECT_TRUE(say(kUnusedIndex, {with_index(7.9, 20e6, true)}).empty());
  EXPECT_TRUE(say(kUnusedIndex, {with_index(8.1, 15e6, true)}).empty());
  EXPECT_TRUE(say(kUnusedIndex, {with_index(8.1, 20e6, false)}).empty());
  const auto found = say(kUnusedIndex, {with_index(8.1, 20e6, true)});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].change.text, "DROP INDEX CONCURRENTLY public.goods_name;");
}

TEST(UnusedIndexTest, IsNotJudgedWhereReplicasMayUseIt) {
  Moment now = with_index(30, 20e6, true);
  now.servers.resize(2);
  for (auto& server : now.servers) server.is_watched = true;
  EXPECT_TRUE(say(kUnusedIndex, {now}).empty());
}

Moment with_sender(std::string_view state, std::string_view replay_lag) {
  Moment now = with_index(30, 20e6, true);
  answer(
      now, Topic::server,
      fmt::format(
          R"({{"standbys": [{{"standby": "one", "state": {}, "replay_lag_bytes": {}, "logical": false}}]}})",
          state, replay_lag));
  return now;
}

TEST(UnusedIndexTest, ABackupUsesNoIndex) {
  EXPECT_TRUE(say(kUnusedIndex, {with_sender(R"("streaming")", "0")}).empty())
      << "a standby, which may answer reads";
  EXPECT_EQ(say(kUnusedIndex, {with_sender(R"("backup")", "null")}).size(), 1U);
  EXPECT_TRUE(say(kUnusedIndex, {with_sender("null", "null")}).empty()) << "what it does may not be seen";
  EXPECT_EQ(say(kUnusedIndex, {with_sender(R"("streaming")", "null")}).size(), 1U)
      << "the log that it takes along";
}

/// What has been seen of an index for so many days, a look an hour, by a clock of its own.
class UnusedIndexOnBoardTest : public testing::Test {
 protected:
  void days(
      double count, const std::function<void(Moment&)>& change = [](Moment&) {}) {
    for (int hour = 0; hour < static_cast<int>(count * 24); ++hour) {
      Moment now = with_index(30, 20e6, true);
      change(now);
      test::move(now, std::chrono::hours(++hours_));
      board_.take(std::make_shared<const Moment>(std::move(now)));
    }
  }
  std::size_t told() const { return board_.open().size(); }

  static void is_away(Moment& now) {
    auto samples = *now.samples;
    samples.places.front().is_answering = false;
    now.samples = std::make_shared<const monitor::Samples>(std::move(samples));
  }
  static void is_used(Moment& now) { now.samples = with_index(30, 20e6, false).samples; }
  static void is_not_sampled(Moment& now) { now.samples = std::make_shared<const monitor::Samples>(); }

  Board board_;
  int hours_ = 0;
};

TEST_F(UnusedIndexOnBoardTest, IsToldAfterEightDays) {
  days(8);
  EXPECT_EQ(told(), 0U);
  days(0.1);
  EXPECT_EQ(told(), 1U);
}

TEST_F(UnusedIndexOnBoardTest, EightDaysGoOnAfterALookAtNothing) {
  days(4);
  days(1, is_away);
  days(1, is_not_sampled);
  days(4);
  EXPECT_EQ(told(), 0U) << "what was not seen does not count";
  days(0.2);
  EXPECT_EQ(told(), 1U);
}

TEST_F(UnusedIndexOnBoardTest, EightDaysBeginAnewWhenItIsUsed) {
  days(7);
  days(0.1, is_used);
  days(7);
  EXPECT_EQ(told(), 0U);
}

TEST(UnusedIndexTest, IsMeasuredToBeGone) {
  const auto found = say(kUnusedIndex, {with_index(30, 20e6, true)});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(test::measured(kUnusedIndex, found[0], {with_index(30, 20e6, true)})->setting, "there");
  Moment now = calm(0);
  answer(now, Topic::indexes, R"({"count": 0, "indexes": []})");
  const auto gone = test::measured(kUnusedIndex, found[0], {now});
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->setting, "gone");
  EXPECT_EQ(gone->amount, 0);
  answer(now, Topic::indexes, R"({"count": 200, "indexes": []})");
  EXPECT_FALSE(test::measured(kUnusedIndex, found[0], {now})) << "it may be among those that are not told";
}

Moment with_age(double age) {
  Moment now = calm(0);
  answer(now, Topic::server,
         fmt::format(
             R"({{"xid_freeze_max_age": 200000000, "databases": [{{"database": "shop", "xid_age": {}}}]}})",
             age));
  return now;
}

TEST(TransactionIdsTest, AreTwiceAsOldAsTheyShouldBecome) {
  EXPECT_TRUE(say(kTransactionIds, {with_age(399'999'999)}).empty());
  const auto old = say(kTransactionIds, {with_age(400'000'000)});
  ASSERT_EQ(old.size(), 1U);
  EXPECT_EQ(old[0].urgency, Urgency::soon);
  EXPECT_EQ(say(kTransactionIds, {with_age(2'050'000'000)})[0].urgency, Urgency::now);
}

// The server went on answering, but not to this: it was said for hours that a table was to be vacuumed.
TEST(SamplesTest, OldAnswersAreNoEvidence) {
  const std::pair<const Kind*, Moment> all[] = {{&kLongTransaction, with_session(900, true)},
                                                {&kDeadRows, with_table(50'000, 0.5, 20e6)},
                                                {&kUnusedIndex, with_index(30, 20e6, true)},
                                                {&kTransactionIds, with_age(2e9)}};
  for (auto [kind, now] : all) {
    const auto found = say(*kind, {now});
    ASSERT_EQ(found.size(), 1U) << kind->name;
    now.at += std::chrono::minutes(1);
    EXPECT_TRUE(say(*kind, {now}).empty()) << kind->name;
    EXPECT_FALSE(kind->measure != nullptr && test::measured(*kind, found[0], {now})) << kind->name;
  }
}

TEST(SamplesTest, SayNothingWithoutAnswers) {
  const Moment now = calm(0);
  for (const Kind* kind : {&kLongTransaction, &kDeadRows, &kUnusedIndex, &kTransactionIds})
    EXPECT_TRUE(say(*kind, {now}).empty()) << kind->name;
}

Moment with_checkpoints(int second, int timed, int requested, double written_megabytes,
                        double log_megabytes = 1024) {
  constexpr double kMegabyte = 1024.0 * 1024.0;
  Moment now = calm(second);
  answer(now, Topic::about,
         fmt::format(R"({{"max_wal_bytes": {}, "checkpoint_seconds": 300}})", log_megabytes * kMegabyte));
  answer(now, Topic::server,
         fmt::format(R"({{"log_bytes": {}, "checkpoints": {{"timed": {}, "requested": {}}}}})",
                     written_megabytes * kMegabyte, timed, requested));
  return now;
}

TEST(CheckpointsTest, ComeBeforeItIsTimeMoreThanOnceAMinute) {
  const Moment before = with_checkpoints(0, 5, 10, 7000);
  EXPECT_TRUE(say(kCheckpoints, {before, with_checkpoints(60, 7, 11, 8000)}).empty());
  const auto found = say(kCheckpoints, {before, with_checkpoints(60, 5, 12, 7900)});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].change.text, "ALTER SYSTEM SET max_wal_size = '4096MB';\nSELECT pg_reload_conf();")
      << "it is not made more than four times as large at once";
  EXPECT_TRUE(say(kCheckpoints, {before, with_checkpoints(60, 0, 2, 7900)}).empty())
      << "the server counts anew";
  EXPECT_TRUE(
      say(kCheckpoints, {with_checkpoints(0, 5, 10, 0, 65'536), with_checkpoints(60, 5, 12, 90'000, 65'536)})
          .empty())
      << "nobody is told to give more";
  const auto after = test::measured(kCheckpoints, found[0], {before, with_checkpoints(60, 6, 11, 8000)});
  ASSERT_TRUE(after);
  EXPECT_EQ(after->amount / after->weight, 0.5);
}

TEST(CheckpointsTest, ThatSomebodyAskedForSayNothingOfTheLog) {
  EXPECT_TRUE(
      say(kCheckpoints, {with_checkpoints(0, 5, 10, 7000), with_checkpoints(60, 5, 13, 7010)}).empty());
}

Moment with_temporary_files(int second, double files, double megabytes, double work_mem = 4) {
  Moment now = calm(second);
  answer(now, Topic::about, fmt::format(R"({{"work_mem_bytes": {}}})", work_mem * 1024 * 1024));
  answer(
      now, Topic::server,
      fmt::format(
          R"({{"databases": [{{"database": "shop", "temp_files": {}, "temp_bytes": {}, "commits": {}}}]}})",
          files, megabytes * 1e6, files));
  return now;
}

TEST(TemporaryFilesTest, AreWrittenForWhatMemoryHasNoRoom) {
  EXPECT_TRUE(
      say(kTemporaryFiles, {with_temporary_files(0, 5, 50), with_temporary_files(60, 25, 149)}).empty());
  const auto found =
      say(kTemporaryFiles, {with_temporary_files(0, 5, 50), with_temporary_files(60, 25, 250)});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].change.text, "ALTER DATABASE shop SET work_mem = '32MB';")
      << "twice ten, to a power of two";
  EXPECT_DOUBLE_EQ(found[0].gain.value, 12e9);
  const auto large = say(kTemporaryFiles, {with_temporary_files(0, 5, 50), with_temporary_files(60, 6, 450)});
  ASSERT_EQ(large.size(), 1U);
  EXPECT_EQ(large[0].change.text, "") << "that is not for all of a database";
  const auto after = test::measured(kTemporaryFiles, found[0],
                                    {with_temporary_files(0, 5, 50), with_temporary_files(30, 10, 51)});
  ASSERT_TRUE(after);
  EXPECT_DOUBLE_EQ(after->amount / after->weight, 2e6);
}

}  // namespace
}  // namespace forebay::advise
