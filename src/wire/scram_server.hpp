#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/sasl.hpp"
#include "wire/scram.hpp"

namespace forebay::wire {

/// Our side of a client's SCRAM login, as a state machine:
///
///     ScramServer scram(verifier, stream.channel_binding());
///     → AuthenticationSASL with sasl_mechanism_list(...)
///     ← SASLInitialResponse: scram.start(mechanism, response) → AuthenticationSASLContinue with the value
///     ← SASLResponse:        scram.finish(response)           → AuthenticationSASLFinal with the value
///     scram.keys() logs in to the server as the same role.
///
/// An error ends the exchange: send it as ErrorResponse and close. One use, one thread.
class ScramServer {
 public:
  /// `verifier` is the role's. `binding` is Stream::channel_binding(), empty where there is none.
  ScramServer(ScramVerifier verifier, std::vector<std::byte> binding);

  /// The same with a fixed nonce, for test vectors: printable ASCII without commas.
  ScramServer(ScramVerifier verifier, std::vector<std::byte> binding, std::string nonce);

  /// For a role that does not exist, has no password or has no fitting verifier: every step looks like that
  /// of a real role, and finish() always says "wrong password". The salt is the same for the same name as
  /// long as `secret` is, so asking twice tells nothing; derive `secret` from something that outlives a
  /// restart. `iterations` should be what the real verifiers use.
  static ScramServer for_unknown_user(std::string_view user, const ScramKey& secret,
                                      std::vector<std::byte> binding,
                                      std::uint32_t iterations = kScramDefaultIterations);

  /// Takes the client-first-message and gives the server-first-message.
  SaslResult<std::string> start(std::string_view mechanism, std::string_view client_first);

  /// Takes the client-final-message and gives the server-final-message.
  SaslResult<std::string> finish(std::string_view client_final);

  /// finish() has accepted the client's proof.
  bool finished() const { return state_ == State::finished; }

  /// What the client proved to know; fit for ScramClient. Only after finished().
  const ScramKeys& keys() const { return keys_; }

 private:
  enum class State : std::uint8_t { fresh, challenged, finished, failed };

  struct ClientFinal {
    std::string_view without_proof;
    ScramKey proof;
  };

  SaslResult<void> read_client_first(std::string_view message);
  SaslResult<void> read_binding_flag(std::string_view& rest);
  SaslResult<void> read_binding_type(std::string_view& rest);
  SaslResult<ClientFinal> read_client_final(std::string_view message);
  SaslResult<void> check_binding(std::string_view attribute) const;
  bool accept_proof(std::string_view auth_message, const ScramKey& proof);

  State state_ = State::fresh;
  bool unknown_user_ = false;
  bool plus_ = false;      ///< the client chose SCRAM-SHA-256-PLUS
  char binding_flag_ = 0;  ///< 'n', 'y' or 'p' of the GS2 header
  ScramVerifier verifier_;
  std::vector<std::byte> binding_;
  std::string nonce_;  ///< ours; after start() the client's followed by ours
  std::string client_first_bare_;
  std::string server_first_;
  ScramKeys keys_;
};

}  // namespace forebay::wire
