#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace forebay::monitor {

/// What servers are asked about themselves. `about` comes first on every connection.
enum class Topic : std::uint8_t { about, activity, server, sizes, tables, indexes, statements };
inline constexpr std::size_t kTopics = 7;

/// Which connections a topic is asked on.
enum class Scope : std::uint8_t {
  everywhere,
  server,    ///< one of each server
  database,  ///< one of each sampled database, on the primary
};

/// Constants of a topic.
struct TopicRule {
  Topic topic;
  std::string_view name;
  Scope scope;
  Duration interval;  ///< zero: sampling.interval, or a second while somebody looks
};
const std::array<TopicRule, kTopics>& topic_rules();
std::string_view to_text(Topic topic);

/// What has to be known of a server to ask it.
struct About {
  int version = 0;  ///< server_version_num; columns differ from 13 to 17
  std::string statements_schema =
      {};  ///< of pg_stat_statements, quoted; empty: it is not installed in this database
};

/// One statement, whose answer is one row with one column, a JSON object. Every name is found in pg_catalog:
/// the connection's search_path holds nothing else. Empty: there is nothing to ask on this server.
std::string question_for(Topic topic, const About& about);

}  // namespace forebay::monitor
