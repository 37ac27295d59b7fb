#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/clock.hpp"
#include "cache/entry.hpp"

namespace forebay::engine {

/// What one client has seen that may be newer than what entries hold, so that it never sees less afterwards:
/// the server's answers, and entries that were filled after the proof at hand was asked for. An entry is as
/// new as the proof (Freshness::proof()) under which it is served; a client that has seen the same rows later
/// has to ask the server.
///
/// Rows are remembered one by one, for as long as the next proof takes to come: were they lumped together, a
/// client that misses would be told to miss by its own misses.
class Seen {
 public:
  /// A statement that was sent reads these rows; or the rows of this whole relation; or nobody knows what.
  void reading(const std::vector<cache::Dependency>& dependencies);
  void reading(cache::Relation& relation);
  void reading(cache::Relation& relation, cache::Relation::Bucket rows);
  void reading_anything() { reading_anything_ = true; }
  bool is_reading() const { return reading_anything_ || !reading_.empty(); }
  /// Something of the answers is about to reach the client.
  void note_answer(TimePoint now);
  /// All answers have.
  void end_answers();

  /// The client got this entry, or what it is made of, under a proof that was asked for at `proof`.
  void note_hit(const cache::Entry& entry, TimePoint proof) { see(entry, proof, entry.serial()); }
  /// The client may get from the server what this entry holds. Until it has, the entry itself is no
  /// exception.
  void note_likeness(const cache::Entry& entry, TimePoint proof) { see(entry, proof, 0); }
  /// Whether the client may have seen something newer of what `entry` holds.
  bool is_beyond(const cache::Entry& entry, TimePoint proof);
  /// What was seen before `proof` plays no part any more.
  void forget_before(TimePoint proof);
  /// Gives memory back that is not in use.
  void shrink();

 private:
  struct Rows {
    cache::Relation* relation;
    const cache::ChangeMark* mark;  ///< a bucket, or the relation's whole()
  };
  struct Sight {
    TimePoint at{};
    std::uint64_t entry = 0;  ///< serial number of what was seen, when it is kept; else 0
  };
  /// How the rows of one relation were last seen: all by one, or any of them.
  struct Relation {
    Sight whole;
    TimePoint any{};
  };

  static bool is_later(const Sight& sight, const cache::Entry& entry);
  void read(cache::Relation& relation, const cache::ChangeMark& mark);
  void see(const Rows& rows, const Sight& sight);
  void see(const cache::Entry& entry, TimePoint proof, std::uint64_t serial);
  void forget_rows();

  boost::unordered_flat_map<const cache::ChangeMark*, cache::Relation*> reading_;
  boost::unordered_flat_map<const cache::ChangeMark*, Sight> buckets_;
  boost::unordered_flat_map<const cache::Relation*, Relation> relations_;
  TimePoint forgotten_before_{};
  TimePoint anything_seen_{};
  bool reading_anything_ = false;
};

}  // namespace forebay::engine
