#include "http/statement_words.hpp"

#include <chrono>

#include <fmt/chrono.h>

namespace forebay::http {

std::string wall_time(TimePoint at, TimePoint now) {
  const auto ago = std::chrono::duration_cast<std::chrono::system_clock::duration>(now - at);
  return fmt::format(
      "{:%FT%TZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() - ago)));
}

std::string fingerprint_text(const sql::Fingerprint& fingerprint) {
  return fmt::format("{:016x}{:016x}", fingerprint.high, fingerprint.low);
}

}  // namespace forebay::http
