#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace forebay::wire {

/// AuthenticationMD5Password, both sides (https://www.postgresql.org/docs/15/protocol-flow.html). Thread
/// safe. MD5 is not secure any more; this is here because PostgreSQL 15 still speaks it.

/// The random bytes of AuthenticationMD5Password.
using Md5Salt = std::array<std::byte, 4>;

/// A fresh salt.
Md5Salt make_md5_salt();

/// What PostgreSQL stores: "md5" and the hex md5 of password followed by user name.
class Md5Hash {
 public:
  /// Nothing unless the text is "md5" and 32 lower-case hex digits.
  static std::optional<Md5Hash> parse(std::string_view stored);
  static Md5Hash from_password(std::string_view user, std::string_view password);

  /// The stored form, 35 characters.
  const std::string& text() const { return text_; }

  /// What a client answers to `salt`: "md5" and the hex md5 of the hash's digits followed by the salt.
  std::string response(Md5Salt salt) const;

  /// Whether `answer` is response(salt); constant time.
  bool accepts(std::string_view answer, Md5Salt salt) const;

  /// Constant time.
  friend bool operator==(const Md5Hash& a, const Md5Hash& b);

 private:
  explicit Md5Hash(std::string text) : text_(std::move(text)) {}

  std::string text_;
};

}  // namespace forebay::wire
