#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "observe/log.hpp"
#include "takeover.hpp"
#include "takeover_channel.hpp"
#include "takeover_messages.hpp"

namespace forebay::takeover {

namespace {

/// A process that does not answer within this time is not fit to hand anything over.
constexpr timeval kPatience{.tv_sec = 10, .tv_usec = 0};

Error refused(const std::string& path, std::string_view why) {
  return {ErrorCode::unavailable, fmt::format("the running process at {} does not hand over: {}", path, why)};
}

}  // namespace

Result<std::unique_ptr<Predecessor>> Predecessor::find(const std::string& path) {
  auto connected = connect_to(path);
  if (!connected) return connected.error();
  if (!*connected) return std::unique_ptr<Predecessor>();
  net::Fd fd = std::move(**connected);
  if (!is_same_user(fd.get())) return refused(path, "it runs as another user");
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  if (!send(fd.get(), kTakeOver)) return refused(path, "it has ended");
  auto answer = receive(fd.get());
  if (!answer) return refused(path, "it does not answer");
  const bool understood = answer->text.size() == kSockets.size() + answer->descriptors.size() &&
                          answer->text.starts_with(kSockets);
  if (!understood || answer->descriptors.empty()) {
    return refused(path, answer->text.empty() ? "it closed the connection" : answer->text);
  }
  return std::unique_ptr<Predecessor>(
      new Predecessor(std::move(fd), std::move(answer->descriptors), answer->text.substr(kSockets.size())));
}

Predecessor::Predecessor(net::Fd fd, std::vector<net::Fd> sockets, std::string files)
    : fd_(std::move(fd)),
      process_(peer_process(fd_.get())),
      sockets_(std::move(sockets)),
      files_(std::move(files)) {
  ::fcntl(fd_.get(), F_SETFL, ::fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
}

Passed Predecessor::take_sockets() {
  Passed passed;
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    if (files_[i] == kHttp) {
      passed.http.push_back(std::move(sockets_[i]));
    } else {
      passed.clients.push_back(std::move(sockets_[i]));
      passed.files += files_[i];
    }
  }
  sockets_.clear();
  return passed;
}

Predecessor::~Predecessor() {
  forget();
}

void Predecessor::serving(net::Loop& loop) {
  loop_ = &loop;
  loop.add(fd_.get(), EPOLLIN, *this);
  send(fd_.get(), kServing);
}

void Predecessor::cancel(net::Loop& loop, const wire::CancelKey& key) {
  loop.post([this, key] {
    if (fd_) send(fd_.get(), cancel_message(key));
  });
}

void Predecessor::on_io(std::uint32_t) {
  const auto message = receive(fd_.get());
  if (!message || !message->text.empty()) return;
  observe::Event("the former process has ended").with("process", static_cast<std::uint64_t>(process_)).info();
  forget();
}

void Predecessor::forget() {
  if (loop_ != nullptr) loop_->remove(fd_.get(), *this);
  loop_ = nullptr;
  fd_.reset();
}

}  // namespace forebay::takeover
