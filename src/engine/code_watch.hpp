#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "backend/pool.hpp"
#include "base/clock.hpp"
#include "engine/session_code.hpp"

namespace forebay::engine {

class CodeLook;

/// Keeps what is known of the code in one database (SessionCode) up to date: from time to time a client's
/// session asks the catalog on the backend that it has, before its own statement runs. So it costs no backend
/// and no timer, only while the database is used, and what a transaction is judged by is never older than
/// the period below was at its beginning.
///
/// The period is kPeriod, or kShare times as long as the last look took, whichever is longer. Until the first
/// look, and after a schema change that came through us, until the next look: everything is in doubt. One
/// session looks at a time, but for the first look: there everybody does who finds nothing known yet, for a
/// session whose statement ran in doubt keeps its backend.
/// Thread safe. What is called for each statement takes no lock in a database without such code, and one for
/// as long as it takes to copy a pointer in others.
class CodeWatch {
 public:
  static constexpr Duration kPeriod{1'000};
  /// After a schema change of our own: so that a stream of them does not mean a stream of looks.
  static constexpr Duration kSoon{50};
  static constexpr int kShare = 50;

  /// The watch of the database that `pool` is for; the same for all users' pools.
  static std::shared_ptr<CodeWatch> of(const backend::Pool& pool);

  // --- for each statement
  bool is_due(TimePoint now) const { return now >= due_.load(std::memory_order_relaxed); }
  /// As is_due(), unless somebody is looking already.
  bool wants_look(TimePoint now) const { return is_due(now) && !is_claimed(now); }
  /// False in a database without code that changes sessions.
  bool matters() const { return matters_.load(std::memory_order_relaxed); }
  sql::Effects effects_of(const sql::Verdict& verdict) const;
  /// Names what is known of the database's sequences, as nothing else in this process. While it is the same,
  /// so is what reads_sequence() says of a statement.
  std::uint64_t sequences() const { return sequences_.load(std::memory_order_relaxed); }
  static constexpr std::uint64_t kNoSequences = 0;
  static constexpr std::uint64_t kInDoubt = ~std::uint64_t{0};
  /// See SessionCode::reads_sequence(). Takes the same lock.
  bool reads_sequence(const sql::Verdict& verdict) const;

  /// Takes the next look upon the caller. Null: somebody else has it.
  std::unique_ptr<CodeLook> claim(TimePoint now);
  /// Whether the functions are still those that are known (see functions_fingerprint()).
  bool knows_functions(std::string_view fingerprint) const;

  /// The schema has been changed through us.
  void invalidate(TimePoint now);
  /// It may have been.
  void look_soon(TimePoint now);

 private:
  friend class CodeLook;
  bool is_claimed(TimePoint now) const {
    return now < claimed_until_.load(std::memory_order_relaxed) && is_read_.load(std::memory_order_relaxed);
  }
  bool is_outdated(const CodeLook& look) const;
  void finish(const CodeLook& look, TimePoint now);
  std::shared_ptr<const SessionCode> present_code() const;

  std::atomic<TimePoint> due_{TimePoint::min()};
  std::atomic<TimePoint> claimed_until_{TimePoint::min()};
  std::atomic<bool> is_read_ = false;  ///< the code is known, or has been
  std::atomic<bool> matters_ = true;
  std::atomic<std::uint64_t> sequences_ = kInDoubt;

  mutable std::mutex mutex_;
  std::shared_ptr<const SessionCode> code_;  ///< guarded by mutex_; null: never read
  std::uint64_t code_number_ = 0;            ///< guarded by mutex_; of no other code in this process
  std::string fingerprint_;                  ///< guarded by mutex_
  std::uint64_t changes_ = 0;                ///< guarded by mutex_; counts invalidate()
  std::uint64_t changes_seen_ = 0;           ///< guarded by mutex_
  Duration pause_{0};  ///< guarded by mutex_; between looks, for the time that the last one took
};

/// A look at the catalog that one session has taken upon itself. It ends with is_known(), adopt() or
/// give_up(); destroyed before, because its session or its backend went, it is left to whoever comes next.
/// The watch outlives it. Used by one thread.
class CodeLook {
 public:
  CodeLook(CodeWatch& watch, TimePoint claimed_at, TimePoint claimed_until, std::uint64_t changes)
      : watch_(watch), claimed_at_(claimed_at), claimed_until_(claimed_until), changes_(changes) {}
  CodeLook(const CodeLook&) = delete;
  CodeLook& operator=(const CodeLook&) = delete;
  ~CodeLook();

  /// Whether the code is still the one that is known; that ends the look. Otherwise adopt() is to follow.
  bool is_known(const std::string& fingerprint, TimePoint now);
  /// The code that has the fingerprint that is_known() was asked about.
  void adopt(const backend::Rows& rows, TimePoint now);
  /// The catalog could not be read.
  void give_up(TimePoint now);

 private:
  friend class CodeWatch;

  CodeWatch& watch_;
  const TimePoint claimed_at_;
  const TimePoint claimed_until_;
  const std::uint64_t changes_;  ///< the watch's count at the beginning
  std::string fingerprint_;
};

}  // namespace forebay::engine
