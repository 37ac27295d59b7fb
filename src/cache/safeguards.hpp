#pragma once

#include <cstdint>

namespace forebay::cache {

/// What keeps stale entries from being served. In a build with -DFOREBAY_BREAK=ON, which is for testing the
/// consistency checker and nothing else, the environment's FOREBAY_BREAK names one to be left out.
enum class Safeguard : std::uint8_t { fence, lease, own_write };

#ifdef FOREBAY_BREAK
bool is_left_out(Safeguard safeguard);
#else
constexpr bool is_left_out(Safeguard) {
  return false;
}
#endif

}  // namespace forebay::cache
