#include "net/channel.hpp"

namespace forebay::net {

Channel::~Channel() {
  close();
}

void Channel::attach(Loop& loop, Handler& handler) {
  loop_ = &loop;
  handler_ = &handler;
  loop.add(stream_.fd(), interest_, handler);
}

void Channel::detach() {
  if (loop_ == nullptr) return;
  loop_->remove(stream_.fd(), *handler_);
  loop_ = nullptr;
  handler_ = nullptr;
}

void Channel::want(std::uint32_t interest) {
  if (interest == interest_) return;
  interest_ = interest;
  if (loop_ != nullptr) loop_->modify(stream_.fd(), interest_, *handler_);
}

Channel::Outcome Channel::write(Bytes bytes) {
  if (pending_ != nullptr) {
    pending_->bytes.insert(pending_->bytes.end(), bytes.begin(), bytes.end());
    return Outcome::pending;
  }
  const IoResult result = stream_.write(bytes.data(), bytes.size());
  if (result.bytes == bytes.size()) return Outcome::done;
  if (result.status == IoStatus::closed || result.status == IoStatus::error) return Outcome::failed;
  pending_ = std::make_unique<Pending>();
  pending_->bytes.assign(bytes.begin() + static_cast<std::ptrdiff_t>(result.bytes), bytes.end());
  want_writable(true);
  return Outcome::pending;
}

Channel::Outcome Channel::flush() {
  if (pending_ == nullptr) return Outcome::done;
  const std::size_t left = pending_->bytes.size() - pending_->sent;
  const IoResult result = stream_.write(pending_->bytes.data() + pending_->sent, left);
  pending_->sent += result.bytes;
  if (result.bytes == left) {
    pending_.reset();
    want_writable(false);
    return Outcome::done;
  }
  if (result.status == IoStatus::closed || result.status == IoStatus::error) return Outcome::failed;
  return Outcome::pending;
}

void Channel::close() {
  detach();
  stream_.close();
  pending_.reset();
}

}  // namespace forebay::net
