#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/ring.hpp"
#include "engine/session_repetitions.hpp"
#include "engine/statement_table.hpp"

namespace forebay::engine {

/// What a session has asked its server to run and has not been answered yet, to count it when it is.
///
/// A call is an Execute of the extended protocol, or a statement of a Query's text. Its time is that from
/// when it was sent, or from when what was sent before it had been answered, to the burst of bytes that
/// completes it; calls that one burst completes share their time equally, for nobody outside the server can
/// tell more. All instants are those at which the loop's rounds began, so that no clock is read. Used by the
/// session's thread.
class SessionCalls {
 public:
  /// `table` outlives it. `asker`: as whom the session asks; empty: nobody.
  SessionCalls(StatementTable& table, std::string_view database, std::function<Asker()> asker = {})
      : table_(table),
        database_(table.number_of(database)),
        latencies_(table.latencies(database_)),
        asker_(std::move(asker)),
        repetitions_(table, database_) {}

  StatementTable& table() { return table_; }
  std::uint32_t database() const { return database_; }
  SessionRepetitions& repetitions() { return repetitions_; }

  /// A statement and, where they are kept, the values that it is called with.
  struct Called {
    Called() = default;
    Called(StatementTable::Ref what, SampleValuesPtr with = nullptr)
        : statement(what), values(std::move(with)) {}

    StatementTable::Ref statement;
    SampleValuesPtr values;
  };

  // --- on the way to the server

  /// The message at hand waits for a backend, or for that to be made ready.
  void note_waiting(TimePoint now) {
    if (waiting_since_ == TimePoint()) waiting_since_ = now;
  }
  /// The wait for a backend is over: there is one, or there will be none.
  void note_waited(std::uint64_t micros) { latencies_.waits.add(micros); }
  /// What a Parse or Bind is about: an error is its. Returns the number for the expectation, which is that of
  /// the call as well when that comes next.
  std::uint32_t begin_preparation(StatementTable::Ref statement, TimePoint now);
  /// A Query or an Execute.
  std::uint32_t begin_call(Called called, TimePoint now);
  /// What an Execute of this portal runs.
  void bind(std::string_view portal, Called called);
  Called bound(std::string_view portal, TimePoint now);

  // --- on the way back

  void note_done(std::uint32_t call, std::string_view tag, std::uint64_t rows, TimePoint now);
  void note_error(std::uint32_t call, std::string_view sqlstate, TimePoint now);
  /// The client has gone, and will get no answer to what was sent: errors, as in the server's log.
  void note_abandoned(TimePoint now);
  /// The client gets an error of Forebay's in the place of an answer.
  void note_refused();
  /// A row of the call's result.
  void note_row(std::uint32_t call, std::string_view body, TimePoint now);
  /// So many answers from memory; see HitLatency.
  void note_hits(std::uint64_t answers) { latencies_.hits.note(answers); }
  void note_transaction(std::uint64_t micros) { latencies_.transactions.add(micros); }
  /// The client gets what is answered so far.
  void end_burst(TimePoint now);
  /// Everything has been answered; `is_over`: so is the transaction.
  void end_answers(bool is_over);
  /// What has been sent is lost, or will be asked again elsewhere: nothing of it counts.
  void forget();

 private:
  /// A message that was sent. Numbered in this order, never 0.
  struct Open {
    std::uint32_t number = 0;
    std::uint32_t position = 0;  ///< of the statement of a Query that is due next
    Called called;
    TimePoint sent{};
    std::uint64_t waited_micros = 0;
    bool is_called = false;  ///< not only prepared

    bool may_become_call_of(StatementTable::Ref statement) const {
      return !is_called && called.statement == statement;
    }
  };
  struct Done {
    StatementTable::Ref statement;
    std::uint64_t rows;
    std::uint64_t waited_micros;
    std::array<char, 5> sqlstate;  ///< of an error; zeros: none
    SampleValuesPtr values;        ///< null: none are kept
  };
  struct Portal {
    std::string name;
    Called called;
  };

  Open& open(StatementTable::Ref statement, TimePoint now);
  Open* find(std::uint32_t number);
  void add_done(Open& call, std::uint64_t rows, const std::array<char, 5>& sqlstate, TimePoint now);

  StatementTable& table_;
  const std::uint32_t database_;
  Latencies& latencies_;
  const std::function<Asker()> asker_;
  SessionRepetitions repetitions_;
  std::uint32_t last_number_ = 0;
  Ring<Open> open_;
  std::vector<Done> done_;  ///< whose answers the client has not got yet
  TimePoint done_since_{};  ///< when the first of them could begin
  TimePoint last_end_{};
  TimePoint waiting_since_{};
  Called unnamed_;               ///< portal
  std::vector<Portal> portals_;  ///< with names, of the transaction at hand
};

}  // namespace forebay::engine
