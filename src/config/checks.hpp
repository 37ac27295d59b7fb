#pragma once

#include <string>
#include <vector>

#include "config/problem.hpp"
#include "config/reader.hpp"
#include "config/settings.hpp"

namespace forebay::config {

/// Mistakes that only the whole shows: settings that rule each other out or that need another. `places` tells
/// where each was written; what was not written is told at `whole`, unless there are problems already: what
/// is missing then may be what could not be read.
void check_settings(const Settings& settings, const Places& places, const Location& whole,
                    std::vector<Problem>& problems);

/// True when a password is a SCRAM-SHA-256 verifier as PostgreSQL writes it, well formed or not.
bool looks_like_scram(std::string_view password);
bool is_scram_verifier(std::string_view password);

/// True for md5 followed by 32 hexadecimal digits.
bool is_md5_hash(std::string_view password);

/// A mistake and the key that it is told at.
struct KeyMistake {
  std::string key;
  std::string text;
};
std::vector<KeyMistake> check_alerts(const Alerts& alerts);
std::vector<KeyMistake> check_otlp(const Otlp& otlp);

}  // namespace forebay::config
