#include "engine/value_text.hpp"

namespace forebay::engine {

std::string_view integer_text(std::string_view bytes, std::string& buffer) {
  if (bytes.size() != 2 && bytes.size() != 4 && bytes.size() != 8) return {};
  std::uint64_t raw = 0;
  for (const char byte : bytes) raw = raw << 8 | static_cast<unsigned char>(byte);
  const std::size_t unused = 64 - 8 * bytes.size();
  const auto value = static_cast<std::int64_t>(raw << unused) >> unused;
  buffer = std::to_string(value);
  return buffer;
}

std::string_view uuid_text(std::string_view bytes, std::string& buffer) {
  if (bytes.size() != 16) return {};
  constexpr std::string_view kDigits = "0123456789abcdef";
  buffer.clear();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) buffer += '-';
    const auto byte = static_cast<unsigned char>(bytes[i]);
    buffer += kDigits[byte >> 4];
    buffer += kDigits[byte & 15];
  }
  return buffer;
}

std::string_view literal_text(std::string_view literal, std::string& buffer) {
  if (literal.size() < 2 || literal.front() != '\'') return literal;
  literal = literal.substr(1, literal.size() - 2);
  if (literal.find('\'') == literal.npos) return literal;
  buffer.clear();
  for (std::size_t at = 0; at < literal.size(); ++at) {
    buffer += literal[at];
    if (literal[at] == '\'') ++at;  // a quote is written twice
  }
  return buffer;
}

}  // namespace forebay::engine
