#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "engine/read_request.hpp"
#include "engine/repetition_table.hpp"
#include "engine/repetition_window.hpp"
#include "engine/statement_table.hpp"

namespace forebay::engine {

/// Which of a session's reads belong together, see RepetitionWindow: those of a transaction; outside of one,
/// those that follow each other within 50 ms; and those of a trace, whichever client of the thread runs them.
/// Used by the session's thread.
class SessionRepetitions {
 public:
  static constexpr Duration kPause{50};
  /// A client that does not pause begins a new window after so many reads: it would never end otherwise.
  static constexpr std::uint32_t kLongestWindow = 512;
  /// Results are remembered for so many of a window, and while it is not quiet for so long.
  static constexpr std::uint32_t kLongestWatch = 2048;
  static constexpr Duration kQuiet{5'000};

  /// `statements` outlives it.
  SessionRepetitions(StatementTable& statements, std::uint32_t database)
      : statements_(statements), table_(statements.repetitions()), database_(database) {}
  ~SessionRepetitions();

  /// A read is about to be run, or is answered from memory.
  void note_read(StatementTable::Ref statement, const ReadRequest& request, TimePoint now);
  /// Likewise, of so many with the same text in a row. False, and nothing is noted, when each is to be told
  /// of.
  bool note_again(StatementTable::Ref statement, const ReadRequest& request, std::uint32_t times,
                  TimePoint now);
  /// It has been answered. From memory: `micros` is 0.
  void note_done(StatementTable::Ref statement, std::uint64_t rows, std::uint64_t micros);
  /// It has ended with an error.
  void note_failed(StatementTable::Ref statement);
  /// Whether a transaction is open from now on.
  void note_transaction(bool is_open);

  /// Whether results are looked at: then these are to be told of.
  bool is_watching() const { return window_ != nullptr && window_->watch != nullptr; }
  void note_columns(std::string_view body) { window_->watch->note_columns(body); }
  void note_row(StatementTable::Ref statement, std::string_view body) {
    window_->watch->note_row(RepetitionWindow::key_of(statement), body);
  }
  /// A whole answer from memory.
  void note_answer(StatementTable::Ref statement, Bytes answer);

  /// Tells what has come so far; a client that is quiet needs no memory.
  void sweep(TimePoint now);

 private:
  void choose_window(std::string_view text, TimePoint now);
  void leave_window();
  bool is_over(TimePoint now) const;

  StatementTable& statements_;
  RepetitionTable& table_;
  const std::uint32_t database_;
  bool in_transaction_ = false;
  std::uint64_t trace_ = 0;                   ///< of the window; 0: it is the session's own
  std::shared_ptr<RepetitionWindow> window_;  ///< null: nothing has been read since the last one ended
  std::shared_ptr<RepetitionWindow> own_;     ///< the memory of those that are no trace's; null: none is kept
};

}  // namespace forebay::engine
