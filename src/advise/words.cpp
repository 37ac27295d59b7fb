#include "advise/words.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

namespace forebay::advise {

namespace {

/// Three digits, and no zeros behind a point.
std::string short_number(double value) {
  return std::abs(value) < 1000 ? fmt::format("{:.3g}", value) : count(value);
}

}  // namespace

std::string count(double value) {
  std::string digits = fmt::format("{:.0f}", std::abs(value));
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return (value <= -0.5 ? "-" : "") + digits;
}

std::string milliseconds(double value) {
  return value < 1000 ? short_number(value) + " ms" : duration(value / 1000);
}

std::string duration(double seconds) {
  if (seconds < 1) return short_number(seconds * 1000) + " ms";
  if (seconds < 100) return short_number(seconds) + " s";
  if (seconds < 100 * 60) return short_number(seconds / 60) + " min";
  if (seconds < 48 * 3600) return short_number(seconds / 3600) + " h";
  return short_number(seconds / 86400) + " days";
}

std::string bytes(double value) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  for (; std::abs(value) >= 1000 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return fmt::format("{} {}", short_number(value), kUnits[unit]);
}

double next_power_of_two(double bytes) {
  return std::exp2(std::ceil(std::log2(std::max(bytes / kMegabyte, 1.0)))) * kMegabyte;
}

std::string megabytes(double bytes) {
  return fmt::format("{:.0f}MB", bytes / kMegabyte);
}

std::string percent(double share) {
  return share > 0 && share < 0.01 ? "<1 %" : fmt::format("{:.0f} %", share * 100);
}

std::string some(double number, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count(number), number == 1 ? one : many);
}

std::string shortened(std::string_view text, std::size_t most) {
  std::string line;
  for (const char letter : text.substr(0, most)) {
    const bool is_space = static_cast<unsigned char>(letter) <= ' ';
    if (!is_space) line += letter;
    if (is_space && !line.empty() && line.back() != ' ') line += ' ';
  }
  if (text.size() <= most) return line;
  while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xC0) == 0x80) line.pop_back();
  if (!line.empty() && static_cast<unsigned char>(line.back()) >= 0xC0) line.pop_back();
  return line + "…";
}

}  // namespace forebay::advise
