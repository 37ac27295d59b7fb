#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace forebay::wire {

/// The text layer of SCRAM messages (RFC 5802 section 7), shared by both sides. Thread safe.

/// Base64 with padding (RFC 4648 section 4), no line ends.
std::string to_base64(Bytes bytes);

/// Strict: the length a multiple of four, padding only at the end, no other character, unused bits zero.
std::optional<std::string> from_base64(std::string_view text);

/// 18 random bytes in base64: PostgreSQL's SCRAM_RAW_NONCE_LEN.
std::string make_scram_nonce();

/// Every character is printable ASCII and none a comma.
bool is_scram_printable(std::string_view text);

/// The tls-server-end-point of the GS2 header: "p=tls-server-end-point".
inline constexpr std::string_view kEndPointBinding = "tls-server-end-point";

/// "n,,", "y,," or "p=tls-server-end-point,,".
std::string gs2_header_for(char binding_flag);

/// The c= attribute's value: base64 of the GS2 header and, with 'p', the binding data.
std::string channel_binding_attribute(char binding_flag, Bytes binding);

/// Longest salt taken, in bytes. Far above the 16 that PostgreSQL uses; it keeps messages within SASL's
/// bounds.
inline constexpr std::size_t kMaxScramSaltSize = 256;

/// An iteration count: decimal digits without sign or leading zero, 1 to 2147483647 (PostgreSQL keeps it in
/// an int).
std::optional<std::uint32_t> parse_scram_iterations(std::string_view text);

/// One character for an error text: itself when printable, else as hex.
std::string shown(char c);

/// A peer's text for an error text: the first 30 characters, with '?' for what is not printable ASCII.
std::string shown_text(std::string_view text);

/// Reads "a=value,b=value" from the front. After the first failure everything fails and fault() says why, in
/// the words of PostgreSQL's DETAIL.
class AttributeReader {
 public:
  explicit AttributeReader(std::string_view message) : message_(message) {}

  /// The next attribute, which must be `name`.
  std::optional<std::string_view> expect(char name);

  /// The next attribute, whatever its name.
  struct Attribute {
    char name;
    std::string_view value;
  };
  std::optional<Attribute> any();

  /// The message has been read to its end. A comma at the end promises one more attribute.
  bool at_end() const { return at_ == message_.size() && !after_comma_; }

  /// How many bytes have been read, the comma after the last attribute included.
  std::size_t position() const { return at_; }

  const std::string& fault() const { return fault_; }

 private:
  std::optional<Attribute> read_value();
  std::nullopt_t fail(std::string fault);

  std::string_view message_;
  std::size_t at_ = 0;
  bool after_comma_ = true;
  std::string fault_;
};

}  // namespace forebay::wire
