#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "monitor/finished_points.hpp"

/// The table of figures over time: what it is made by, and what is written into it. No I/O; months are those
/// of UTC.
///
///     SCHEMA.points (time, instance, series, seconds, mean, least, most), by months: SCHEMA.points_2026_11
namespace forebay::monitor {

using Month = std::chrono::year_month;

Month month_of(double wall);
/// points_2026_11.
std::string partition_name(Month month);
/// Nothing for any other name.
std::optional<Month> month_in(std::string_view partition);

/// One row with one column, a JSON object: what there is already, and what the user may do.
std::string question_about_table(const std::string& schema);

/// What there is, as the server has answered.
struct TableState {
  double now = 0;  ///< by the server's clock, in seconds since 1970
  std::string user;
  std::string database;
  std::string owner;  ///< of the table; empty: there is none
  bool is_in_recovery = false;
  bool has_schema = false;
  bool may_create_schema = false;
  bool may_create_table = false;
  bool is_owner = false;
  bool is_ours = true;                  ///< the table is what preparation() makes, or there is none
  std::vector<std::string> partitions;  ///< that belong to the table, by whatever name

  bool has_partition(Month month) const;
};
TableState table_state(const boost::json::object& told);

/// What the user lacks, with the statement that gives it; empty: nothing.
std::string missing_rights(const TableState& state, const std::string& schema);

/// The first month of which anything is kept, where `kept` whole months before `now` are.
Month first_kept(const TableState& state, Month now, std::uint32_t kept);

/// What has to be done so that everything from `oldest` to the month after `now` can be written, and nothing
/// is left of before first_kept(). Only partitions of the table that bear the names above are dropped.
/// Several processes may do it at a time. Empty: there is nothing to be done.
std::string preparation(const TableState& state, const std::string& schema, Month oldest, Month now,
                        std::uint32_t kept);

/// Rows that are there already stay as they are, so that what may have been written can be written again.
std::string insertion(const std::string& schema, const std::string& instance,
                      std::span<const HistoryRow> rows);

}  // namespace forebay::monitor
