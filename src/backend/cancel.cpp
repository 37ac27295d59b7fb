#include "backend/cancel.hpp"

#include "net/channel.hpp"

namespace forebay::backend {

namespace {

/// One cancel request on its way. Owns itself until it is done.
class CancelConnection final : public net::Handler {
 public:
  CancelConnection(std::shared_ptr<const Target> target, const net::Address& address,
                   const wire::CancelKey& key, std::shared_ptr<CancelGuard> guard,
                   std::shared_ptr<void> waiting)
      : target_(std::move(target)),
        address_(address),
        key_(key),
        guard_(std::move(guard)),
        waiting_(std::move(waiting)),
        channel_(net::Stream()),
        timeout_([this] { give_up(); }) {}

  void start(Duration patience) {
    auto fd = net::start_connect(address_);
    if (!fd) return finish();
    channel_.stream() = net::Stream(fd->release());
    channel_.want_writable(true);
    if (!channel_.attach(*net::Loop::current(), *this)) return finish();
    if (patience.count() > 0) timeout_.start(*net::Loop::current(), patience);
  }

  void on_io(std::uint32_t) override {
    switch (step_) {
      case Step::connecting:
        if (net::connect_error(channel_.stream().fd()) != 0) return finish();
        return target_->wants_tls() ? ask_for_tls() : send();
      case Step::asking_for_tls:
        return on_tls_answer();
      case Step::handshaking:
        return handshake();
      case Step::waiting:
        return wait_for_close();
      case Step::done:
        return;
    }
  }

 private:
  enum class Step : std::uint8_t { connecting, asking_for_tls, handshaking, waiting, done };

  void ask_for_tls() {
    step_ = Step::asking_for_tls;
    channel_.want_writable(false);
    wire::Writer writer;
    wire::write_ssl_request(writer);
    channel_.write(writer.bytes());
  }

  void on_tls_answer() {
    std::byte answer{};
    if (channel_.stream().read(&answer, 1).bytes == 0) return finish();
    if (answer != std::byte{'S'}) return target_->requires_tls() ? finish() : send();
    if (!channel_.stream().start_tls_client(target_->tls(), target_->upstream().host)) return finish();
    step_ = Step::handshaking;
    handshake();
  }

  void handshake() {
    switch (channel_.stream().handshake()) {
      case net::IoStatus::ok:
        return send();
      case net::IoStatus::would_block_read:
        return channel_.want_writable(false);
      case net::IoStatus::would_block_write:
        return channel_.want_writable(true);
      default:
        return finish();
    }
  }

  void send() {
    step_ = Step::waiting;
    channel_.want_writable(false);
    wire::Writer writer;
    wire::write_cancel(writer, key_);
    if (channel_.write(writer.bytes()) == net::Channel::Outcome::failed) finish();
  }

  void wait_for_close() {
    std::byte ignored[64];
    const auto result = channel_.stream().read(ignored, sizeof ignored);
    if (result.status == net::IoStatus::closed) finish();
    if (result.status == net::IoStatus::error) give_up();
  }

  void give_up() {
    if (step_ == Step::waiting) guard_->overdue = true;
    finish();
  }

  void finish() {
    if (step_ == Step::done) return;
    step_ = Step::done;
    channel_.close();
    timeout_.cancel();
    guard_.reset();
    waiting_.reset();
    net::Loop::current()->defer([this] { delete this; });
  }

  const std::shared_ptr<const Target> target_;
  const net::Address address_;
  const wire::CancelKey key_;
  std::shared_ptr<CancelGuard> guard_;
  std::shared_ptr<void> waiting_;
  net::Channel channel_;
  net::Timer timeout_;
  Step step_ = Step::connecting;
};

}  // namespace

void send_cancel(std::shared_ptr<const Target> target, const net::Address& address,
                 const wire::CancelKey& key, std::shared_ptr<CancelGuard> guard, Duration patience,
                 std::shared_ptr<void> waiting) {
  // Deletes itself in finish(), which every path reaches through an event or the timer.
  (new CancelConnection(std::move(target), address, key, std::move(guard), std::move(waiting)))
      ->start(patience);
}

}  // namespace forebay::backend
