#pragma once

#include "base/bytes.hpp"
#include "wire/error_message.hpp"
#include "wire/startup.hpp"

namespace forebay::engine {

/// What a session needs from the client's side of it, whatever front it came in by. Used by the session's
/// thread.
class ClientPort {
 public:
  /// Sends bytes to the client. False when some of them wait: stop producing until
  /// Session::on_client_drained().
  virtual bool send(Bytes bytes) = 0;
  /// Calls Session::on_input again with what was left unconsumed, soon but not from inside this call.
  virtual void resume_input() = 0;
  /// Puts bytes that on_input() has used back in front of what is unconsumed. Not from inside on_input().
  virtual void unread(Bytes bytes) = 0;
  /// Ends the connection after what was sent has been delivered; with `error` before it when not null.
  /// Does not destroy the session from inside this call.
  virtual void finish(const wire::ErrorMessage* error) = 0;
  /// The client must be told of a FATAL error in the server's own words (the body of an ErrorResponse).
  virtual void finish_with_server_error(std::string_view body) = 0;
  /// The process id and secret that the client was given.
  virtual wire::CancelKey cancel_key() const = 0;

 protected:
  ~ClientPort() = default;
};

}  // namespace forebay::engine
