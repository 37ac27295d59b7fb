#pragma once

#include <cstddef>
#include <vector>

#include "base/clock.hpp"
#include "cache/entry.hpp"

namespace forebay::engine {

/// What one client has seen that may be newer than what entries hold, so that it never sees less afterwards:
/// the server's answers, and entries that were filled after the lease at hand was asked for. An entry is as
/// new as the lease under which it is served; a client that has seen the same rows later has to ask the
/// server.
class Seen {
 public:
  /// A statement that was sent reads these rows; or the rows of this whole relation; or nobody knows what.
  void reading(const std::vector<cache::Dependency>& dependencies);
  void reading(cache::Relation& relation);
  void reading_anything() { reading_anything_ = true; }
  bool is_reading() const { return reading_anything_ || !reading_.empty(); }
  /// Something of the answers is about to reach the client.
  void note_answer(TimePoint now);
  /// All answers have.
  void end_answers();

  /// The client got this entry, or what it is made of, under a lease that was asked for at `lease`.
  void note_hit(const cache::EntryPtr& entry, TimePoint lease);
  /// Whether the client may have seen something newer of what `entry` holds.
  bool is_beyond(const cache::Entry& entry, TimePoint lease);

 private:
  struct Rows {
    const cache::Relation* relation;
    const cache::ChangeMark* mark;  ///< null: the whole relation
    TimePoint at;
    cache::EntryPtr entry;  ///< what was seen, when it is kept
  };

  static const cache::ChangeMark* mark_of(const cache::Dependency& dependency);
  void add(std::vector<Rows>& to, const Rows& rows);
  void forget_before(TimePoint lease);

  std::vector<Rows> reading_;
  std::vector<Rows> seen_;  ///< later than the last lease that was looked at
  bool reading_anything_ = false;
  TimePoint anything_seen_{};
};

}  // namespace forebay::engine
