#include "wire/scram_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

namespace forebay::wire {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto kMaxIterations = static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max());
constexpr std::size_t kLongestShown = 30;

constexpr auto kValues = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}();

int value_of(char c) {
  return kValues[static_cast<unsigned char>(c)];
}

}  // namespace

std::string to_base64(Bytes bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = (group << 8) | (j < left ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= left ? kAlphabet[(group >> (18 - 6 * j)) & 63] : '=';
    }
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t digits = text.size();
  while (digits > 0 && text.size() - digits < 2 && text[digits - 1] == '=') --digits;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, digits)) {
    const int value = value_of(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count);
      bits &= (1U << count) - 1;
    }
  }
  if (bits != 0) return std::nullopt;
  return bytes;
}

std::string make_scram_nonce() {
  std::array<std::byte, 18> raw;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(raw.data()), static_cast<int>(raw.size())) != 1) {
    throw std::runtime_error("no random bytes from the system for a SCRAM nonce");
  }
  return to_base64(raw);
}

bool is_scram_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x21 && c <= 0x7E && c != ','; });
}

std::string gs2_header_for(char binding_flag) {
  if (binding_flag == 'p') return fmt::format("p={},,", kEndPointBinding);
  return {binding_flag, ',', ','};
}

std::string channel_binding_attribute(char binding_flag, Bytes binding) {
  std::string input = gs2_header_for(binding_flag);
  if (binding_flag == 'p') input += as_text(binding);
  return to_base64(as_bytes(input));
}

std::optional<std::uint32_t> parse_scram_iterations(std::string_view text) {
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value > kMaxIterations || text.starts_with('0'))
    return std::nullopt;
  return value;
}

std::string shown(char c) {
  if (c >= 0x21 && c <= 0x7E) return fmt::format("'{}'", c);
  return fmt::format("0x{:02x}", static_cast<unsigned char>(c));
}

std::string shown_text(std::string_view text) {
  std::string result(text.substr(0, kLongestShown));
  std::ranges::replace_if(
      result, [](char c) { return c < 0x21 || c > 0x7E; }, '?');
  return result;
}

std::nullopt_t AttributeReader::fail(std::string fault) {
  if (fault_.empty()) fault_ = std::move(fault);
  return std::nullopt;
}

std::optional<std::string_view> AttributeReader::expect(char name) {
  if (!fault_.empty()) return std::nullopt;
  const char found = at_ < message_.size() ? message_[at_] : '\0';
  if (!after_comma_ || found != name) {
    return fail(fmt::format("Expected attribute \"{}\" but found \"{}\".", name, shown(found)));
  }
  const auto attribute = read_value();
  if (!attribute) return std::nullopt;
  return attribute->value;
}

std::optional<AttributeReader::Attribute> AttributeReader::any() {
  if (!fault_.empty()) return std::nullopt;
  if (at_ == message_.size()) return fail("Attribute expected, but found end of string.");
  const char name = message_[at_];
  if ((name < 'A' || name > 'Z') && (name < 'a' || name > 'z')) {
    return fail(fmt::format("Attribute expected, but found invalid character \"{}\".", shown(name)));
  }
  return read_value();
}

std::optional<AttributeReader::Attribute> AttributeReader::read_value() {
  const char name = message_[at_];
  if (at_ + 1 >= message_.size() || message_[at_ + 1] != '=') {
    return fail(fmt::format("Expected character \"=\" for attribute \"{}\".", name));
  }
  const std::size_t from = at_ + 2;
  const std::size_t comma = message_.find(',', from);
  after_comma_ = comma != std::string_view::npos;
  const std::size_t to = after_comma_ ? comma : message_.size();
  at_ = after_comma_ ? to + 1 : to;
  return Attribute{name, message_.substr(from, to - from)};
}

}  // namespace forebay::wire
