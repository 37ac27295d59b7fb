#include "cache/entry.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/polynomial_hash.hpp"

namespace forebay::cache {

namespace {

/// What malloc and a shared_ptr's counters add to an object, and the store's slot for it.
constexpr std::size_t kOverhead = 160;

std::atomic<std::uint64_t> next_serial = 1;

std::uint64_t hash_point() {
  static const std::uint64_t point = PolynomialHash::draw_point();
  return point;
}

}  // namespace

/// Over words of seven bytes.
std::uint64_t key_hash(std::string_view bytes) {
  constexpr std::size_t kWord = 7;
  PolynomialHash hash(hash_point(), bytes.size() + 1);
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= kWord + 1; left -= kWord, at += kWord) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    hash.add(word & 0x00ff'ffff'ffff'ffff);
  }
  while (left > 0) {
    std::uint64_t word = 0;
    const std::size_t part = std::min(left, kWord);
    std::memcpy(&word, at, part);
    hash.add(word);
    at += part;
    left -= part;
  }
  return hash.finish();
}

std::uint64_t key_hash(std::initializer_list<std::uint64_t> parts) {
  PolynomialHash hash(hash_point(), parts.size() + 1);
  for (const std::uint64_t part : parts) hash.add(part >> 1U);  // one bit less than a hash may have
  return hash.finish();
}

Entry::Entry(Key key, Bytes answer, Facts facts)
    : serial_(next_serial.fetch_add(1, std::memory_order_relaxed)),
      key_(key.bytes),
      hash_(key.hash),
      text_at_(key.text_at),
      text_size_(key.text_size),
      answer_(answer.begin(), answer.end()),
      facts_(std::move(facts)),
      begun_(facts_.begun) {}

std::size_t Entry::bytes() const {
  return sizeof(Entry) + key_.capacity() + answer_.capacity() + facts_.tags.capacity() +
         facts_.dependencies.capacity() * sizeof(Dependency) + kOverhead;
}

bool Entry::is_fresh(TimePoint now, TimePoint lease) const {
  return now < facts_.expires && facts_.freshness->holds(facts_.fence) &&
         std::ranges::all_of(facts_.dependencies, [lease](const Dependency& on) {
           return on.mark->changes() == on.changes && on.mark->own_write() <= lease;
         });
}

bool Entry::is_dead(TimePoint now) const {
  return now >= facts_.expires || !facts_.freshness->holds(facts_.fence) || is_ended_by_write();
}

bool Entry::is_ended_by_write() const {
  return std::ranges::any_of(facts_.dependencies,
                             [](const Dependency& on) { return on.mark->changes() != on.changes; });
}

bool Entry::waits_for_lease(TimePoint lease) const {
  return std::ranges::any_of(facts_.dependencies,
                             [lease](const Dependency& on) { return on.mark->own_write() > lease; });
}

bool Entry::can_be_replaced() const {
  const Fence now = facts_.freshness->fence();
  return now.epoch != 0 && std::ranges::all_of(facts_.dependencies, [&now](const Dependency& on) {
           return on.mark->newest() < now.all_visible_below;
         });
}

bool Entry::may_be_kept() const {
  const TransactionId limit = facts_.fence.all_visible_below;
  return facts_.freshness->holds(facts_.fence) && limit != 0 &&
         std::ranges::all_of(facts_.dependencies, [limit](const Dependency& on) {
           return on.mark->changes() == on.changes &&
                  (on.mark->newest() < limit || is_left_out(Safeguard::fence));
         });
}

}  // namespace forebay::cache
