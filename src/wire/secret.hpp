#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "wire/md5.hpp"
#include "wire/scram.hpp"
#include "wire/secret_text.hpp"

namespace forebay::wire {

/// No password: the role exists (or may) but cannot log in with one.
struct NoSecret {};

/// What is known of a role's password: nothing, the password in clear, a SCRAM verifier, or an md5 hash.
class Secret {
 public:
  Secret() = default;
  explicit Secret(SecretText plain) : value_(std::move(plain)) {}
  explicit Secret(ScramVerifier verifier) : value_(std::move(verifier)) {}
  explicit Secret(Md5Hash hash) : value_(std::move(hash)) {}

  /// Reads pg_authid.rolpassword or the second field of a user list, told apart as PostgreSQL does: "md5" and
  /// 32 lower-case hex digits, a well-formed SCRAM-SHA-256 verifier, else a password in clear; empty is
  /// NoSecret. A text that begins like a verifier but is none is an error (invalid_input): it has been
  /// damaged, and taking it for a password in clear would only hide that. The error does not repeat the text.
  static Result<Secret> parse(std::string_view text);

  bool none() const { return std::holds_alternative<NoSecret>(value_); }
  const SecretText* plain() const { return std::get_if<SecretText>(&value_); }
  const ScramVerifier* scram() const { return std::get_if<ScramVerifier>(&value_); }
  const Md5Hash* md5() const { return std::get_if<Md5Hash>(&value_); }

  /// Whether `password`, sent in clear by `user`, is the right one. Costs a key derivation for a verifier.
  bool matches(std::string_view user, std::string_view password) const;

  /// The verifier to run SCRAM with: the one held, or a fresh one from the password in clear (a key
  /// derivation: keep it). Error (authentication) when there is no password or only an md5 hash, from which
  /// none can be made.
  Result<ScramVerifier> scram_verifier() const;

  /// The hash to run md5 authentication with. Error (authentication) when there is none and none can be made:
  /// a SCRAM verifier does not hold the password.
  Result<Md5Hash> md5_hash(std::string_view user) const;

 private:
  std::variant<NoSecret, SecretText, ScramVerifier, Md5Hash> value_;
};

using SecretList = std::map<std::string, Secret, std::less<>>;

/// Parses a user list in PgBouncer's format
/// (https://www.pgbouncer.org/config.html#authentication-file-format): a line is "name" "secret", a double
/// quote inside a field is doubled, the rest of the line is ignored, lines that start with ';' or '#' are
/// comments. `origin` names the text in messages, usually the file. The error (configuration) lists every
/// mistake, one per line as "origin:line: what; how to mend". A name that comes twice is a mistake, because
/// which one holds is anybody's guess.
Result<SecretList> parse_user_list(std::string_view text, std::string_view origin);

/// The same from a file. Blocks on the file system.
Result<SecretList> read_user_list(const std::string& file);

}  // namespace forebay::wire
