#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "observe/log.hpp"
#include "takeover.hpp"
#include "takeover_channel.hpp"
#include "takeover_messages.hpp"

namespace forebay::takeover {

namespace {

std::uint64_t number(pid_t process) {
  return static_cast<std::uint64_t>(process);
}

}  // namespace

/// The connection of one process that wants to take over.
class Successor::Peer final : public net::Handler {
 public:
  Peer(Successor& owner, net::Fd fd) : owner_(owner), fd_(std::move(fd)), process_(peer_process(fd_.get())) {
    owner_.loop_.add(fd_.get(), EPOLLIN, *this);
  }
  ~Peer() { owner_.loop_.remove(fd_.get(), *this); }

  int fd() const { return fd_.get(); }
  pid_t process() const { return process_; }

  void on_io(std::uint32_t) override {
    const auto message = receive(fd_.get());
    if (!message) return;
    if (message->text.empty()) return owner_.drop(*this);
    owner_.on_message(*this, message->text);
  }

 private:
  Successor& owner_;
  const net::Fd fd_;
  const pid_t process_;
};

Result<std::unique_ptr<Successor>> Successor::await(net::Loop& loop, const std::string& path,
                                                    pid_t predecessor, Actions actions) {
  auto fd = listen_at(path, predecessor);
  if (!fd) return fd.error();
  return std::unique_ptr<Successor>(new Successor(loop, path, std::move(*fd), std::move(actions)));
}

Successor::Successor(net::Loop& loop, std::string path, net::Fd fd, Actions actions)
    : loop_(loop), path_(std::move(path)), actions_(std::move(actions)), fd_(std::move(fd)) {
  ::stat(path_.c_str(), &file_);
  loop_.add(fd_.get(), EPOLLIN, *this);
}

Successor::~Successor() {
  if (!fd_) return;
  stop_listening();
  struct stat now {};
  const bool still_ours =
      ::stat(path_.c_str(), &now) == 0 && now.st_ino == file_.st_ino && now.st_dev == file_.st_dev;
  if (still_ours) ::unlink(path_.c_str());
}

/// The file stays: the process that takes over puts its own in the place.
void Successor::stop_listening() {
  loop_.remove(fd_.get(), *this);
  fd_.reset();
}

void Successor::on_io(std::uint32_t) {
  net::Fd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) return;
  if (!is_same_user(fd.get())) {
    observe::Event("a process of another user wants to take over; it is turned away")
        .with("process", number(peer_process(fd.get())))
        .warning();
    return;
  }
  if (peer_ != nullptr) {
    send(fd.get(), kTaken);
    return;
  }
  peer_ = std::make_unique<Peer>(*this, std::move(fd));
}

void Successor::on_message(Peer& peer, const std::string& text) {
  if (text == kTakeOver && !handed_over_) {
    observe::Event("another process takes over").with("process", number(peer.process())).info();
    send(peer.fd(), std::string(kSockets) + actions_.files(), actions_.sockets());
  } else if (text == kServing && !handed_over_) {
    handed_over_ = true;
    stop_listening();
    actions_.handed_over(peer.process());
  } else if (const auto key = parse_cancel(text)) {
    actions_.cancel(*key);
  } else {
    send(peer.fd(), kUnknown);
  }
}

void Successor::drop(Peer& peer) {
  if (!handed_over_) {
    observe::Event("the process that was to take over has gone before it served; this one goes on")
        .with("process", number(peer.process()))
        .warning();
  }
  peer_.reset();
}

}  // namespace forebay::takeover
