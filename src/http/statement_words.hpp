#pragma once

#include <string>

#include "base/clock.hpp"
#include "sql/fingerprint.hpp"

/// How statements and their times are told in JSON.
namespace forebay::http {

/// By the wall clock, to the second.
std::string wall_time(TimePoint at, TimePoint now);
/// The name of a statement, the same wherever it is told.
std::string fingerprint_text(const sql::Fingerprint& fingerprint);

}  // namespace forebay::http
