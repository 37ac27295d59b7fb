#include "cache/relation.hpp"

#include <algorithm>
#include <functional>
#include <memory>

#include "base/ascii.hpp"
#include "cache/raise.hpp"

namespace forebay::cache {

namespace {

bool is_integer(std::string_view value) {
  if (value.starts_with('-')) value.remove_prefix(1);
  // bigint has 19 digits at most.
  if (value.empty() || value.size() > 19 || (value.front() == '0' && value.size() > 1)) return false;
  return std::ranges::all_of(value, is_digit);
}

/// 8-4-4-4-12 digits in lower case.
bool is_uuid(std::string_view value) {
  if (value.size() != 36) return false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool fits = dash ? value[i] == '-' : is_lower_hex(value[i]);
    if (!fits) return false;
  }
  return true;
}

bool is_ascii(std::string_view value) {
  return std::ranges::all_of(value, [](char c) { return c > 0; });
}

/// "-0" is the only number with two spellings left.
bool is_canonical(KeyKind kind, std::string_view value) {
  switch (kind) {
    case KeyKind::integer:
      return is_integer(value) && value != "-0";
    case KeyKind::text:
      // Assigned to a varchar(n), a value may lose blanks at its end.
      return !value.empty() && value.back() != ' ' && is_ascii(value);
    case KeyKind::uuid:
      return is_uuid(value);
    case KeyKind::none:
      break;
  }
  return false;
}

}  // namespace

void ChangeMark::note_change(TransactionId transaction) {
  // In this order: whoever sees the new count sees the transaction, too.
  raise(newest_, transaction);
  changes_.fetch_add(1, std::memory_order_release);
}

void ChangeMark::note_own_write(TimePoint now) {
  raise(own_write_, now);
}

std::string_view canonical_key(KeyKind kind, std::string_view value) {
  return is_canonical(kind, value) ? value : std::string_view();
}

Relation::~Relation() {
  delete buckets_.load();
}

Relation::Bucket Relation::bucket_of(std::string_view canonical_key) {
  return static_cast<Bucket>(std::hash<std::string_view>()(canonical_key) % kBuckets);
}

ChangeMark* Relation::find_bucket(Bucket bucket) {
  Buckets* buckets = buckets_.load(std::memory_order_acquire);
  return buckets == nullptr ? nullptr : &(*buckets)[static_cast<std::size_t>(bucket)];
}

ChangeMark& Relation::bucket(std::string_view canonical_key) {
  Buckets* buckets = buckets_.load(std::memory_order_acquire);
  if (buckets == nullptr) {
    auto fresh = std::make_unique<Buckets>();
    if (buckets_.compare_exchange_strong(buckets, fresh.get())) {
      buckets = fresh.release();
      // What the stream noted before it could see the buckets is in whole_ alone: it counts for every key,
      // and for whoever looked at a bucket already.
      std::atomic_thread_fence(std::memory_order_seq_cst);
      unkeyed_.note_change(whole_.newest());
    }
  }
  return *find_bucket(bucket_of(canonical_key));
}

void Relation::note_change(TransactionId transaction) {
  unkeyed_.note_change(transaction);
  whole_.note_change(transaction);
}

void Relation::note_change(TransactionId transaction, Bucket bucket) {
  whole_.note_change(transaction);
  std::atomic_thread_fence(std::memory_order_seq_cst);  // with the one in bucket(): one of us sees the other
  if (ChangeMark* mark = find_bucket(bucket)) mark->note_change(transaction);
}

void Relation::note_own_write(TimePoint now) {
  whole_.note_own_write(now);
  unkeyed_.note_own_write(now);
}

/// Who asks for the first bucket from here on sends its query after the write was done.
void Relation::note_own_write(TimePoint now, Bucket bucket) {
  ChangeMark* mark = find_bucket(bucket);
  whole_.note_own_write(now);
  (mark == nullptr ? unkeyed_ : *mark).note_own_write(now);
}

}  // namespace forebay::cache
