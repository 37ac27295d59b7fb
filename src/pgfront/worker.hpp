#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/clock.hpp"
#include "base/intrusive_list.hpp"
#include "engine/authority.hpp"
#include "engine/explainer.hpp"
#include "engine/heap_trimmer.hpp"
#include "engine/refiller.hpp"
#include "engine/statement_table.hpp"
#include "engine/warming.hpp"
#include "net/loop.hpp"
#include "net/socket.hpp"
#include "pgfront/client.hpp"
#include "pgfront/front.hpp"

namespace forebay::pgfront {

/// A listening socket that all threads accept from.
struct ListeningSocket {
  std::shared_ptr<net::Fd> fd;
  bool is_unix = false;
  bool is_ours = false;  ///< opened by Forebay: what waits in its queue is lost when we close it
};

/// What becomes of connections that the kernel has made and nobody has accepted.
enum class Backlog : std::uint8_t { left_to_others, accepted };

/// One thread's clients: accepting, finding the one that a cancel means, timed work, ending them.
/// Used by the loop's thread, unless a member says otherwise.
class Worker {
 public:
  /// `front` and `loop` outlive the worker. Registers itself with the front.
  Worker(Front& front, net::Loop& loop, std::uint16_t index);
  ~Worker();

  Front& front() { return front_; }
  net::Loop& loop() { return loop_; }
  std::uint16_t index() const { return index_; }
  engine::Authority& authority() { return authority_; }
  engine::StatementTable& statements() { return statements_; }
  /// Null in shutdown.
  engine::Explainer* explainer() { return explainer_.get(); }

  // --- from any thread
  void on_configured(std::shared_ptr<const wire::SecretList> user_list, config::Statements statements);
  void listen(const std::vector<ListeningSocket>& sockets);
  /// Accepts no more; those who are logging in may go on.
  void stop_listening(Backlog backlog);
  /// Accepts no more, ends clients as their transactions end (all that are left after `patience`), then, when
  /// all workers have come so far, stops the loop.
  void shut_down(Duration patience);
  /// Cancels what the client of `key` runs, on whichever thread it lives. `waiting` is kept until the server
  /// has got that; it may be let go on any thread.
  static void cancel(Front& front, const wire::CancelKey& key, std::shared_ptr<void> waiting = nullptr);

  // --- clients
  /// Makes the key that a client is known by; process ids may be shared, secrets are not.
  wire::CancelKey register_client(Client& client, std::uint32_t process_id);
  void unregister_client(const wire::CancelKey& key);
  /// Calls Client::on_turn at the end of the round.
  void give_turn(Client& client);
  /// Ends and destroys it at the end of the round.
  void remove(Client& client);
  std::vector<Client*> clients();
  /// By any thread.
  std::size_t client_count() const { return client_count_.load(std::memory_order_relaxed); }

 private:
  class Acceptor;

  void accept_from(Acceptor& acceptor);
  bool accept_one(Acceptor& acceptor);
  void close_acceptors(Backlog backlog);
  void cancel_here(const wire::CancelKey& key, std::shared_ptr<void> waiting);
  void sweep();
  void run_turns();
  void end_clients(bool force);
  void continue_shutdown();
  bool is_done() const { return shutting_down_.load() && client_count() == 0; }  ///< by any thread

  Front& front_;
  net::Loop& loop_;
  const std::uint16_t index_;
  engine::Authority authority_;
  engine::StatementTable statements_;             ///< of this thread's clients
  std::unique_ptr<engine::Refiller> refiller_;    ///< null in shutdown
  std::unique_ptr<engine::Explainer> explainer_;  ///< likewise
  /// The first worker's; null in others, and in shutdown.
  std::unique_ptr<engine::Warming> warming_;
  std::unique_ptr<engine::HeapTrimmer> heap_trimmer_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  IntrusiveList<Client, AllClientsTag> all_;
  IntrusiveList<Client, TurnTag> turns_;
  bool turns_scheduled_ = false;
  std::atomic<std::size_t> client_count_ = 0;
  boost::unordered_flat_map<std::uint64_t, Client*> by_key_;  ///< process id and secret
  std::uint32_t sweeps_ = 0;
  Deadline shutdown_deadline_;
  std::atomic<bool> shutting_down_ = false;
  net::Timer sweep_timer_;
};

}  // namespace forebay::pgfront
