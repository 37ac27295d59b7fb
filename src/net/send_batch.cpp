#include "net/send_batch.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <liburing.h>
#include <sys/socket.h>

#include "net/channel.hpp"

namespace forebay::net {

namespace {

/// Null where the kernel has none, or forbids it (containers do, and kernel.io_uring_disabled).
io_uring* open_ring(unsigned entries) {
  auto ring = std::make_unique<io_uring>();
  // Both flags came with Linux 6.0 and 6.1: nothing is done behind the thread's back, so nothing needs a
  // lock.
  for (const unsigned flags : {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, 0U}) {
    if (io_uring_queue_init(entries, ring.get(), flags) == 0) return ring.release();
  }
  return nullptr;
}

}  // namespace

void SendBatch::RingDeleter::operator()(io_uring* ring) const {
  io_uring_queue_exit(ring);
  std::default_delete<io_uring>()(ring);
}

SendBatch::SendBatch(Way way) : may_open_ring_(way == Way::automatic) {}

SendBatch::~SendBatch() = default;

void SendBatch::add(Channel& channel, Bytes bytes) {
  if (count_ == entries_.size() || used_ + bytes.size() > bytes_.size()) flush();
  std::memcpy(bytes_.data() + used_, bytes.data(), bytes.size());
  entries_[count_++] = {&channel, used_, bytes.size()};
  used_ += bytes.size();
}

void SendBatch::flush() {
  // Not before there is use for it: the ring belongs to the thread that opens it.
  if (count_ > 1 && std::exchange(may_open_ring_, false))
    ring_.reset(open_ring(static_cast<unsigned>(entries_.size())));
  if (count_ > 1 && ring_ != nullptr && !send_together()) ring_.reset();
  send_one_by_one();
  count_ = 0;
  used_ = 0;
}

void SendBatch::finish(Entry& entry, std::size_t sent) {
  std::exchange(entry.channel, nullptr)->on_sent(bytes_of(entry), sent);
}

/// What is left.
void SendBatch::send_one_by_one() {
  for (std::size_t i = 0; i < count_; ++i) {
    Entry& entry = entries_[i];
    if (entry.channel == nullptr) continue;
    const Bytes bytes = bytes_of(entry);
    finish(entry, entry.channel->stream().write(bytes.data(), bytes.size()).bytes);
  }
}

/// False when the kernel has ended it: what is left has not been sent, as each send is done when it has been
/// submitted.
bool SendBatch::send_together() {
  for (std::size_t i = 0; i < count_; ++i) {
    io_uring_sqe* const entry = io_uring_get_sqe(ring_.get());
    const Bytes bytes = bytes_of(entries_[i]);
    // With MSG_DONTWAIT a send is done when it has been submitted; otherwise a full socket would keep it, and
    // the bytes, for later.
    io_uring_prep_send(entry, entries_[i].channel->stream().fd(), bytes.data(), bytes.size(),
                       MSG_NOSIGNAL | MSG_DONTWAIT);
    io_uring_sqe_set_data64(entry, i);
  }
  for (std::size_t left = count_; left > 0;) {
    const int submitted = io_uring_submit_and_wait(ring_.get(), static_cast<unsigned>(left));
    if (submitted < 0 && submitted != -EINTR && submitted != -EAGAIN && submitted != -EBUSY) return false;
    unsigned head = 0;
    unsigned seen = 0;
    io_uring_cqe* done = nullptr;
    io_uring_for_each_cqe(ring_.get(), head, done) {
      // An error shows on the descriptor too, and its handler deals with it there.
      finish(entries_[io_uring_cqe_get_data64(done)],
             done->res < 0 ? 0 : static_cast<std::size_t>(done->res));
      ++seen;
    }
    io_uring_cq_advance(ring_.get(), seen);
    left -= seen;
  }
  return true;
}

}  // namespace forebay::net
