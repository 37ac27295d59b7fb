#include "config/yaml_writer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/utf8.hpp"

namespace forebay::config {
namespace {

constexpr std::string_view kWords[] = {"null", "Null", "NULL", "~"};

/// A key as it is when it is a plain word, in quotes otherwise.
std::string yaml_key(std::string_view key) {
  const auto plain = [](char c) { return is_letter_or_digit(c) || c == '_' || c == '-'; };
  const bool letter_first = !key.empty() && (is_letter(key[0]) || key[0] == '_');
  const bool reserved = std::find(std::begin(kWords), std::end(kWords), key) != std::end(kWords);
  return letter_first && !reserved && std::all_of(key.begin(), key.end(), plain) ? std::string(key)
                                                                                 : yaml_text(key);
}

}  // namespace

std::string yaml_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

std::string yaml_text(std::string_view text) {
  std::string guarded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) guarded += '$';
    guarded += text[i];
  }
  return yaml_quoted(guarded);
}

void YamlWriter::comment(std::string_view text) {
  std::string line = text.empty() ? "#" : fmt::format("# {}", text);
  const bool any_character = is_utf8(line);
  const auto unfit = [any_character](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F || (byte > 0x7F && !any_character);
  };
  std::replace_if(line.begin(), line.end(), unfit, '?');
  text_ += line + "\n";
}

void YamlWriter::blank_line() {
  text_ += "\n";
}

void YamlWriter::put(const std::vector<std::string>& path, std::string_view value, std::string_view comment) {
  const auto differs = std::mismatch(path.begin(), path.end() - 1, open_.begin(), open_.end()).first;
  for (auto at = differs; at != path.end(); ++at) {
    text_ += std::string(static_cast<std::size_t>(at - path.begin()) * 2, ' ') + yaml_key(*at) + ":";
    if (at + 1 != path.end()) text_ += "\n";
  }
  text_ += fmt::format(" {}{}{}\n", value, comment.empty() ? "" : "  # ", comment);
  open_.assign(path.begin(), path.end() - 1);
}

}  // namespace forebay::config
