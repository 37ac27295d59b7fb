#include "engine/session_repetitions.hpp"

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace forebay::engine {
namespace {

using std::chrono::milliseconds;

/// The body of a DataRow with these values as text.
std::string row(const std::vector<std::string>& values) {
  std::string body{'\0', static_cast<char>(values.size())};
  for (const std::string& value : values) {
    body += std::string{'\0', '\0', '\0', static_cast<char>(value.size())};
    body += value;
  }
  return body;
}

class SessionRepetitionsTest : public testing::Test {
 protected:
  SessionRepetitionsTest() {
    table_.configure(true, 1000);
    table_.repetitions().configure(true);
    database_ = table_.number_of("shop");
    session_ = std::make_unique<SessionRepetitions>(table_, database_);
  }

  /// A simple query that is answered with these rows.
  void run(const std::string& text, const std::vector<std::vector<std::string>>& rows = {{"x"}}) {
    run_by(*session_, text, rows);
  }
  void run_by(SessionRepetitions& session, const std::string& text,
              const std::vector<std::vector<std::string>>& rows = {{"x"}}) {
    now_ += milliseconds(1);
    const auto statement = table_.find({sql::fingerprint(text), database_}, text, 1, now_);
    session.note_read(statement, {.simple = true, .text = text, .types = {}, .values = {}}, now_);
    for (const auto& each : rows) {
      if (session.is_watching()) session.note_row(statement, row(each));
    }
    session.note_done(statement, rows.size(), 10);
  }
  void fail(const std::string& text) {
    now_ += milliseconds(1);
    const auto statement = table_.find({sql::fingerprint(text), database_}, text, 1, now_);
    session_->note_read(statement, {.simple = true, .text = text, .types = {}, .values = {}}, now_);
    session_->note_failed(statement);
  }
  /// A list of courses, and a look at the teacher of each.
  void lazy_page(int courses) {
    std::vector<std::vector<std::string>> rows;
    for (int i = 0; i < courses; ++i) rows.push_back({std::to_string(i), std::to_string(1000 + i * 7)});
    run("SELECT id, teacher FROM courses WHERE open", rows);
    for (int i = 0; i < courses; ++i)
      run(fmt::format("SELECT name FROM teachers WHERE id = {}", 1000 + i * 7));
  }
  void eager_page(int number) {
    run(fmt::format("SELECT id, title FROM courses WHERE id = {}", number), {{std::to_string(number), "t"}});
    run(fmt::format("SELECT id, course FROM lessons WHERE course IN ({})", number), {{"1", "2"}, {"2", "2"}});
  }
  void in_transaction(const std::function<void()>& work) {
    session_->note_transaction(true);
    work();
    session_->note_transaction(false);
  }
  void pause() { now_ += milliseconds(51); }

  std::vector<Repetition> found() {
    session_->sweep(now_);
    return table_.repetitions().repetitions();
  }
  Repetition one() {
    const auto all = found();
    EXPECT_EQ(all.size(), 1);
    return all.size() == 1 ? all.front() : Repetition();
  }

  TimePoint now_{std::chrono::seconds(1000)};
  StatementTable table_;
  std::uint32_t database_ = 0;
  std::unique_ptr<SessionRepetitions> session_;
};

TEST_F(SessionRepetitionsTest, FiveDifferentKeysInATransactionAreOneTooMany) {
  in_transaction([&] { lazy_page(4); });
  EXPECT_TRUE(found().empty());
  in_transaction([&] { lazy_page(5); });
  const Repetition repetition = one();
  EXPECT_EQ(repetition.kind, RepetitionKind::n_plus_one);
  EXPECT_EQ(repetition.text, "SELECT name FROM teachers WHERE id = $1");
  EXPECT_EQ(repetition.rewrite, "SELECT id, name FROM teachers WHERE id = ANY($1)");
  EXPECT_EQ(repetition.figures.windows, 1);
  EXPECT_EQ(repetition.figures.executions, 5);
  EXPECT_EQ(repetition.figures.micros, 50);
  EXPECT_EQ(repetition.places, static_cast<int>(RepetitionPlace::transaction));
  EXPECT_FALSE(repetition.is_confirmed());
}

TEST_F(SessionRepetitionsTest, TheSecondTimeItIsKnownWhereTheKeysComeFrom) {
  in_transaction([&] { lazy_page(5); });
  in_transaction([&] { lazy_page(8); });
  const Repetition repetition = one();
  EXPECT_TRUE(repetition.is_confirmed());
  EXPECT_EQ(repetition.source.text, "SELECT id, teacher FROM courses WHERE open");
  EXPECT_EQ(repetition.source.column, "2");
  EXPECT_EQ(repetition.figures.windows, 2);
  EXPECT_EQ(repetition.figures.most, 8);
  EXPECT_EQ(repetition.figures.executions, 13);
}

TEST_F(SessionRepetitionsTest, TransactionsDoNotAddUp) {
  for (int i = 0; i < 5; ++i) in_transaction([&] { run(fmt::format("SELECT a FROM t WHERE id = {}", i)); });
  EXPECT_TRUE(found().empty());
}

TEST_F(SessionRepetitionsTest, WithoutATransactionAPauseIsTheEnd) {
  for (int i = 0; i < 8; ++i) {
    if (i % 4 == 0) pause();
    run(fmt::format("SELECT a FROM t WHERE id = {}", i));
  }
  EXPECT_TRUE(found().empty());
  run("SELECT a FROM t WHERE id = 9");
  EXPECT_EQ(one().places, static_cast<int>(RepetitionPlace::client));
}

TEST_F(SessionRepetitionsTest, OneTraceGoesOnOverPausesAndClients) {
  SessionRepetitions other(table_, database_);
  for (int i = 0; i < 5; ++i) {
    pause();
    run_by(i % 2 == 0 ? *session_ : other, fmt::format("SELECT a FROM t WHERE id = {} /*trace_id='t1'*/", i));
  }
  EXPECT_EQ(one().places, static_cast<int>(RepetitionPlace::trace));
  for (int i = 0; i < 8; ++i) run(fmt::format("SELECT b FROM t WHERE id = {0} /*trace_id='x{0}'*/", i));
  EXPECT_EQ(found().size(), 1);
}

// Five times an error was told as an answer that could be kept.
TEST_F(SessionRepetitionsTest, WhatFailsDoesNotRepeat) {
  in_transaction([&] {
    for (int i = 0; i < 8; ++i) fail("SELECT nothing FROM t");
  });
  EXPECT_TRUE(found().empty());
}

TEST_F(SessionRepetitionsTest, TheSameKeysAgainAreDuplicates) {
  in_transaction([&] {
    for (int i = 0; i < 5; ++i) run("SELECT a FROM t WHERE id = 1");
  });
  EXPECT_EQ(one().kind, RepetitionKind::duplicate);
  EXPECT_EQ(one().rewrite, "");
}

// The window had been counted as one of duplicates, and the list of it had none.
TEST_F(SessionRepetitionsTest, AListBehindWhatWasToldAsADuplicateIsNotShown) {
  in_transaction([&] {
    for (int i = 0; i < 6; ++i) run("SELECT name FROM teachers WHERE id = 1");
    EXPECT_EQ(one().kind, RepetitionKind::duplicate) << "so far";
    for (int i = 0; i < 50; ++i) run(fmt::format("SELECT name FROM teachers WHERE id = {}", 100 + i));
  });
  const auto all = found();
  ASSERT_EQ(all.size(), 2);
  const auto list = std::ranges::find(all, RepetitionKind::n_plus_one, &Repetition::kind);
  ASSERT_NE(list, all.end());
  EXPECT_EQ(list->figures.windows, 1);
  EXPECT_EQ(list->figures.executions, 50);
  EXPECT_EQ(list->figures.most, 56);
  const auto duplicate = std::ranges::find(all, RepetitionKind::duplicate, &Repetition::kind);
  ASSERT_NE(duplicate, all.end());
  EXPECT_EQ(duplicate->figures.windows, 1);
  EXPECT_EQ(duplicate->figures.executions, 6);
  const auto counts = table_.repetitions().counts();
  ASSERT_EQ(counts.size(), 1);
  EXPECT_EQ(counts.front().windows, (std::array<std::uint64_t, kRepetitionKinds>{1, 1}));
}

TEST_F(SessionRepetitionsTest, ThatAFewKeysComeAgainChangesNothing) {
  in_transaction([&] {
    for (int i = 0; i < 20; ++i) run(fmt::format("SELECT name FROM teachers WHERE id = {}", i % 5));
  });
  EXPECT_EQ(one().kind, RepetitionKind::n_plus_one);
}

TEST_F(SessionRepetitionsTest, ACycleNeedsThreeRounds) {
  const auto rounds = [&](int count) {
    in_transaction([&] {
      run("SELECT id FROM posts", {{"1"}, {"2"}, {"3"}});
      for (int i = 0; i < count; ++i) {
        for (const char* table : {"a", "b", "c", "d", "e", "f", "g", "h"})
          run(fmt::format("SELECT x FROM {} WHERE post = {}", table, i));
      }
    });
  };
  rounds(2);
  EXPECT_TRUE(found().empty());
  rounds(3);
  EXPECT_EQ(found().size(), 8);
}

TEST_F(SessionRepetitionsTest, WhatMakesRoomIsTold) {
  in_transaction([&] {
    lazy_page(6);
    for (int i = 0; i < 40; ++i) run(fmt::format("SELECT x FROM t{}", i));
  });
  EXPECT_EQ(one().figures.executions, 6);
}

TEST_F(SessionRepetitionsTest, PagesThatFollowEachOtherAreNotTakenForOne) {
  for (int i = 0; i < 3; ++i) eager_page(i);
  EXPECT_TRUE(found().empty()) << "three rounds of a cycle, and no list that the keys could be from";
}

TEST_F(SessionRepetitionsTest, AClientThatNeverPausesIsSuspectForAMomentOnly) {
  for (int i = 0; i < 3000; ++i) eager_page(i);
  for (const Repetition& each : found()) ADD_FAILURE() << each.text;
}

TEST_F(SessionRepetitionsTest, CatalogsAndTextsWithoutTablesAreNobodysFault) {
  in_transaction([&] {
    for (int i = 0; i < 9; ++i) {
      run("SELECT 1");
      run(fmt::format("SELECT relname FROM pg_catalog.pg_class WHERE oid = {}", i));
    }
  });
  EXPECT_TRUE(found().empty());
}

TEST_F(SessionRepetitionsTest, CountsOutliveAReset) {
  in_transaction([&] { lazy_page(5); });
  EXPECT_EQ(found().size(), 1);
  table_.reset();
  EXPECT_TRUE(found().empty());
  ASSERT_EQ(table_.repetitions().counts().size(), 1);
  EXPECT_EQ(table_.repetitions().counts().front().windows[0], 1);
  in_transaction([&] { lazy_page(5); });
  EXPECT_EQ(table_.repetitions().counts().front().windows[0], 2);
}

TEST_F(SessionRepetitionsTest, AfterLooksInVainNoResultIsLookedAt) {
  const auto repeat = [&] {
    pause();
    bool has_watched = false;
    for (int i = 0; i < 8; ++i) {
      run(fmt::format("SELECT a FROM t WHERE id = {}", i));
      has_watched = has_watched || session_->is_watching();
    }
    return has_watched;
  };
  EXPECT_FALSE(repeat()) << "it has not repeated before";
  EXPECT_TRUE(repeat());
  EXPECT_TRUE(repeat());
  for (int i = 0; i < 3; ++i) repeat();
  EXPECT_FALSE(repeat());
  for (int i = 0; i < 2; ++i) in_transaction([&] { lazy_page(5); });
  const auto all = found();
  EXPECT_TRUE(std::ranges::any_of(all, &Repetition::is_confirmed)) << "another statement's are";
}

TEST_F(SessionRepetitionsTest, NothingIsLookedForWhenToldSo) {
  table_.repetitions().configure(false);
  in_transaction([&] { lazy_page(9); });
  EXPECT_TRUE(found().empty());
}

TEST_F(SessionRepetitionsTest, MemoryIsBounded) {
  for (int i = 0; i < 1000; ++i) {
    in_transaction([&] {
      for (int key = 0; key < 5; ++key) run(fmt::format("SELECT c{} FROM t WHERE id = {}", i, key));
    });
  }
  EXPECT_EQ(found().size(), RepetitionTable::kMostStatements);
}

}  // namespace
}  // namespace forebay::engine
