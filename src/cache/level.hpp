#pragma once

#include <cstdint>
#include <string_view>

namespace forebay::cache {

/// By what the entries of a database are kept fresh. docs/freshness.md says what each level promises.
enum class Level : std::uint8_t {
  none,     ///< nothing runs, and nothing is served
  bounded,  ///< the server's changes are decoded
  outbox,   ///< triggers write down which relations are changed
  ttl       ///< nobody tells of what others write: an entry's lifetime is the bound
};

/// As people write it.
constexpr std::string_view name_of(Level level) {
  switch (level) {
    case Level::bounded:
      return "bounded";
    case Level::outbox:
      return "outbox";
    case Level::ttl:
      return "ttl";
    case Level::none:
      break;
  }
  return "none";
}

}  // namespace forebay::cache
