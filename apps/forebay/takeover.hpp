#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/stat.h>

#include "base/result.hpp"
#include "net/loop.hpp"
#include "net/socket.hpp"
#include "wire/startup.hpp"

/// Online restart: docs/decisions/0006-online-restart.md. Everything here is used by the first loop's thread,
/// unless a member says otherwise.
namespace forebay::takeover {

/// The letter of a listening socket for HTTP; those for clients have the letters of ListeningSockets::files.
inline constexpr char kHttp = 'h';

/// Listening sockets by what they are for.
struct Passed {
  std::vector<net::Fd> clients;
  std::string files;  ///< a letter for each of them
  std::vector<net::Fd> http;
};

/// The new process's side: the process that it takes over from.
class Predecessor final : public net::Handler {
 public:
  /// Asks the process at `path` for its listening sockets; blocks for at most ten seconds. Null when nobody
  /// is there.
  static Result<std::unique_ptr<Predecessor>> find(const std::string& path);
  ~Predecessor();

  pid_t process() const { return process_; }
  Passed take_sockets();

  /// Tells it that this process serves; from then on it takes no new clients. Called in `loop`, which
  /// outlives this.
  void serving(net::Loop& loop);
  /// Passes a cancel request on. From any thread, after the first loop has started.
  void cancel(net::Loop& loop, const wire::CancelKey& key);

  void on_io(std::uint32_t events) override;

 private:
  Predecessor(net::Fd fd, std::vector<net::Fd> sockets, std::string files);
  void forget();

  net::Fd fd_;
  const pid_t process_;
  std::vector<net::Fd> sockets_;
  const std::string files_;
  net::Loop* loop_ = nullptr;
};

/// The running process's side: whoever takes over from it.
class Successor final : public net::Handler {
 public:
  struct Actions {
    std::function<std::vector<int>()> sockets;           ///< those to hand over
    std::function<std::string()> files;                  ///< a letter for each: who opened it, or kHttp
    std::function<void(pid_t)> handed_over;              ///< the new process serves
    std::function<void(const wire::CancelKey&)> cancel;  ///< a cancel request that reached the new process
  };

  /// Waits for a successor at `path`, in place of `predecessor` (0: none). `loop` outlives this.
  static Result<std::unique_ptr<Successor>> await(net::Loop& loop, const std::string& path, pid_t predecessor,
                                                  Actions actions);
  ~Successor();

  void on_io(std::uint32_t events) override;

 private:
  class Peer;

  Successor(net::Loop& loop, std::string path, net::Fd fd, Actions actions);
  void on_message(Peer& peer, const std::string& text);
  void drop(Peer& peer);
  void stop_listening();

  net::Loop& loop_;
  const std::string path_;
  const Actions actions_;
  net::Fd fd_;
  struct stat file_ {};  ///< of our socket, to know it again
  std::unique_ptr<Peer> peer_;
  bool handed_over_ = false;
};

}  // namespace forebay::takeover
