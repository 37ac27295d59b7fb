#pragma once

#include <cstring>
#include <string_view>

namespace forebay {

/// As `one == other`, without the call that GCC 12 makes of it: std::string_view::compare is instantiated in
/// the library, and not inlined.
inline bool same_bytes(std::string_view one, std::string_view other) {
  return one.size() == other.size() &&
         (one.empty() || std::memcmp(one.data(), other.data(), one.size()) == 0);
}

}  // namespace forebay
