#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/clock.hpp"
#include "monitor/questions.hpp"

/// What servers have said of themselves, as plain values.
namespace forebay::monitor {

/// One answer.
struct Sample {
  boost::json::object
      told;         ///< the question's columns (questions.cpp), valid UTF-8, without values of statements
  TimePoint at;     ///< when it was asked
  double wall = 0;  ///< the same, in seconds since 1970
  TimePoint current_until;  ///< there should have been two newer ones by then
};

/// What is known of one topic.
struct Answered {
  std::shared_ptr<const Sample> latest;  ///< null: none has come yet
  std::string problem;                   ///< why there is none since; empty: all is well
};

/// What is known by one connection: of a server as a whole, of one of its databases, or of both.
struct Place {
  std::string server;
  std::string database;
  std::vector<std::string> client_databases = {};  ///< the names by which clients use it, sorted
  bool is_primary = false;
  bool is_of_server = false;    ///< what concerns the whole server is asked here
  bool is_of_database = false;  ///< what concerns this database is
  bool is_answering = false;
  std::string problem = {};            ///< why it is not; empty as long as nothing is known
  double since = 0;                    ///< of is_answering and problem, in seconds since 1970
  std::chrono::microseconds spent{0};  ///< time that all answers took, from asking to having them
  std::array<Answered, kTopics> topics = {};

  const Answered& of(Topic topic) const { return topics[static_cast<std::size_t>(topic)]; }
  /// Null: it has not been told.
  const boost::json::object* told(Topic topic) const {
    const auto& latest = of(topic).latest;
    return latest == nullptr ? nullptr : &latest->told;
  }
  /// The same, if it can pass for what is so now: null when the server does not answer, or not to this.
  const boost::json::object* current(Topic topic, TimePoint now) const {
    const auto& latest = of(topic).latest;
    const bool is_current = is_answering && latest != nullptr && now < latest->current_until;
    return is_current ? &latest->told : nullptr;
  }
};

struct Samples {
  bool is_on = false;  ///< false: `why_off` says what it would take
  std::string why_off;
  std::vector<Place> places;          ///< the primary's first, the servers' own before their databases'
  std::vector<std::string> left_out;  ///< databases in use that are one too many to be sampled
};
using SamplesPtr = std::shared_ptr<const Samples>;

}  // namespace forebay::monitor
