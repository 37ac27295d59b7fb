#include "monitor/history_table.hpp"

#include <gtest/gtest.h>

namespace forebay::monitor {
namespace {

using std::chrono::year;

constexpr double kNovember = 1'795'000'000;  // of 2026

constexpr Month month(int of, unsigned number) {
  return year(of) / std::chrono::month(number);
}
bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(HistoryTable, MonthsAreThoseOfUtc) {
  EXPECT_EQ(month_of(1'796'083'199.999), month(2026, 11));
  EXPECT_EQ(month_of(1'796'083'200), month(2026, 12)) << "2026-12-01 00:00:00";
  EXPECT_EQ(partition_name(month(2026, 11)), "points_2026_11");
}

TEST(HistoryTable, OnlyNamesOfItsOwnFormAreMonths) {
  EXPECT_EQ(month_in("points_2026_11"), month(2026, 11));
  for (const char* other :
       {"points", "points_", "points_2026", "points_2026_", "points_2026_13", "points_2026_1", "points_26_11",
        "points_2026_11_old", "my_points_2026_11", "points_default"})
    EXPECT_FALSE(month_in(other)) << other;
}

TEST(HistoryTable, AtTheEndOfTheYearTheNextMonthIsThereAlready) {
  const TableState state{.owner = "forebay", .has_schema = true, .partitions = {"points_2026_12"}};
  const std::string work = preparation(state, "s", month(2026, 12), month(2026, 12), 12);
  EXPECT_TRUE(contains(work,
                       "\"points_2027_01\" PARTITION OF \"s\".points FOR VALUES FROM "
                       "('2027-01-01 00:00:00+00') TO ('2027-02-01 00:00:00+00')"))
      << work;
  EXPECT_FALSE(contains(work, "points_2026_12\" PARTITION"));
}

TEST(HistoryTable, WhenAllIsThereNothingIsDone) {
  const TableState state{
      .owner = "forebay", .has_schema = true, .partitions = {"points_2026_11", "points_2026_12"}};
  EXPECT_EQ(preparation(state, "s", month(2026, 11), month(2026, 11), 12), "");
}

TEST(HistoryTable, RowsOfLastMonthThatStillWaitHaveAPlace) {
  const std::string work = preparation({}, "s", month(2026, 10), month(2026, 11), 12);
  for (const char* part : {"CREATE SCHEMA IF NOT EXISTS \"s\"", "\"points_2026_10\"", "\"points_2026_11\"",
                           "\"points_2026_12\"", "pg_advisory_xact_lock"})
    EXPECT_TRUE(contains(work, part)) << part;
  EXPECT_FALSE(contains(work, "points_2027_01"));
}

TEST(HistoryTable, WhatIsOlderThanTheMonthsKeptIsDroppedAndNothingElse) {
  const TableState state{.now = kNovember,
                         .owner = "forebay",
                         .has_schema = true,
                         .partitions = {"archive", "points_2025_12", "points_2026_07", "points_2026_08",
                                        "points_2026_11", "points_2026_12", "points_default"}};
  const std::string work = preparation(state, "s", month(2026, 11), month(2026, 11), 3);
  EXPECT_TRUE(
      contains(work, "DETACH PARTITION \"s\".\"points_2025_12\";\nDROP TABLE \"s\".\"points_2025_12\";"));
  EXPECT_TRUE(contains(work, "DROP TABLE \"s\".\"points_2026_07\";"));
  for (const char* kept : {"points_2026_08", "points_2026_11", "archive", "default"})
    EXPECT_FALSE(contains(work, kept)) << kept;
}

TEST(HistoryTable, AClockThatRunsAheadDropsNothing) {
  const TableState state{
      .now = kNovember, .owner = "forebay", .has_schema = true, .partitions = {"points_2026_11"}};
  EXPECT_FALSE(contains(preparation(state, "s", month(2029, 1), month(2029, 1), 3), "DROP"));
}

TEST(HistoryTable, ATableThatForebayHasNotMadeIsLeftAlone) {
  const TableState state{
      .owner = "bob", .has_schema = true, .may_create_table = true, .is_owner = true, .is_ours = false};
  EXPECT_TRUE(contains(missing_rights(state, "public"), "set history.schema"));
}

TEST(HistoryTable, TheGrantThatIsMissingIsNamed) {
  TableState state{.user = "bob", .database = "shop"};
  EXPECT_TRUE(contains(missing_rights(state, "s"), "GRANT CREATE ON DATABASE \"shop\" TO \"bob\""));
  state.may_create_schema = true;
  EXPECT_EQ(missing_rights(state, "s"), "");
  state.has_schema = true;
  EXPECT_TRUE(contains(missing_rights(state, "s"), "GRANT USAGE, CREATE ON SCHEMA \"s\" TO \"bob\""));
  state.may_create_table = true;
  EXPECT_EQ(missing_rights(state, "s"), "");
  state.owner = "alice";
  EXPECT_TRUE(contains(missing_rights(state, "s"), "GRANT \"alice\" TO \"bob\""));
  state.is_owner = true;
  EXPECT_EQ(missing_rights(state, "s"), "");
}

TEST(HistoryTable, RowsAreWrittenWithTheirNamesQuoted) {
  const std::vector<HistoryRow> rows = {{"lag_ms/o'hara", 10, 1.5, {0.25F, 0, 1e9F}}};
  const std::string sql = insertion("s", "host:9187", rows);
  EXPECT_TRUE(contains(sql, "(to_timestamp(1.500),'host:9187','lag_ms/o''hara',10,0.25,0,1000000000)"))
      << sql;
  EXPECT_TRUE(sql.ends_with("ON CONFLICT DO NOTHING"));
}

}  // namespace
}  // namespace forebay::monitor
