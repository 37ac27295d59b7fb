#include "engine/session_calls.hpp"

#include <string>

#include <gtest/gtest.h>

namespace forebay::engine {
namespace {

using std::chrono::microseconds;

class SessionCallsTest : public testing::Test {
 protected:
  SessionCallsTest() { table_.configure(true, 1000); }

  StatementTable::Ref find(const std::string& text, int statements = 1) {
    return table_.find({sql::fingerprint(text), calls_.database()}, text, statements, now_);
  }
  std::uint32_t begin(const std::string& text, int statements = 1) {
    return calls_.begin_call(find(text, statements), now_);
  }
  void done(std::uint32_t call, const std::string& tag = "SELECT 1") {
    calls_.note_done(call, tag + '\0', 0, now_);
  }
  /// The client gets it after so long.
  void answer_after(int micros) {
    now_ += microseconds(micros);
    calls_.end_burst(now_);
  }
  StatementFigures figures(const std::string& text) const {
    const auto rows = table_.details({{sql::fingerprint(text), "shop"}}).rows;
    return rows.empty() ? StatementFigures() : rows.front().figures;
  }

  TimePoint now_{std::chrono::seconds(1000)};
  StatementTable table_;
  SessionCalls calls_{table_, "shop"};
};

TEST_F(SessionCallsTest, ACallLastsFromWhenItWasSentToItsAnswer) {
  now_ += microseconds(1000);
  const auto call = begin("SELECT a");
  done(call, "SELECT 42");
  answer_after(300);
  EXPECT_EQ(figures("SELECT a").exec_micros, 300);
  EXPECT_EQ(figures("SELECT a").rows, 42);
}

TEST_F(SessionCallsTest, WhatWaitsBehindAnotherBeginsWhenThatIsAnswered) {
  const auto first = begin("SELECT a");
  const auto second = begin("SELECT b");
  done(first);
  answer_after(300);
  done(second);
  answer_after(50);
  EXPECT_EQ(figures("SELECT a").exec_micros, 300);
  EXPECT_EQ(figures("SELECT b").exec_micros, 50);
}

TEST_F(SessionCallsTest, WhatOneBurstCompletesSharesItsTime) {
  const auto first = begin("SELECT a");
  const auto second = begin("SELECT b");
  done(first);
  calls_.note_error(second, "22012", now_);
  answer_after(300);
  EXPECT_EQ(figures("SELECT a").exec_micros, 150);
  EXPECT_EQ(figures("SELECT b").error_micros, 150);
}

TEST_F(SessionCallsTest, WaitingForABackendIsNoExecution) {
  calls_.note_waiting(now_);
  now_ += microseconds(500);
  calls_.note_waiting(now_);
  now_ += microseconds(200);
  calls_.begin_preparation(find("SELECT a"), now_);
  const auto call = begin("SELECT a");
  done(call);
  answer_after(40);
  EXPECT_EQ(figures("SELECT a").wait_micros, 700);
  EXPECT_EQ(figures("SELECT a").exec_micros, 40);
}

TEST_F(SessionCallsTest, StatementsOfATextAreCountedOneByOne) {
  const auto call = begin("INSERT INTO t VALUES (1); SELECT a", 2);
  done(call, "INSERT 0 1");
  done(call, "SELECT 3");
  answer_after(80);
  EXPECT_EQ(figures("INSERT INTO t VALUES (1)").rows, 1);
  EXPECT_EQ(figures("SELECT a").rows, 3);
  EXPECT_EQ(figures("SELECT a").exec_micros, 40);
}

TEST_F(SessionCallsTest, WhoLeavesBeforeTheAnswerHasWaitedInVain) {
  begin("SELECT slow");
  calls_.begin_preparation(find("SELECT prepared"), now_);
  now_ += microseconds(900);
  calls_.note_abandoned(now_);
  EXPECT_EQ(figures("SELECT slow").errors, 1);
  EXPECT_EQ(figures("SELECT slow").error_micros, 900);
  EXPECT_EQ(figures("SELECT prepared").errors, 0) << "it was not called";
}

TEST_F(SessionCallsTest, WhatTheServerSkipsIsNothing) {
  begin("SELECT skipped");
  const auto second = begin("SELECT b");
  done(second);
  answer_after(80);
  EXPECT_EQ(figures("SELECT skipped").calls, 0);
  EXPECT_EQ(figures("SELECT b").exec_micros, 80);
}

TEST_F(SessionCallsTest, ParseBindAndExecuteOfAStatementAreOneCall) {
  const auto parsed = calls_.begin_preparation(find("SELECT a"), now_);
  EXPECT_EQ(calls_.begin_preparation(find("SELECT a"), now_), parsed);
  now_ += microseconds(20);
  EXPECT_EQ(begin("SELECT a"), parsed);
  // The next of a pipeline is another.
  const auto second = calls_.begin_preparation(find("SELECT a"), now_);
  EXPECT_NE(second, parsed);
  EXPECT_NE(calls_.begin_preparation(find("SELECT b"), now_), second);
  done(parsed);
  answer_after(30);
  EXPECT_EQ(figures("SELECT a").calls, 1);
  EXPECT_EQ(figures("SELECT a").exec_micros, 30);
  calls_.note_error(second, "22P02", now_);
  answer_after(10);
  EXPECT_EQ(figures("SELECT a").errors, 1);
  EXPECT_EQ(figures("SELECT b").errors, 0);
}

/// It ends the text, so that none of it comes next.
TEST_F(SessionCallsTest, AnErrorIsOfTheStatementThatWasDue) {
  const auto call = begin("SELECT a; SELECT b; SELECT c", 3);
  done(call);
  calls_.note_error(call, "22012", now_);
  answer_after(10);
  EXPECT_EQ(figures("SELECT a").calls, 1);
  EXPECT_EQ(figures("SELECT b").errors, 1);
}

TEST_F(SessionCallsTest, WhatIsAskedAgainElsewhereIsCountedThere) {
  done(begin("SELECT a"));
  calls_.forget();
  done(begin("SELECT a"));
  answer_after(10);
  EXPECT_EQ(figures("SELECT a").calls, 1);
}

TEST_F(SessionCallsTest, PortalsLastAsLongAsTheirTransaction) {
  calls_.bind("p", find("SELECT named"));
  calls_.bind("", find("SELECT unnamed"));
  calls_.end_answers(false);
  done(calls_.begin_call(calls_.bound("p", now_), now_));
  done(calls_.begin_call(calls_.bound("", now_), now_));
  answer_after(2);
  calls_.end_answers(true);
  done(calls_.begin_call(calls_.bound("p", now_), now_));
  answer_after(1);
  EXPECT_EQ(figures("SELECT named").calls, 1);
  EXPECT_EQ(figures("SELECT unnamed").calls, 1);
}

TEST_F(SessionCallsTest, RowsOfATagAreThoseThatTheServerCounts) {
  const std::pair<std::string, std::uint64_t> tags[] = {
      {"UPDATE 5", 5},  {"INSERT 0 7", 7},
      {"COPY 9", 9},    {"FETCH 3", 3},
      {"MOVE 3", 0},    {"CREATE TABLE", 0},
      {"BEGIN", 0},     {"SELECT 18446744073709551615", ~std::uint64_t{0}},
      {"SELECT x1", 0}, {"DELETE 99999999999999999999", 0}};
  for (const auto& [tag, rows] : tags) {
    table_.reset();
    done(begin("SELECT a"), tag);
    answer_after(1);
    EXPECT_EQ(figures("SELECT a").rows, rows) << tag;
  }
}

TEST_F(SessionCallsTest, LatenciesOfTheDatabaseAreThoseOfAllCalls) {
  calls_.note_waited(70);
  calls_.note_transaction(900);
  done(begin("SELECT a"));
  answer_after(300);
  const observe::Histogram& calls = table_.latencies(calls_.database()).calls;
  EXPECT_EQ(calls.count(), 1);
  EXPECT_EQ(calls.sum(), 300);
}

}  // namespace
}  // namespace forebay::engine
