#include "engine/statement_table.hpp"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

namespace forebay::engine {
namespace {

constexpr TimePoint kNow{std::chrono::seconds(1000)};

class StatementTableTest : public testing::Test {
 protected:
  StatementTableTest() { table_.configure(true, 1000); }

  StatementTable::Ref find(const std::string& text, int statements = 1,
                           const std::string& database = "shop") {
    return table_.find({sql::fingerprint(text), table_.number_of(database)}, text, statements, kNow);
  }
  void call(const std::string& text, std::uint64_t micros) {
    table_.note_call(table_.part(find(text), 0, kNow), 1, micros, 0, kNow);
  }
  StatementTable::Details all() const {
    std::vector<StatementTable::Name> names;
    for (const auto& cost : table_.costs()) names.push_back(cost.name);
    return table_.details(names);
  }

  StatementTable table_;
};

TEST_F(StatementTableTest, TellsStatementsApartByTextAndDatabase) {
  call("SELECT a FROM t WHERE b = 1", 100);
  call("SELECT a  FROM t WHERE b = 2 -- twice", 300);
  call("SELECT a FROM u", 50);
  table_.note_call(find("SELECT a FROM u", 1, "other"), 7, 20, 3, kNow);
  const auto rows = all().rows;
  ASSERT_EQ(rows.size(), 3);
  EXPECT_EQ(*rows[0].text, "SELECT a FROM t WHERE b = $1");
  EXPECT_EQ(rows[0].figures.calls, 2);
  EXPECT_EQ(rows[0].figures.exec_micros, 400);
  EXPECT_EQ(rows[0].figures.least_micros, 100);
  EXPECT_EQ(rows[0].figures.most_micros, 300);
  EXPECT_EQ(rows[0].times.count(), 2);
  EXPECT_EQ(rows[1].name.database, "shop");
  EXPECT_EQ(rows[2].name.database, "other");
  EXPECT_EQ(rows[2].figures.rows, 7);
  EXPECT_EQ(rows[2].figures.wait_micros, 3);
}

TEST_F(StatementTableTest, ATextWithSeveralLeadsToItsParts) {
  const auto whole = find("BEGIN; SELECT 1; SELECT 2;", 3);
  table_.note_call(table_.part(whole, 0, kNow), 0, 1, 0, kNow);
  table_.note_call(table_.part(whole, 1, kNow), 1, 1, 0, kNow);
  table_.note_call(table_.part(whole, 2, kNow), 1, 1, 0, kNow);
  call("SELECT 3;", 1);
  const auto rows = all().rows;
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(*rows[0].text, "BEGIN");
  EXPECT_EQ(*rows[1].text, "SELECT $1");
  EXPECT_EQ(rows[1].figures.calls, 3);
}

TEST_F(StatementTableTest, ASemicolonAtTheEndMakesNoDifference) {
  const auto plain = find("SELECT a FROM t WHERE b = 1");
  for (int i = 0; i < 2; ++i) {
    for (const char* text : {"SELECT a FROM t WHERE b = 2;", "SELECT a FROM t WHERE b = 3 ; ;"}) {
      EXPECT_EQ(find(text).place, plain.place) << text;
      EXPECT_EQ(find(text).serial, plain.serial) << text;
    }
  }
  table_.reset();
  call("SELECT a FROM t WHERE b = 1;", 5);
  ASSERT_EQ(all().rows.size(), 1);
  EXPECT_EQ(*all().rows[0].text, "SELECT a FROM t WHERE b = $1")
      << "what was found before the reset counts no more";
}

TEST_F(StatementTableTest, ATextThatIsCutAmissIsOneStatement) {
  const std::string text = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END";
  table_.note_call(table_.part(find(text, 1), 0, kNow), 0, 1, 0, kNow);
  const std::string two = text + "; SELECT 3";
  table_.note_call(table_.part(find(two, 2), 1, kNow), 0, 1, 0, kNow);
  EXPECT_EQ(all().rows.size(), 2);
}

TEST_F(StatementTableTest, TheCheapestMakeRoomAndNothingIsLost) {
  call("SELECT dear", 1'000'000);
  for (int i = 0; i < 5000; ++i) call("SELECT 1 AS c" + std::to_string(i), 10);
  EXPECT_EQ(table_.size(), 1000);
  const auto details = all();
  StatementFigures sum = details.others;
  for (const auto& row : details.rows) sum += row.figures;
  EXPECT_EQ(sum.calls, 5001);
  EXPECT_EQ(sum.exec_micros, 1'050'000);
  EXPECT_EQ(details.others.calls, 4001);
  EXPECT_EQ(*details.rows[0].text, "SELECT dear");
}

TEST_F(StatementTableTest, WhatHasMadeRoomIsCountedWithTheOthers) {
  const auto old = find("SELECT old");
  for (int i = 0; i < 3000; ++i) call("SELECT 1 AS c" + std::to_string(i), 10);
  table_.note_call(old, 5, 77, 0, kNow);
  EXPECT_EQ(all().others.rows, 2000 + 5);
  table_.reset();
  table_.note_hits(old, {.calls = 1, .rows = 1, .saved_micros = 10}, kNow);
  EXPECT_EQ(all().others.hits, 1);
  EXPECT_TRUE(all().rows.empty());
}

TEST_F(StatementTableTest, ErrorsAreNoCalls) {
  table_.note_error(find("SELECT bad"), {'2', '2', '0', '1', '2'}, 40, 2, kNow);
  const auto rows = all().rows;
  ASSERT_EQ(rows.size(), 1);
  EXPECT_EQ(rows[0].figures.calls, 0);
  EXPECT_EQ(rows[0].figures.errors, 1);
  EXPECT_EQ(rows[0].figures.error_micros, 40);
  EXPECT_EQ(std::string(rows[0].figures.last_sqlstate.data(), 5), "22012");
}

TEST(StatementGrowthTest, OfWhatAThreadHasLetGoIsNotAllThatIsLeft) {
  const TimePoint looked = kNow + std::chrono::seconds(60);
  const StatementFigures then{.calls = 1000, .exec_micros = 50'000, .first_seen = kNow, .hits = 100};
  const StatementFigures more{.calls = 1010, .exec_micros = 51'000, .first_seen = kNow, .hits = 104};
  EXPECT_EQ(grown(more, &then, looked).calls, 10U);
  EXPECT_EQ(grown(more, &then, looked).hits, 4U);
  EXPECT_EQ(grown(more, &then, looked).exec_micros, 1000U);
  const StatementFigures less_calls{.calls = 600, .exec_micros = 51'000, .first_seen = kNow, .hits = 104};
  const StatementFigures less_time{.calls = 1010, .exec_micros = 40'000, .first_seen = kNow, .hits = 104};
  // The share that is gone had calls by the server only, and another thread has counted hits.
  const StatementFigures more_hits{.calls = 1052, .exec_micros = 55'000, .first_seen = kNow, .hits = 200};
  for (const auto& rest : {less_calls, less_time, more_hits}) {
    EXPECT_EQ(grown(rest, &then, looked).calls, 0U);
    EXPECT_EQ(grown(rest, &then, looked).exec_micros, 0U);
  }
}

TEST(StatementGrowthTest, IsAllOfItWhenItWasSeenForTheFirstTimeSince) {
  const TimePoint looked = kNow + std::chrono::seconds(60);
  StatementFigures now{.calls = 600, .exec_micros = 40'000, .first_seen = looked, .hits = 10};
  const StatementFigures then{.calls = 1000, .exec_micros = 50'000, .first_seen = kNow, .hits = 100};
  EXPECT_EQ(grown(now, nullptr, looked).calls, 600U);
  EXPECT_EQ(grown(now, &then, looked).calls, 600U) << "counted anew";
  now.first_seen = kNow;
  EXPECT_EQ(grown(now, nullptr, looked).calls, 0U) << "it was there, and too cheap to be told";
}

/// What docs/statements.md states: 3 kB for each statement at most, a third of that as a rule.
TEST_F(StatementTableTest, MemoryStaysWithinItsBound) {
  table_.configure(true, 10'000);
  const std::string long_text(2000, 'x');
  for (int i = 0; i < 20'000; ++i)
    call("SELECT " + long_text + std::to_string(i) + " FROM t", 400 + i % 1000);
  EXPECT_EQ(table_.size(), 10'000);
  EXPECT_LT(table_.bytes(), 10'000 * 2000);
  table_.reset();
  for (int i = 0; i < 10'000; ++i) {
    for (int power = 0; power < 34; power += 2)
      call("SELECT " + std::to_string(i) + " AS " + long_text + std::to_string(i), std::uint64_t{1} << power);
  }
  EXPECT_LT(table_.bytes(), 10'000 * 3000);
}

}  // namespace
}  // namespace forebay::engine
