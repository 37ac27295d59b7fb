#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/scram.hpp"
#include "wire/secret_text.hpp"

namespace forebay::wire {

/// Our side of a SCRAM login to a server, as a state machine:
///
///     ScramClient scram(keys or password, stream.has_tls(), stream.channel_binding());
///     ← AuthenticationSASL:         scram.start(list)      → SASLInitialResponse with the value
///     ← AuthenticationSASLContinue: scram.respond(message) → SASLResponse with the value
///     ← AuthenticationSASLFinal:    scram.finish(message)
///     ← AuthenticationOk:           only to be believed when scram.finished()
///
/// Errors: `unsupported` (no mechanism that we know), `invalid_input` (a message that breaks the rules),
/// `limit` (more than kMaxScramIterations), `authentication` (the server does not know the password, or our
/// keys are void because the role's password has changed). Any error ends the exchange. One use, one thread.
class ScramClient {
 public:
  /// From keys, that is pass-through or an earlier login: no key derivation, microseconds.
  ScramClient(ScramKeys keys, bool tls, std::vector<std::byte> binding);

  /// From a password in clear. respond() then computes the server's iterations (see ScramVerifier); keep
  /// keys() for the next login.
  ScramClient(SecretText password, bool tls, std::vector<std::byte> binding);

  /// A fixed nonce for test vectors: printable ASCII without commas.
  void set_nonce(std::string nonce) { nonce_ = std::move(nonce); }

  /// The user name in the client-first-message. PostgreSQL ignores it and takes the startup message's, so
  /// libpq leaves it empty and so do we; for test vectors. Already escaped (RFC 5802: "=2C" and "=3D").
  void set_user(std::string user) { user_ = std::move(user); }

  /// Takes the mechanisms as AuthenticationSASL lists them (each ended by a zero byte, then one more),
  /// chooses, and gives the client-first-message.
  Result<std::string> start(Bytes mechanism_list);

  std::string_view mechanism() const { return mechanism_; }

  /// Takes the server-first-message and gives the client-final-message.
  Result<std::string> respond(std::string_view server_first);

  /// Takes the server-final-message. Success means that the server proved to know the verifier.
  Result<void> finish(std::string_view server_final);

  /// The server has proved itself. AuthenticationOk before that comes from an impostor.
  bool finished() const { return state_ == State::finished; }

  /// The keys that were used; only after finished().
  const ScramKeys& keys() const { return keys_; }

 private:
  enum class State : std::uint8_t { fresh, started, responded, finished, failed };

  Result<void> read_server_first(std::string_view message);
  Result<void> use_salt(std::string salt, std::uint32_t iterations);

  State state_ = State::fresh;
  bool have_keys_;
  bool tls_;
  char binding_flag_ = 'n';     ///< 'n', 'y' or 'p' of the GS2 header
  std::string_view mechanism_;  ///< static lifetime
  SecretText password_;
  ScramKeys keys_;
  std::vector<std::byte> binding_;
  std::string nonce_;
  std::string user_;
  std::string client_first_bare_;
  std::string auth_message_;
};

}  // namespace forebay::wire
