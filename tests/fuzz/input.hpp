#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace forebay::fuzz {

/// Ends the run when a promise is broken; the input is then kept.
inline void expect(bool truth) {
  if (!truth) std::abort();
}

/// What a run is made of, taken off the front bit by bit. At the end there are zeros and empty texts.
class Input {
 public:
  Input(const std::uint8_t* bytes, std::size_t size) : rest_(reinterpret_cast<const char*>(bytes), size) {}

  bool empty() const { return rest_.empty(); }

  std::uint8_t byte() {
    const std::string_view one = take(1);
    return one.empty() ? 0 : static_cast<std::uint8_t>(one.front());
  }
  /// Any digit is what it looks like, so that seeds can be read.
  bool flag() { return byte() % 2 != 0; }
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : byte() % limit; }

  std::string_view take(std::size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  /// Up to the next byte 0, which is left out.
  std::string_view piece() {
    const std::string_view taken = take(std::min(rest_.find('\0'), rest_.size()));
    take(1);
    return taken;
  }
  std::string_view rest() { return take(rest_.size()); }

 private:
  std::string_view rest_;
};

/// `text`, perhaps with one byte changed, left out or put in, or cut short.
inline std::string tampered(std::string_view text, Input& input) {
  std::string result(text);
  const std::size_t kind = input.below(5);
  const std::size_t at = input.below(text.size());
  const char c = static_cast<char>(input.byte());
  if (result.empty() || kind == 0) return result;
  if (kind == 1) result[at] = c;
  if (kind == 2) result.erase(at, 1);
  if (kind == 3) result.insert(at, 1, c);
  if (kind == 4) result.resize(at);
  return result;
}

}  // namespace forebay::fuzz
