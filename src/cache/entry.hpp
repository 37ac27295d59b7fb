#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "cache/freshness.hpp"
#include "cache/raise.hpp"
#include "sql/fingerprint.hpp"

namespace forebay::cache {

/// Everything that decides a result: context, statement, parameters and formats, as bytes that are equal only
/// when all of it is. Equal bytes have the same `hash`, and different ones another, as key_hash() has it.
struct Key {
  std::string_view bytes;
  std::uint64_t hash = 0;
  std::size_t text_at = 0;  ///< where in the bytes the statement stands
  std::size_t text_size = 0;
};

/// Drawn anew for each process, so that nobody can make keys that collide.
std::uint64_t key_hash(std::string_view bytes);
/// Of what is made of parts, by their own, of which the lowest bit does not count: those that stay the same
/// need not be read again.
std::uint64_t key_hash(std::initializer_list<std::uint64_t> parts);

/// What an entry depends on, and how many changes of it there had been when its fill began.
struct Dependency {
  Relation* relation;      ///< whose mark it is
  const ChangeMark* mark;  ///< whole(), unkeyed() or a bucket
  std::uint64_t changes;
};

/// A kept result: finished bytes of the server's answer, without the ReadyForQuery behind it. Immutable, but
/// for what is learned of its age; shared by whoever is sending it.
class Entry {
 public:
  struct Facts {
    const Freshness* freshness = nullptr;  ///< of its database; outlives the entry
    sql::Fingerprint fingerprint{};        ///< of the statement
    Fence fence;
    std::vector<Dependency> dependencies;
    std::string tags;  ///< by which people clear it, with commas between them
    TimePoint expires;
    TimePoint refresh_from = TimePoint::max();  ///< whoever asks for it from then on has it filled again
    bool is_written_through = false;            ///< it is filled again when a write has ended it
    TimePoint begun;                            ///< before the query was sent: nothing in it is older
    TimePoint filled;                           ///< when the last of it came: nothing in it is newer
    std::uint64_t rows = 0;
    std::uint32_t fill_micros = 0;  ///< what the server took: what a hit saves
    std::uint16_t place = 0;        ///< where it is counted whether results of its kind are asked for again
  };

  Entry(Key key, Bytes answer, Facts facts);

  /// Unique in the process, never 0.
  std::uint64_t serial() const { return serial_; }
  std::string_view key() const { return key_; }
  std::uint64_t hash() const { return hash_; }
  std::string_view statement() const { return std::string_view(key_).substr(text_at_, text_size_); }
  const sql::Fingerprint& fingerprint() const { return facts_.fingerprint; }
  Bytes answer() const { return answer_; }
  /// Nothing in it is older.
  TimePoint begun() const { return begun_.load(std::memory_order_relaxed); }
  /// The server has given the same answer to a query that was sent at `begun`.
  void confirm(TimePoint begun) const { raise(begun_, begun); }
  TimePoint filled() const { return facts_.filled; }
  TimePoint expires() const { return facts_.expires; }
  bool is_written_through() const { return facts_.is_written_through; }
  /// Whether it is to be filled again at `now`, before it expires. True once.
  bool claim_refresh(TimePoint now) const {
    return now >= facts_.refresh_from && !is_refreshed_.exchange(true, std::memory_order_relaxed);
  }
  const std::vector<Dependency>& dependencies() const { return facts_.dependencies; }
  const std::string& tags() const { return facts_.tags; }
  std::uint16_t place() const { return facts_.place; }
  bool is_used() const { return is_used_.load(std::memory_order_relaxed); }
  /// It is served. True the first time.
  bool note_use() const {
    return !is_used_.load(std::memory_order_relaxed) && !is_used_.exchange(true, std::memory_order_relaxed);
  }
  std::uint64_t rows() const { return facts_.rows; }
  std::uint32_t fill_micros() const { return facts_.fill_micros; }
  const Freshness& freshness() const { return *facts_.freshness; }
  /// All memory that it takes, the store's own part included.
  std::size_t bytes() const;

  /// May it be served at `now`, under Freshness::may_serve(now)? `lease` was read before.
  bool is_fresh(TimePoint now, TimePoint lease) const;
  /// It will never be served again.
  bool is_dead(TimePoint now) const;
  /// Something that it depends on has been written since.
  bool is_ended_by_write() const;
  /// Neither it nor another one in its place may be served under `lease`, for a client of ours has written.
  bool waits_for_lease(TimePoint lease) const;
  /// May it be kept? To be asked when the whole answer is there: whether each dependency is as it was, and
  /// whether the fill saw every change that has been noted.
  bool may_be_kept() const;
  /// Whether a fill that begins now would see every change of what this one depends on that has been noted.
  bool can_be_replaced() const;

 private:
  const std::uint64_t serial_;
  const std::string key_;
  const std::uint64_t hash_;
  const std::size_t text_at_;
  const std::size_t text_size_;
  const std::vector<std::byte> answer_;
  const Facts facts_;
  mutable std::atomic<TimePoint> begun_;
  mutable std::atomic<bool> is_used_ = false;
  mutable std::atomic<bool> is_refreshed_ = false;
};

using EntryPtr = std::shared_ptr<const Entry>;

}  // namespace forebay::cache
