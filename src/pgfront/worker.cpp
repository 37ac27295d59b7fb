#include "pgfront/worker.hpp"

#include <algorithm>
#include <cerrno>

#include <openssl/rand.h>
#include <sys/socket.h>

#include "engine/repetition_table.hpp"
#include "pgfront/console.hpp"

namespace forebay::pgfront {

namespace {

constexpr Duration kSweepInterval{100};
/// Clients are looked at every tenth sweep: their times are in seconds.
constexpr std::uint32_t kClientSweep = 10;
/// Connections accepted in one go, so that others get their turn in a storm.
constexpr int kAcceptBurst = 64;

/// Of descriptors, memory, or what epoll may watch.
bool is_exhaustion(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM || error == ENOSPC;
}

std::uint64_t number_of(const wire::CancelKey& key) {
  return (std::uint64_t{key.process_id} << 32) | key.secret;
}

}  // namespace

/// One listening socket on this thread.
class Worker::Acceptor final : public net::Handler {
 public:
  Acceptor(Worker& worker, ListeningSocket socket)
      : worker_(worker), socket_(std::move(socket)), pause_([this] { resume(); }) {
    resume();
  }
  ~Acceptor() { stop(); }

  void on_io(std::uint32_t) override { worker_.accept_from(*this); }

  int fd() const { return socket_.fd->get(); }
  bool is_unix() const { return socket_.is_unix; }
  bool is_ours() const { return socket_.is_ours; }

  /// Nobody can be let in: the socket would be readable for ever, so look away for a moment.
  void pause() {
    stop();
    pause_.start(worker_.loop_, kSweepInterval);
  }

 private:
  void resume() {
    listening_ = worker_.loop_.try_add(fd(), EPOLLIN | EPOLLEXCLUSIVE, *this);
    if (!listening_) pause();
  }
  void stop() {
    if (listening_) worker_.loop_.remove(fd(), *this);
    listening_ = false;
  }

