#include "config/problem.hpp"

#include <fmt/format.h>

namespace forebay::config {
namespace {

constexpr std::size_t kLongest = 60;  // enough to recognise it, and a message stays on one line

}  // namespace

std::string to_string(const Location& where) {
  return where.line == 0 ? where.source : fmt::format("{}:{}:{}", where.source, where.line, where.column);
}

Location place_of(const Places& places, std::string key, const Location& whole) {
  while (true) {
    if (const auto found = places.find(key); found != places.end()) return found->second;
    const auto dot = key.rfind('.');
    if (dot == std::string::npos) return whole;
    key.resize(dot);
  }
}

std::string to_string(const Problem& problem) {
  const std::string place = to_string(problem.where);
  // A flag that is called like its key says it already.
  std::string_view text = problem.text;
  if (place.starts_with("--") && text.starts_with(place.substr(2) + ": ")) text.remove_prefix(place.size());
  return fmt::format("{}: {}", place, text);
}

std::string to_string(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    if (!text.empty()) text += '\n';
    text += to_string(problem);
  }
  return text;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool inside_character = (byte & 0xC0) == 0x80;  // never cut a UTF-8 character
    if (i >= kLongest && !inside_character) {
      out += "…";
      break;
    }
    if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      if (byte == '"' || byte == '\\') out += '\\';
      out += static_cast<char>(byte);
    }
  }
  return out + '"';
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

}  // namespace forebay::config
