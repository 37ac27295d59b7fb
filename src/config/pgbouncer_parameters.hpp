#pragma once

#include <string_view>

namespace forebay::config {

/// What is said of PgBouncer's settings about names of servers.
inline constexpr std::string_view kResolving =
    "names of servers are resolved at start and at every reload; where the address behind a name changes, "
    "send "
    "SIGHUP";

/// What becomes of a parameter of PgBouncer.
enum class Fate {
  carried,   ///< there is an option for it
  unneeded,  ///< Forebay does without, and nothing is missing
  lost,      ///< there is nothing like it
};

/// A global parameter of PgBouncer 1.25 (https://www.pgbouncer.org/config.html).
struct PgbouncerParameter {
  std::string_view name;
  std::string_view default_value;
  Fate fate = Fate::carried;
  std::string_view why = {};  ///< not carried: the reason, and what to do instead
};

/// True when this value changes nothing against the default.
bool is_default(const PgbouncerParameter& parameter, std::string_view value);

/// The parameter of this name, or null.
const PgbouncerParameter* find_pgbouncer_parameter(std::string_view name);

}  // namespace forebay::config
