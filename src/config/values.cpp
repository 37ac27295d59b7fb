#include "config/values.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "config/nearest.hpp"
#include "config/problem.hpp"

namespace forebay::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t milliseconds;
};

constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};

constexpr std::string_view kDurationForm =
    "write a number with a unit (ms, s, min, h or d), for example 30s or 250ms";

constexpr std::pair<std::string_view, bool> kWords[] = {{"true", true},   {"yes", true}, {"on", true},
                                                        {"false", false}, {"no", false}, {"off", false}};

struct ByteUnit {
  std::string_view name;
  std::uint64_t bytes;
  bool shown;  ///< the units that are written, the largest first
};
constexpr ByteUnit kByteUnits[] = {{"GiB", 1ULL << 30, true},
                                   {"MiB", 1ULL << 20, true},
                                   {"KiB", 1ULL << 10, true},
                                   {"GB", 1'000'000'000, false},
                                   {"MB", 1'000'000, false},
                                   {"KB", 1'000, false},
                                   {"kB", 1'000, false},
                                   {"G", 1ULL << 30, false},
                                   {"M", 1ULL << 20, false},
                                   {"K", 1ULL << 10, false},
                                   {"B", 1, true}};

constexpr std::string_view kBlanks = " \t\r\n";

/// One number with its unit, taken from the front of `text`. In milliseconds.
Result<double> take_part(std::string_view& text, std::string_view whole) {
  const auto number_end = static_cast<std::size_t>(
      std::find_if(text.begin(), text.end(), [](char c) { return !is_digit(c) && c != '.'; }) - text.begin());
  const std::string_view number = text.substr(0, number_end);
  double value = 0;
  const auto read =
      std::from_chars(number.data(), number.data() + number.size(), value, std::chars_format::fixed);
  if (number.empty() || read.ec != std::errc() || read.ptr != number.data() + number.size()) {
    return complaint(fmt::format("{} is no duration; {}", in_quotes(whole), kDurationForm));
  }
  text.remove_prefix(number_end);
  const auto unit_end =
      static_cast<std::size_t>(std::find_if(text.begin(), text.end(), is_digit) - text.begin());
  const std::string_view name = trimmed(text.substr(0, unit_end));
  text.remove_prefix(unit_end);
  if (name.empty()) {
    return complaint(fmt::format("{} has no unit; {}", in_quotes(whole), kDurationForm));
  }
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return value * static_cast<double>(unit.milliseconds);
  }
  const std::string_view meant = name == "m" ? " (minutes are min)" : "";
  return complaint(fmt::format("{} has the unknown unit {}{}; {}", in_quotes(whole), in_quotes(name), meant,
                               kDurationForm));
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const auto comma = text.find(',');
    parts.emplace_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

Result<std::uint32_t> parse_count(std::string_view text, Range range) {
  const std::string allowed = fmt::format("a whole number from {} to {}", range.least, range.most);
  const std::string_view digits = trimmed(text);
  std::uint64_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool too_long = read.ec == std::errc::result_out_of_range;
  if (!too_long && (digits.empty() || read.ec != std::errc() || read.ptr != digits.data() + digits.size())) {
    return complaint(fmt::format("{} is not {}", in_quotes(text), allowed));
  }
  if (too_long || value < range.least || value > range.most) {
    return complaint(fmt::format("{} is out of range; it has to be {}", in_quotes(text), allowed));
  }
  return static_cast<std::uint32_t>(value);
}

Result<Duration> parse_duration(std::string_view text, Range range) {
  const std::string_view whole = trimmed(text);
  std::string_view rest = whole;
  double milliseconds = 0;
  if (whole != "0") {
    do {
      const auto part = take_part(rest, whole);
      if (!part) return part.error();
      milliseconds += *part;
    } while (!rest.empty());
    if (milliseconds > 0 && milliseconds < 1) {
      return complaint(
          fmt::format("{} is shorter than 1ms, the shortest that can be kept", in_quotes(whole)));
    }
  }
  if (milliseconds < static_cast<double>(range.least) || milliseconds > static_cast<double>(range.most)) {
    const auto in_text = [](std::uint64_t value) {
      return to_text(Duration(static_cast<std::int64_t>(value)));
    };
    return complaint(fmt::format("{} is out of range; it has to be from {} to {}", in_quotes(whole),
                                 in_text(range.least), in_text(range.most)));
  }
  return Duration(static_cast<std::int64_t>(std::llround(milliseconds)));
}

Result<FileMode> parse_file_mode(std::string_view text) {
  FileMode mode;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, mode.bits, 8);
  if (error != std::errc() || at != end || mode.bits > 0777) {
    return Error{
        ErrorCode::configuration,
        fmt::format("{} is not a file mode (octal digits, such as 0770; at most 0777)", in_quotes(text))};
  }
  return mode;
}

std::string to_text(FileMode value) {
  return fmt::format("{:04o}", value.bits);
}

Result<ByteSize> parse_byte_size(std::string_view text, Range range) {
  const std::string_view all = trimmed(text);
  double number = 0;
  const char* end = all.data() + all.size();
  const auto [at, error] = std::from_chars(all.data(), end, number, std::chars_format::fixed);
  const std::string_view unit = error == std::errc() ? trimmed({at, end}) : std::string_view();
  const auto* known = std::ranges::find(kByteUnits, unit, &ByteUnit::name);
  if (known == std::end(kByteUnits)) {
    const bool bare = error == std::errc() && unit.empty();
    return complaint(
        fmt::format("{} {}; write a number with a unit (KiB, MiB or GiB), for example 256MiB or 0.5GiB",
                    in_quotes(text), bare ? "has no unit" : "is not an amount of memory"));
  }
  const double bytes = number * static_cast<double>(known->bytes);
  if (!(bytes >= static_cast<double>(range.least) && bytes <= static_cast<double>(range.most))) {
    return complaint(fmt::format("{} is out of range; it has to be from {} to {}", in_quotes(text),
                                 to_text(ByteSize{range.least}), to_text(ByteSize{range.most})));
  }
  return ByteSize{static_cast<std::uint64_t>(bytes)};
}

std::string to_text(ByteSize value) {
  for (const ByteUnit& unit : kByteUnits) {
    if (unit.shown && value.bytes >= unit.bytes && value.bytes % unit.bytes == 0) {
      return fmt::format("{}{}", value.bytes / unit.bytes, unit.name);
    }
  }
  return "0B";
}

Result<bool> parse_boolean(std::string_view text) {
  const std::string word = lower_case(trimmed(text));
  for (const auto& [name, value] : kWords) {
    if (word == name) return value;
  }
  return complaint(
      fmt::format("{} is neither true nor false (yes, no, on and off do as well)", in_quotes(text)));
}

Result<std::size_t> find_choice(std::string_view text, const std::vector<std::string>& names,
                                const std::vector<std::string>& told) {
  std::string word(trimmed(text));
  std::replace(word.begin(), word.end(), '_', '-');
  const auto found = std::find(names.begin(), names.end(), word);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const auto near = nearest(word, names);
  return complaint(fmt::format("{} is not one of {}{}", in_quotes(text), joined(told),
                               near ? fmt::format("; did you mean {}?", in_quotes(*near)) : ""));
}

std::string to_text(Duration value) {
  if (value.count() == 0) return "0";
  for (const Unit& unit : {kUnits[4], kUnits[3], kUnits[2], kUnits[1]}) {
    const auto length = static_cast<std::int64_t>(unit.milliseconds);
    if (value.count() % length == 0) return fmt::format("{}{}", value.count() / length, unit.name);
  }
  return fmt::format("{}ms", value.count());
}

}  // namespace forebay::config
