#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"

namespace forebay::cache {

/// A transaction's number with the epoch in its upper half, as pg_current_snapshot() shows it: it never
/// wraps.
using TransactionId = std::uint64_t;
/// Stands for a transaction that every snapshot sees which is taken from now on.
inline constexpr TransactionId kVisibleToAll = 0;
/// Below this are all transactions.
inline constexpr TransactionId kNoTransaction = std::numeric_limits<TransactionId>::max();

/// Where changes are counted: for a relation as a whole, or for those of its rows whose key falls into one
/// bucket. Written and read by any thread.
class ChangeMark {
 public:
  /// How many changes have been seen. An entry is good only while this is what it was when its fill began.
  std::uint64_t changes() const { return changes_.load(std::memory_order_acquire); }
  /// The highest transaction among them. A fill may be kept only if its snapshot sees all up to here: a
  /// change is decoded when it is flushed, which may be long before it becomes visible.
  TransactionId newest() const { return newest_.load(std::memory_order_acquire); }
  /// When a client of ours was last told that a write of its own is done. Until a lease that was asked for
  /// later is back, entries cannot be known to include it.
  TimePoint own_write() const { return own_write_.load(std::memory_order_acquire); }

  void note_change(TransactionId transaction);
  void note_own_write(TimePoint now);

 private:
  std::atomic<std::uint64_t> changes_ = 0;
  std::atomic<TransactionId> newest_ = 0;
  std::atomic<TimePoint> own_write_{};
};

/// What the values of a relation's key look like, where changes can be told apart by it.
enum class KeyKind : std::uint8_t { none, integer, text, uuid };

/// A key's value in the one spelling that the server's output has, so that equal values are equal texts.
/// Empty when `value` is not such a spelling: then nothing can be said about the rows that it stands for.
/// Text is ASCII here, so that encodings play no part, and does not end with a blank.
std::string_view canonical_key(KeyKind kind, std::string_view value);

/// The column that is a relation's replica identity, all of it: by its value changes are told apart.
struct RelationKey {
  KeyKind kind = KeyKind::none;
  std::string column;  ///< as pg_attribute has it: without quotes

  bool operator==(const RelationKey&) const = default;
};

/// A relation whose changes are followed. Lives as long as its Freshness.
class Relation {
 public:
  /// `name` as the change stream prints it: schema.table, quoted where SQL would have to.
  explicit Relation(std::string name) : name_(std::move(name)) {}
  ~Relation();

  const std::string& name() const { return name_; }

  /// Counts every change: what entries that may hold any row depend on.
  ChangeMark& whole() { return whole_; }
  /// Counts changes whose rows are not known by key. Entries of single rows depend on it, too.
  ChangeMark& unkeyed() { return unkeyed_; }
  /// Which rows count as one.
  enum class Bucket : std::uint16_t {};
  static Bucket bucket_of(std::string_view canonical_key);
  /// Counts changes of rows with this key, and of some others. For readers: from the first call on they are
  /// counted at all.
  ChangeMark& bucket(std::string_view canonical_key);
  /// As above, null while nobody reads by key.
  ChangeMark* find_bucket(Bucket bucket);

  /// Both for the change stream's thread only, which is also where Catalog::make runs. What was told apart by
  /// another column before may be any row by the new one.
  const RelationKey& key() const { return key_; }
  void set_key(RelationKey key) {
    if (key == key_) return;
    key_ = std::move(key);
    unkeyed_.note_change(whole_.newest());
  }

  /// One change of rows that are not known: TRUNCATE, no replica identity, too many rows.
  void note_change(TransactionId transaction);
  /// One change of a row with this key; called for the old and for the new key.
  void note_change(TransactionId transaction, std::string_view canonical_key) {
    note_change(transaction, bucket_of(canonical_key));
  }
  void note_change(TransactionId transaction, Bucket bucket);

  /// A client of ours is about to be told that it has changed rows of it; or those of one bucket.
  void note_own_write(TimePoint now);
  void note_own_write(TimePoint now, Bucket bucket);

 private:
  static constexpr std::size_t kBuckets = 4096;  ///< 96 kB for each relation that is read by key
  using Buckets = std::array<ChangeMark, kBuckets>;

  const std::string name_;
  RelationKey key_;
  ChangeMark whole_;
  ChangeMark unkeyed_;
  std::atomic<Buckets*> buckets_ = nullptr;  ///< owned; made when the first reader asks for one
};

}  // namespace forebay::cache
