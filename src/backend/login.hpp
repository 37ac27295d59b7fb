#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backend/credentials.hpp"
#include "base/result.hpp"
#include "wire/error_message.hpp"
#include "wire/scram_client.hpp"
#include "wire/startup.hpp"
#include "wire/writer.hpp"

namespace forebay::backend {

/// Our side of logging in to a server, from the start-up packet to the first ReadyForQuery. Pure state: give
/// it each message, write what it appends.
///
///     Login login(parameters, credentials, tls, binding);
///     login.start(writer);
///     … on_message(type, body, writer) until is_finished() or an error
///
/// One use, one thread.
class Login {
 public:
  /// What the server said of itself and of the session.
  struct Outcome {
    std::vector<wire::Parameter> parameters;  ///< every ParameterStatus
    wire::CancelKey cancel_key;
    char transaction_status = 'I';
  };

  /// A refusal: the server's own ErrorResponse body when it sent one, else our words.
  struct Refusal {
    std::string server_error;  ///< body of an ErrorResponse; empty when `ours` says it
    wire::ErrorMessage ours;
  };

  Login(std::vector<wire::Parameter> startup, Credentials credentials, bool tls,
        std::vector<std::byte> binding);

  void start(wire::Writer& reply);
  /// False when the login has failed; refusal() then says why.
  bool on_message(char type, std::string_view body, wire::Writer& reply);

  bool is_finished() const { return finished_; }
  Outcome& outcome() { return outcome_; }
  const Refusal& refusal() const { return refusal_; }

 private:
  bool on_authentication(std::string_view body, wire::Writer& reply);
  bool answer_clear_password(wire::Writer& reply);
  bool answer_md5(std::string_view salt, wire::Writer& reply);
  bool start_scram(std::string_view mechanisms, wire::Writer& reply);
  bool refuse(std::string_view sqlstate, std::string message, std::string hint = {});
  bool refuse(const Error& error);
  const std::string& user() const;

  std::vector<wire::Parameter> startup_;
  Credentials credentials_;
  bool tls_;
  std::vector<std::byte> binding_;
  std::optional<wire::ScramClient> scram_;
  bool authenticated_ = false;  ///< AuthenticationOk has come
  bool finished_ = false;
  Outcome outcome_;
  Refusal refusal_;
};

}  // namespace forebay::backend
