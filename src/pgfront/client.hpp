#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/intrusive_list.hpp"
#include "engine/client_port.hpp"
#include "engine/session.hpp"
#include "net/channel.hpp"
#include "net/socket.hpp"
#include "wire/startup.hpp"

namespace forebay::pgfront {

class Worker;
class Handshake;
class Console;
class ConnectionLog;
struct ConsoleIdentity;

struct AllClientsTag;
struct TurnTag;

/// An application's connection to us: first a handshake, then a session (or the console), at last a farewell.
/// While it is idle it holds no buffers. Owned by its worker, used by that worker's thread.
class Client final : public net::Handler,
                     public engine::ClientPort,
                     public ListHook<AllClientsTag>,
                     public ListHook<TurnTag> {
 public:
  /// Nothing happens until start().
  Client(Worker& worker, net::Fd fd, bool is_local, bool is_unix);
  ~Client();
  /// False, with errno, when the kernel has no room for another.
  [[nodiscard]] bool start();

  Worker& worker() const { return worker_; }
  net::Stream& stream() { return channel_.stream(); }
  const net::Stream& stream() const { return channel_.stream(); }
  /// Connected from this machine (loopback or a Unix socket).
  bool is_local() const { return is_local_; }
  bool is_local_socket() const { return is_unix_; }
  /// Whether it counts against max_clients; given back when it is destroyed.
  void count_in(bool counted) { counted_ = counted; }
  bool is_counted() const { return counted_; }
  TimePoint connected_at() const { return connected_at_; }
  TimePoint last_input_at() const { return last_input_at_; }
  engine::Session* session() { return session_.get(); }
  const engine::Session* session() const { return session_.get(); }
  Console* console() { return console_.get(); }
  const Console* console() const { return console_.get(); }
  /// Unique in the process, never reused.
  std::uint64_t id() const { return id_; }
  bool is_ending() const { return ending_; }
  bool is_logging_in() const { return handshake_ != nullptr; }
  /// The pool that it waits for to be let in: for its first backend. Null: it does not.
  const backend::Pool* awaited_pool() const;

  // --- for the handshake
  /// Hands over to a session; the handshake is over.
  void start_session(engine::Session::Identity identity, backend::Backend* home);
  void start_console(ConsoleIdentity identity);
  void start_tls();
  /// Gives it the key that it is known by: the process id that it is told and a secret of our own.
  wire::CancelKey identify(std::uint32_t process_id);

  // --- engine::ClientPort
  bool send(Bytes bytes) override;
  void resume_input() override;
  void unread(Bytes bytes) override;
  void finish(const wire::ErrorMessage* error) override;
  void finish_with_server_error(std::string_view body) override;
  wire::CancelKey cancel_key() const override { return key_; }

  // --- for the worker
  void on_turn();
  /// Closes at once, without a word.
  void end_now();
  /// Timed work, under these settings.
  void sweep(TimePoint now, const config::Settings& settings);
  void on_io(std::uint32_t events) override;

 private:
  void read_input();
  void handle_leftover();
  void handle_input(std::byte* bytes, std::size_t size);
  std::size_t consume(const std::byte* bytes, std::size_t size);
  bool is_blocked() const;
  void continue_tls();
  void end_late_login(Duration limit);
  void flush();
  void linger();

  Worker& worker_;
  const std::uint64_t id_;
  net::Channel channel_;
  std::unique_ptr<Handshake> handshake_;
  std::unique_ptr<engine::Session> session_;
  std::unique_ptr<Console> console_;
  std::unique_ptr<ConnectionLog> log_;
  std::unique_ptr<std::vector<std::byte>> leftover_;  ///< input that is incomplete or has to wait
  wire::CancelKey key_;
  TimePoint connected_at_;
  TimePoint last_input_at_;
  bool is_local_ : 1;
  bool is_unix_ : 1;
  bool counted_ : 1 = false;
  bool in_tls_handshake_ : 1 = false;
  bool input_wanted_ : 1 = false;  ///< leftover input is to be handled at the next turn
  bool ending_ : 1 = false;        ///< nothing more is read; what is written may still go out
  bool abrupt_ : 1 = false;        ///< the peer said good-bye or is gone: close at once
  bool removed_ : 1 = false;
};

}  // namespace forebay::pgfront
