#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace forebay::wire {

/// Keys and verifiers of SCRAM-SHA-256 (RFC 5802, RFC 7677). The two sides of the exchange are in
/// scram_server.hpp and scram_client.hpp; all of it is bytes in, bytes out. Everything here may be used from
/// any thread.

/// Iterations of the verifiers that PostgreSQL 15 makes (SCRAM_DEFAULT_ITERATIONS) and so of ours.
inline constexpr std::uint32_t kScramDefaultIterations = 4096;

/// Bytes of salt that PostgreSQL uses (SCRAM_DEFAULT_SALT_LEN) and so do we.
inline constexpr std::size_t kScramSaltSize = 16;

/// More iterations than this are not computed for a peer that asks for them. OWASP's advice for PBKDF2 with
/// SHA-256 is 600,000 (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html); a
/// server may use that, but one that names ten million would hold a thread, and every client on it, for
/// seconds. Logins with ScramKeys compute none and have no such limit.
inline constexpr std::uint32_t kMaxScramIterations = 1'000'000;

/// One SHA-256 sized key. Wiped when it goes.
class ScramKey {
 public:
  static constexpr std::size_t kSize = 32;

  ScramKey() = default;
  ScramKey(const ScramKey&) = default;
  ScramKey& operator=(const ScramKey&) = default;
  ~ScramKey();

  /// Nothing unless there are exactly kSize bytes.
  static std::optional<ScramKey> from(std::string_view bytes);

  std::byte* data() { return bytes_.data(); }
  const std::byte* data() const { return bytes_.data(); }
  Bytes bytes() const { return bytes_; }

  /// In constant time.
  friend bool operator==(const ScramKey& a, const ScramKey& b);

 private:
  std::array<std::byte, kSize> bytes_{};
};

/// What logs in without the password: ClientKey proves it, ServerKey checks the server's answer. They belong
/// to one salt and iteration count; when the server's verifier changes, they are void.
struct ScramKeys {
  ScramKey client_key;
  ScramKey server_key;
  std::string salt;  ///< raw bytes
  std::uint32_t iterations = 0;
};

/// What a server stores for a role: "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>", the last
/// three base64.
struct ScramVerifier {
  std::uint32_t iterations = 0;
  std::string salt;  ///< raw bytes
  ScramKey stored_key;
  ScramKey server_key;

  /// Refuses anything PostgreSQL would not have written (invalid_input). The error does not repeat the text.
  static Result<ScramVerifier> parse(std::string_view text);

  /// For a password in clear, with a fresh salt of kScramSaltSize bytes. Costs `iterations` HMACs, about
  /// 1.5 ms for the default (measured on an AMD EPYC), so make it once and keep it.
  static ScramVerifier from_password(std::string_view password,
                                     std::uint32_t iterations = kScramDefaultIterations);
  static ScramVerifier from_password(std::string_view password, std::string salt, std::uint32_t iterations);

  std::string format() const;

  /// Whether `password` is the one this was made from. Costs `iterations` HMACs; false beyond
  /// kMaxScramIterations.
  bool matches(std::string_view password) const;
};

/// Both keys from a password in clear. `iterations` is at least 1.
ScramKeys derive_scram_keys(std::string_view password, std::string salt, std::uint32_t iterations);

}  // namespace forebay::wire
