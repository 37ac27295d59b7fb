#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "backend/stream_connection.hpp"
#include "monitor/finished_points.hpp"
#include "monitor/history_table.hpp"
#include "monitor/server_line.hpp"
#include "net/waker.hpp"
#include "pgfront/front.hpp"

namespace forebay::monitor {

/// How writing the history into the database goes.
struct HistoryWriting {
  bool is_on = false;
  std::string problem = {};  ///< why nothing is written; empty: all is well
  std::uint64_t written = 0;
  std::uint64_t dropped = 0;  ///< rows: one too many until the server came back, or of a wrong time
  std::uint64_t waiting = 0;
};

/// Writes figures over time into the primary's database, where `history.keep` asks for it: one thread, one
/// poll(), a connection of its own. It makes what it writes into, a partition for each month ahead of time,
/// and drops those that are too old. While the server is away, rows are kept, up to a bound. A reload counts
/// within a second. Thread safe.
class HistoryWriter {
 public:
  /// Rows that wait: two hours of all figures, about 6 MB.
  static constexpr std::size_t kMostWaiting = 50'000;

  /// Starts at once. `front` outlives this object; `instance` is how this process is known from others.
  HistoryWriter(pgfront::Front& front, std::string instance);
  /// Returns within milliseconds; what waits is lost.
  ~HistoryWriter();
  HistoryWriter(const HistoryWriter&) = delete;
  HistoryWriter& operator=(const HistoryWriter&) = delete;

  /// To be written soon. Never waits.
  void put(std::vector<HistoryRow> rows);
  HistoryWriting state() const;
  /// Ends the thread; nothing is written any more.
  void stop();

 private:
  enum class Step : std::uint8_t { idle, looking, preparing, writing };

  void run(const std::stop_token& stop);
  void plan(TimePoint now);
  void advance(TimePoint now, bool has_events);
  void begin(TimePoint now);
  void ask(Step step, const std::string& sql, TimePoint now);
  void read(TimePoint now);
  void take(const backend::StreamConnection::Reply& reply, TimePoint now);
  void take_state(const backend::StreamConnection::Reply& reply, TimePoint now);
  void take_written();
  void refuse(TimePoint now);
  void fail(std::string why, TimePoint now);
  void note_problem(const std::string& problem);
  void note_ready();
  void give_up_misplaced(const TableState& state, Month now);
  Month oldest_waiting(Month now) const;  ///< `now` where none is older
  std::vector<HistoryRow> next_rows();

  pgfront::Front& front_;
  const std::string instance_;
  const net::Waker waker_;

  // Of the thread.
  std::shared_ptr<const backend::Target> target_;  ///< null: there is nobody to write to
  std::string database_;
  std::string schema_;
  std::uint32_t months_ = 0;
  ServerLine line_;
  Step step_ = Step::idle;      ///< while the line is open
  TimePoint not_before_{};      ///< the next attempt
  TimePoint next_look_{};       ///< at the table
  std::size_t asked_rows_ = 0;  ///< of the insertion under way: the first of those that wait

  mutable std::mutex mutex_;
  HistoryWriting state_;  ///< guarded by mutex_, as what follows
  std::deque<HistoryRow> waiting_;
  bool may_write_ = false;  ///< there is a partition for what comes now
  std::uint64_t gone_ = 0;  ///< rows that had to leave `waiting_` since next_rows()
  std::jthread thread_;     ///< last: it uses all the others
};

}  // namespace forebay::monitor
