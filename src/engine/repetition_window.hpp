#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/clock.hpp"
#include "engine/repetition.hpp"
#include "engine/repetition_watch.hpp"
#include "engine/statement_table.hpp"
#include "engine/value_hash.hpp"

namespace forebay::engine {

/// The reads that belong together: of a transaction, of a client that does not pause, or of one trace. Tells
/// which of them repeat: five executions of one statement, or a cycle of up to eight statements that has come
/// three times.
///
/// It remembers the last twelve different statements, so that a cycle of eight and what comes before it have
/// their places; what is not run for longest makes room. An execution costs a search of twelve numbers; only
/// the second one of a statement costs a hash of its values. No allocation. Used by one thread.
class RepetitionWindow {
 public:
  static constexpr std::size_t kMostStatements = 12;
  /// From so many executions on a statement repeats.
  static constexpr std::uint32_t kRepeats = 5;
  static constexpr std::size_t kLongestCycle = 8;
  static constexpr std::size_t kCycles = 3;

  /// What has come of a statement in this window; a line of the processor's cache.
  struct Tally {
    std::uint64_t micros = 0;
    std::uint32_t executions = 0;
    std::uint32_t different = 0;  ///< executions but the first whose values were not among recent ones
    std::uint32_t first = 0;      ///< number of its first execution in the window, from 1 on
    std::uint32_t last = 0;
    std::uint32_t most_rows = 0;  ///< of one execution
    std::uint32_t told = 0;       ///< executions that the table has been told of
    std::array<ValueHash, 5> recent{};
    bool is_suspect = false;
    bool is_known = false;     ///< the table has its text
    std::uint8_t counted = 0;  ///< the table has counted the window: bits, as which kinds of repetition

    /// More than half of its executions had values of their own, or so many different ones have come that
    /// these alone would repeat.
    bool has_different_values() const { return different * 2 > executions - 1 || has_enough_values(); }
    bool has_enough_values() const { return different + 1 >= kRepeats; }
  };

  explicit RepetitionWindow(RepetitionPlace place) : place_(place) {}

  RepetitionPlace place() const { return place_; }
  /// Of an empty one.
  void set_place(RepetitionPlace place) { place_ = place; }
  bool is_empty() const { return count_ == 0; }
  std::uint32_t executions() const { return count_; }
  TimePoint last_at() const { return last_at_; }

  /// A read is run. `hash_of_values` is asked from the second execution on, until enough different ones have
  /// come; `leave` is told of a statement that repeats and makes room.
  template <class HashOfValues, class Leave>
  Tally& note(StatementTable::Ref statement, TimePoint now, HashOfValues hash_of_values, Leave leave) {
    last_at_ = now;
    ++count_;
    const std::uint64_t key = key_of(statement);
    std::size_t at = find(key);
    if (at != size_) {
      if (!tallies_[at].has_enough_values()) note_values(tallies_[at], hash_of_values());
    } else {
      at = room();
      if (at < size_ && tallies_[at].is_suspect) leave(ref_of(keys_[at]), tallies_[at]);
      take_in(key, at);
    }
    Tally& tally = tallies_[at];
    ++tally.executions;
    tally.last = count_;
    if (tally.executions >= kRepeats) tally.is_suspect = has_suspects_ = true;
    follow_cycles(at, tally.executions == 1);
    return tally;
  }

  /// So many reads of the same statement as the one before. False, and nothing is noted, when more is to be
  /// known of them than that they came.
  bool note_again(StatementTable::Ref statement, std::uint32_t times, TimePoint now) {
    if (size_ == 0) return false;
    const std::size_t at = order_ & 0xFF;
    Tally& tally = tallies_[at];
    if (keys_[at] != key_of(statement) || !tally.is_known || !tally.has_enough_values()) return false;
    last_at_ = now;
    count_ += times;
    tally.last = count_;
    tally.executions += times;
    // When it has come often enough in a row, another one leaves them as they are.
    for (; times > 0 && (order_ != at * kOnes || in_step_ != kMostInStep); --times) follow_cycles(at, false);
    return true;
  }

  /// It has been answered.
  void note_done(StatementTable::Ref statement, std::uint64_t rows, std::uint64_t micros) {
    const std::size_t at = find(key_of(statement));
    if (at == size_) return;
    tallies_[at].micros += micros;
    tallies_[at].most_rows = std::max(tallies_[at].most_rows, static_cast<std::uint32_t>(rows));
  }

  /// It has ended with an error: there is no answer that could be kept, or fetched at one go.
  void note_failed(StatementTable::Ref statement) {
    const std::size_t at = find(key_of(statement));
    if (at == size_) return;
    Tally& tally = tallies_[at];
    tally = {.first = tally.first, .last = tally.last, .is_known = tally.is_known, .counted = tally.counted};
  }

  /// Calls `visit` with each statement that repeats, and its tally.
  template <class Visitor>
  void each_suspect(Visitor visit) {
    for (std::size_t at = 0; at < size_ && has_suspects_; ++at) {
      if (tallies_[at].is_suspect) visit(ref_of(keys_[at]), tallies_[at]);
    }
  }

  /// Whether an earlier statement had as many rows as a cycle needs, and was run at most half as often: where
  /// nothing says that statements belong together, the values cannot have come from anything else.
  bool has_list_before(const Tally& tally) const;

  /// All of it begins anew.
  void clear();

  static std::uint64_t key_of(StatementTable::Ref statement) {
    return std::uint64_t{statement.serial} << 32U | statement.place;
  }
  static StatementTable::Ref ref_of(std::uint64_t key) {
    return {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32U)};
  }

  /// The results of this window from its beginning on, while it is looked for where values come from; null:
  /// it is not.
  std::unique_ptr<RepetitionWatch> watch;

 private:
  static constexpr std::uint64_t kNothing = ~std::uint64_t{0};
  static constexpr std::uint64_t kOnes = 0x0101010101010101;  ///< one in each byte
  static constexpr std::uint64_t kMostInStep = 0x7F * kOnes;
  static_assert(kLongestCycle == sizeof(std::uint64_t));

  /// Looks first at what was run last.
  std::size_t find(std::uint64_t key) const {
    std::size_t at = order_ & 0xFF;
    if (at < size_ && keys_[at] == key) return at;
    at = 0;
    while (at < size_ && keys_[at] != key) ++at;
    return at;
  }
  std::size_t room() const;
  void take_in(std::uint64_t key, std::size_t at);
  static void note_values(Tally& tally, ValueHash values);
  void follow_cycles(std::size_t at, bool is_new);
  void suspect_cycle(std::size_t length);

  RepetitionPlace place_;
  bool has_suspects_ = false;
  std::size_t size_ = 0;
  std::uint32_t count_ = 0;  ///< of executions
  TimePoint last_at_{};
  std::array<std::uint64_t, kMostStatements> keys_{};
  // Of eight bytes each, the first for what is one execution back.
  std::uint64_t order_ = kNothing;  ///< places of the last executions
  std::uint64_t in_step_ = 0;       ///< so many in a row were what had come that long before; at most 127
  std::array<Tally, kMostStatements> tallies_{};
};

}  // namespace forebay::engine
