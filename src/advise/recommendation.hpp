#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/// What is recommended, as plain values.
namespace forebay::advise {

enum class Urgency : std::uint8_t { now, soon, consider };
std::string_view name_of(Urgency urgency);

/// What a figure counts in.
enum class Unit : std::uint8_t {
  none,  ///< there is no figure
  client_seconds_per_hour,
  server_seconds_per_hour,
  milliseconds,
  seconds,
  share,
  bytes,
  rows,
  ids,
};
std::string_view name_of(Unit unit);
/// For people, with its unit.
std::string text_of(double value, Unit unit);

/// What is to be expected at most. Several in seconds per hour can be compared.
struct Gain {
  double value = 0;
  Unit unit = Unit::none;
  std::string text = {};
};

/// How the text of a change is to be used.
enum class Form : std::uint8_t { words, yaml, console, sql };
std::string_view name_of(Form form);

struct Change {
  Form form = Form::words;
  std::string text = {};  ///< to be copied as it is; empty: `advice` says all there is
};

/// What a recommendation is about, by the names that labels have elsewhere: database, user, server, …
using Subject = std::map<std::string, std::string>;

struct Recommendation {
  std::string id = {};         ///< the kind and the object: the same as long as it is about the same
  std::string_view kind = {};  ///< of a table in kinds.cpp
  Urgency urgency = Urgency::consider;
  std::string title = {};
  std::string evidence = {};  ///< figures, with what time they are of
  std::string advice = {};    ///< what to do, and what to mind
  Change change = {};
  Gain gain = {};
  Subject subject = {};
  std::string_view area = {};  ///< which page of the dashboard shows more
};

/// `kind:part@part`, without what would break a line.
std::string id_of(std::string_view kind, std::string_view object);

/// A figure that a recommendation is about, over one stretch of time: `amount` for each of `weight`. Sums of
/// both over several stretches give the mean of all.
struct Measure {
  double amount = 0;
  double weight = 0;                   ///< 0: nothing was there to be measured
  std::optional<double> traffic = {};  ///< what was done meanwhile; nothing: it does not depend on that
  std::optional<std::string> setting =
      {};  ///< what the change would change, as it is; nothing: nobody can see it
};

}  // namespace forebay::advise
