#include "net/channel.hpp"

namespace forebay::net {

Channel::~Channel() {
  close();
}

bool Channel::attach(Loop& loop, Handler& handler) {
  if (!loop.try_add(stream_.fd(), interest_, handler)) return false;
  loop_ = &loop;
  handler_ = &handler;
  return true;
}

void Channel::detach() {
  if (loop_ == nullptr) return;
  leave_batch();
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
  leave_batch();
  if (pending_ != nullptr) {
    pending_->bytes.insert(pending_->bytes.end(), bytes.begin(), bytes.end());
    return Outcome::pending;
  }
  if (can_join_batch(bytes)) {
    batched_ = true;
    loop_->sends().add(*this, bytes);
    return Outcome::done;
  }
  const IoResult result = stream_.write(bytes.data(), bytes.size());
  if (result.bytes == bytes.size()) return Outcome::done;
  if (result.status == IoStatus::closed || result.status == IoStatus::error) return Outcome::failed;
  keep(bytes.subspan(result.bytes));
  return Outcome::pending;
}

bool Channel::can_join_batch(Bytes bytes) const {
  return loop_ != nullptr && !stream_.has_tls() && bytes.size() <= SendBatch::kMaxSize;
}

void Channel::leave_batch() {
  if (batched_) loop_->sends().flush();
}

void Channel::on_sent(Bytes bytes, std::size_t sent) {
  batched_ = false;
  if (sent < bytes.size()) keep(bytes.subspan(sent));
}

void Channel::keep(Bytes rest) {
  pending_ = std::make_unique<Pending>();
  pending_->bytes.assign(rest.begin(), rest.end());
  want_writable(true);
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

void Channel::shutdown() {
  leave_batch();
  stream_.shutdown();
}

void Channel::close() {
  detach();
  stream_.close();
  pending_.reset();
}

}  // namespace forebay::net