  Worker& worker_;
  const ListeningSocket socket_;
  bool listening_ = false;
  net::Timer pause_;
};

Worker::Worker(Front& front, net::Loop& loop, std::uint16_t index)
    : front_(front), loop_(loop), index_(index), authority_(front.directory()), sweep_timer_([this] {
        sweep();
      }) {
  refiller_ = std::make_unique<engine::Refiller>(loop, front.caches());
  explainer_ = std::make_unique<engine::Explainer>(loop);
  if (index == 0) {
    heap_trimmer_ = std::make_unique<engine::HeapTrimmer>(front.caches().store());
    warming_ = std::make_unique<engine::Warming>(loop, front.directory(), front.caches());
  }
  front.add_worker(*this);
  loop.post([this] { sweep(); });
}

Worker::~Worker() = default;

void Worker::on_configured(std::shared_ptr<const wire::SecretList> user_list, config::Statements statements) {
  loop_.post([this, user_list = std::move(user_list), statements] {
    authority_.set_user_list(user_list);
    statements_.configure(statements.enabled, statements.max, statements.samples);
    statements_.repetitions().configure(statements.enabled && statements.repetitions);
  });
}

void Worker::listen(const std::vector<ListeningSocket>& sockets) {
  loop_.post([this, sockets] {
    for (const auto& socket : sockets) acceptors_.push_back(std::make_unique<Acceptor>(*this, socket));
  });
}

void Worker::stop_listening(Backlog backlog) {
  loop_.post([this, backlog] { close_acceptors(backlog); });
}

/// Whoever connects between the last accept and the close, some microseconds, is reset by the kernel; to keep
/// the kernel from answering before (a filter that drops SYNs) makes everybody wait a second to be refused,
/// and some drivers misread that.
void Worker::close_acceptors(Backlog backlog) {
  for (const auto& acceptor : acceptors_) {
    if (backlog == Backlog::left_to_others || !acceptor->is_ours()) continue;
    while (accept_one(*acceptor)) {
    }
  }
  acceptors_.clear();
}

void Worker::accept_from(Acceptor& acceptor) {
  for (int i = 0; i < kAcceptBurst; ++i) {
    if (accept_one(acceptor)) continue;
    if (is_exhaustion(errno)) acceptor.pause();
    return;
  }
}

/// False, with errno, when there is nobody to accept, or no room for whoever came.
bool Worker::accept_one(Acceptor& acceptor) {
  net::Fd fd(::accept4(acceptor.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) return false;
  bool local = acceptor.is_unix();
  if (!local) {
    net::tune_tcp(fd.get());
    local = net::peer_address(fd.get()).is_local();
  }
  auto client = std::make_unique<Client>(*this, std::move(fd), local, acceptor.is_unix());
  if (!client->start()) {
    const int error = errno;
    client.reset();
    errno = error;
    return false;
  }
  all_.push_back(*client.release());  // owned by all_, destroyed in remove()
  ++client_count_;
  return true;
}

// --- cancels
// -----------------------------------------------------------------------------------------------------

wire::CancelKey Worker::register_client(Client& client, std::uint32_t process_id) {
  wire::CancelKey key{process_id, 0};
  do {
    RAND_bytes(reinterpret_cast<unsigned char*>(&key.secret), sizeof key.secret);
  } while (by_key_.contains(number_of(key)));
  by_key_[number_of(key)] = &client;
  return key;
}

void Worker::unregister_client(const wire::CancelKey& key) {
  by_key_.erase(number_of(key));
}

void Worker::cancel(Front& front, const wire::CancelKey& key, std::shared_ptr<void> waiting) {
  for (Worker* worker : front.workers()) {
    worker->loop_.post([worker, key, waiting] { worker->cancel_here(key, waiting); });
  }
  front.forward_cancel(key);
}

void Worker::cancel_here(const wire::CancelKey& key, std::shared_ptr<void> waiting) {
  const auto at = by_key_.find(number_of(key));
  if (at == by_key_.end()) return;
  if (at->second->session() != nullptr) at->second->session()->cancel(std::move(waiting));
  if (at->second->console() != nullptr) at->second->console()->cancel();
}

// --- clients
// -----------------------------------------------------------------------------------------------------

void Worker::give_turn(Client& client) {
  auto& hook = static_cast<ListHook<TurnTag>&>(client);
  if (!hook.is_linked()) turns_.push_back(client);
  if (turns_scheduled_) return;
  turns_scheduled_ = true;
  loop_.defer([this] { run_turns(); });
}

void Worker::run_turns() {
  turns_scheduled_ = false;
  // Clients that ask for another turn meanwhile get it in the next round of deferred work.
  IntrusiveList<Client, TurnTag> now;
  while (!turns_.empty()) {
    Client& client = turns_.front();
    static_cast<ListHook<TurnTag>&>(client).unlink();
    now.push_back(client);
  }
  while (!now.empty()) {
    Client& client = now.front();
    static_cast<ListHook<TurnTag>&>(client).unlink();
    client.on_turn();
  }
}

void Worker::remove(Client& client) {
  static_cast<ListHook<AllClientsTag>&>(client).unlink();
  --client_count_;
  delete &client;
}

std::vector<Client*> Worker::clients() {
  std::vector<Client*> found;
  found.reserve(client_count_);
  for (Client& client : all_) found.push_back(&client);
  return found;
}

void Worker::end_clients(bool force) {
  const wire::ErrorMessage error = administrator_command();
  const wire::ErrorMessage not_now{
      wire::Severity::fatal, std::string(wire::sqlstate::kCannotConnectNow), kShuttingDown, {}, {}};
  for (Client* client : clients()) {
    const auto* session = client->session();
    if (client->is_ending()) {
      if (force) client->end_now();
    } else if (force || session == nullptr || (!session->is_in_transaction() && !session->is_waiting())) {
      client->finish(client->is_logging_in() ? &not_now : &error);
    }
  }
}

void Worker::shut_down(Duration patience) {
  loop_.post([this, patience] {
    close_acceptors(Backlog::accepted);
    shutting_down_ = true;
    refiller_.reset();
    explainer_.reset();
    if (warming_ != nullptr) warming_->save();
    warming_.reset();
    shutdown_deadline_ = Deadline::in(Clock::now(), std::max(patience, Duration(1)));
    continue_shutdown();
  });
}

void Worker::continue_shutdown() {
  // A loop that others still have clients on runs on: their backends may come from here.
  if (std::ranges::all_of(front_.workers(), &Worker::is_done)) {
    authority_.give_up();
    return loop_.stop();
  }
  end_clients(shutdown_deadline_.has_passed(loop_.now()));
}

void Worker::sweep() {
  const TimePoint now = loop_.now();
  if (shutting_down_) continue_shutdown();
  for (const auto& pool : front_.directory().all()) pool->sweep(now);
  if (refiller_ != nullptr) refiller_->sweep();
  if (warming_ != nullptr) warming_->sweep(now);
  if (heap_trimmer_ != nullptr) heap_trimmer_->sweep();
  if (++sweeps_ % kClientSweep == 0) {
    const auto settings = front_.settings();
    for (Client* client : clients()) client->sweep(now, *settings);
    if (index_ == 0) {
      front_.directory().forget_unused();
      front_.caches().forget_unused(loop_.now());
    }
  }
  sweep_timer_.start(loop_, kSweepInterval);
}

}  // namespace forebay::pgfront
