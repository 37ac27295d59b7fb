#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/clock.hpp"
#include "engine/repetition.hpp"
#include "engine/repetition_window.hpp"
#include "engine/statement_table.hpp"
#include "sql/batched_lookup.hpp"

namespace forebay::engine {

/// The statements that repeat within windows of one thread's clients. Used by one thread.
///
/// Of at most 256 statements: then the one that was seen longest ago makes room. Where the values come from
/// is looked for only after a statement has repeated: for a minute, in at most four windows at a time.
class RepetitionTable {
 public:
  static constexpr std::size_t kMostStatements = 256;
  static constexpr std::size_t kMostWatches = 4;
  static constexpr std::size_t kMostTraces = 32;
  /// Longest text that is kept of a statement, in bytes.
  static constexpr std::size_t kLongestText = 8192;
  /// How long after a statement has repeated it is looked for where its values come from.
  static constexpr Duration kWatched{60'000};
  /// After so many looks in vain it is looked again only when the number of its windows is a power of two;
  /// and what only clients without a transaction have repeated is not shown until a look has found something.
  static constexpr std::uint32_t kLooks = 2;

  /// `statements` outlives it: the thread's.
  explicit RepetitionTable(StatementTable& statements) : statements_(statements) {}

  /// Nothing is looked for, and everything forgotten, while it is not `enabled`.
  void configure(bool enabled);
  bool is_enabled() const { return enabled_; }
  void reset();

  // --- from sessions

  /// The whole text of a statement that repeats. Parses it the first time.
  void note_text(const StatementKey& key, std::string_view text, TimePoint now);
  /// What has come of the window's statements since this was told of them.
  void note(RepetitionWindow& window, TimePoint now);
  /// Of one of them, which makes room.
  void note(RepetitionWindow& window, StatementTable::Ref statement, RepetitionWindow::Tally& tally,
            TimePoint now);
  /// No more will come of it: what is watched is judged, and it begins anew.
  void end(RepetitionWindow& window, TimePoint now);
  void end_watch(RepetitionWindow& window);
  /// Whether it is to be looked for where values of statements of this database come from.
  bool is_looking(std::uint32_t database, TimePoint now) const {
    return database < looks_until_.size() && now < looks_until_[database];
  }
  /// Whether those of this statement are.
  bool is_looking(const StatementKey& key) const;
  /// Has the results of a window that begins remembered, unless enough are.
  void begin_watch(RepetitionWindow& window);
  /// The window of a trace; those of traces that go on for longer than others are told of and forgotten.
  std::shared_ptr<RepetitionWindow> window_of_trace(std::uint64_t trace, TimePoint now);
  /// What traces have come to so far is told.
  void sweep(TimePoint now);

  // --- reading

  /// Those that are to be shown.
  std::vector<Repetition> repetitions() const;
  /// Windows with repetitions, by database.
  std::vector<RepetitionCount> counts() const;

 private:
  struct Known {
    std::string text;
    std::vector<sql::BatchedLookup> lookups;
    bool is_of_interest = false;  ///< it reads tables of users
    std::array<RepetitionFigures, kRepetitionKinds> figures;
    std::array<std::uint8_t, kRepetitionKinds> places{};
    RepetitionSource source;
    std::uint32_t looks = 0;    ///< in vain
    bool is_withdrawn = false;  ///< they were all in vain
    TimePoint last_seen{};

    bool is_confirmed() const { return source.parameter != 0; }
  };
  struct Trace {
    std::uint64_t trace;  ///< its hash, with the database
    TimePoint used_at;
    std::shared_ptr<RepetitionWindow> window;
  };
  Known& admit(const StatementKey& key, std::string_view text, TimePoint now);
  void make_room();
  void count(Known& known, const StatementKey& key, RepetitionWindow& window, RepetitionWindow::Tally& tally,
             TimePoint now);
  void look(Known& known, RepetitionWindow& window, std::uint64_t statement);
  void stop_looking(std::uint32_t database, TimePoint now);
  static bool is_looking(const Known& known) { return !known.is_confirmed() && known.looks < kLooks; }
  bool is_shown(const Known& known, RepetitionKind kind) const;
  std::string rewrite_of(const Known& known) const;

  StatementTable& statements_;
  bool enabled_ = false;
  std::size_t lent_ = 0;  ///< watches
  boost::unordered_flat_map<StatementKey, std::unique_ptr<Known>, StatementKeyHash> known_;
  std::vector<TimePoint> looks_until_;                               ///< by database
  std::vector<std::array<std::uint64_t, kRepetitionKinds>> counts_;  ///< by database
  std::vector<Trace> traces_;
};

}  // namespace forebay::engine
