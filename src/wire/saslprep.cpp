#include "wire/saslprep.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <span>
#include <vector>

#include <openssl/crypto.h>
#include <utf8proc.h>

#include "wire/saslprep_tables.hpp"
#include "wire/secret_text.hpp"

namespace forebay::wire {
namespace {

using saslprep_tables::Range;

/// Code points of a password. Wiped when they go.
struct CodePoints {
  explicit CodePoints(std::size_t room) {
    points.reserve(room);  // growing later would leave copies behind that nobody wipes
  }
  CodePoints(const CodePoints&) = delete;
  CodePoints& operator=(const CodePoints&) = delete;
  ~CodePoints() { OPENSSL_cleanse(points.data(), points.size() * sizeof(points[0])); }

  std::vector<std::int32_t> points;
};

bool is_in(std::span<const Range> table, std::int32_t point) {
  const auto code = static_cast<std::uint32_t>(point);
  const auto after = std::ranges::upper_bound(table, code, {}, &Range::first);
  return after != table.begin() && code <= std::prev(after)->last;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// Decodes UTF-8 and applies the mappings. False when it is not UTF-8.
bool decode_and_map(std::string_view text, std::vector<std::int32_t>& points) {
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    utf8proc_int32_t point = 0;
    const utf8proc_ssize_t used = utf8proc_iterate(at, left, &point);
    if (used <= 0) return false;
    at += used;
    left -= used;
    if (is_in(saslprep_tables::kMappedToSpace, point)) {
      points.push_back(' ');
    } else if (!is_in(saslprep_tables::kMappedToNothing, point)) {
      points.push_back(point);
    }
  }
  return true;
}

/// RFC 3454 section 6: a text with a right-to-left character begins and ends with one, and has no
/// left-to-right one.
bool direction_is_sound(const std::vector<std::int32_t>& points) {
  const auto to_left = [](std::int32_t point) { return is_in(saslprep_tables::kRightToLeft, point); };
  const auto to_right = [](std::int32_t point) { return is_in(saslprep_tables::kLeftToRight, point); };
  if (std::ranges::none_of(points, to_left)) return true;
  return to_left(points.front()) && to_left(points.back()) && std::ranges::none_of(points, to_right);
}

std::string encoded(const std::vector<std::int32_t>& points) {
  std::string text(points.size() * 4, '\0');
  std::size_t size = 0;
  for (const std::int32_t point : points) {
    auto* at = reinterpret_cast<utf8proc_uint8_t*>(text.data() + size);
    size += static_cast<std::size_t>(utf8proc_encode_char(point, at));
  }
  text.resize(size);
  return text;
}

constexpr auto kFormKc = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);

/// Normalisation form KC.
std::optional<std::string> normalized(const std::string& text) {
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                             static_cast<utf8proc_ssize_t>(text.size()), &result, kFormKc);
  if (size < 0) return std::nullopt;
  std::string copy(reinterpret_cast<const char*>(result), static_cast<std::size_t>(size));
  OPENSSL_cleanse(result, static_cast<std::size_t>(size));
  std::free(result);
  return copy;
}

}  // namespace

std::optional<std::string> saslprep(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  CodePoints mapped(text.size());
  if (!decode_and_map(text, mapped.points) || mapped.points.empty()) return std::nullopt;
  const auto refused = [](std::int32_t point) { return is_in(saslprep_tables::kRefused, point); };
  if (std::ranges::any_of(mapped.points, refused) || !direction_is_sound(mapped.points)) return std::nullopt;
  std::string before = encoded(mapped.points);
  std::optional<std::string> after = normalized(before);
  wipe(before);
  return after;
}

std::string prepared_password(std::string_view password) {
  std::optional<std::string> prepared = saslprep(password);
  return prepared ? *std::move(prepared) : std::string(password);
}

}  // namespace forebay::wire
