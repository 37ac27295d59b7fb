#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "monitor/growth.hpp"
#include "monitor/history.hpp"
#include "monitor/samples.hpp"

/// What is to be read out of answers.
namespace forebay::monitor {

/// Nothing when it is not there, or null.
std::optional<double> number_in(const boost::json::object* told, std::string_view key);
std::string_view text_in(const boost::json::object& told, std::string_view key);
/// False when it is not there, or no truth value.
bool flag_in(const boost::json::object& told, std::string_view key);
/// Null when it is not there, or no object.
const boost::json::object* object_in(const boost::json::object& told, std::string_view key);
/// The objects of a list; none when it is not there.
std::vector<const boost::json::object*> list_in(const boost::json::object* told, std::string_view key);

/// Transaction ids that are left to a database whose oldest is `age` old, before the server takes no more
/// writes.
std::int64_t xids_left(std::int64_t age);

/// What VACUUM has not removed from a table, as the server estimates it.
struct DeadRows {
  std::string table;  ///< schema.table
  double rows;
  double share;  ///< of all rows of the table
};
/// Of the ten tables with most dead rows in a place's database, those with ten thousand or more.
std::vector<DeadRows> dead_rows_of(const Place& place, TimePoint now);

/// The names under which growth is kept.
std::string growth_name(const Place& place, std::string_view database);
std::string growth_name(const Place& place, const boost::json::object& table);

/// Of Topic::activity.
struct SessionCounts {
  double active = 0;
  double idle_in_transaction = 0;  ///< a failed one among them
};
SessionCounts sessions_in(const boost::json::object& activity);

/// Both: of what can pass for what is so now. An old figure is none of now.
void note_activity(History& history, const Place& place, TimePoint now);
/// What a server's databases have counted from the answer before to the newest one; nothing when that is no
/// other. `before`: what was known of the same place earlier.
void note_counters(History& history, const Place& before, const Place& place);
/// Of the primary alone: the others have the same files.
void note_sizes(History& history, Growth& growth, const Place& place, TimePoint now);

}  // namespace forebay::monitor
