#include "cache/safeguards.hpp"

#ifdef FOREBAY_BREAK

#include <cstdlib>
#include <string_view>

namespace forebay::cache {

bool is_left_out(Safeguard safeguard) {
  static const std::string_view named = [] {
    const char* value = std::getenv("FOREBAY_BREAK");
    return std::string_view(value == nullptr ? "" : value);
  }();
  switch (safeguard) {
    case Safeguard::fence:
      return named == "fence";
    case Safeguard::lease:
      return named == "lease";
    case Safeguard::own_write:
      return named == "own_write";
  }
  return false;
}

}  // namespace forebay::cache

#endif
