#pragma once

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "world.hpp"

namespace checker {

/// One statement that was read, by whom and when.
struct Reading {
  const Session& client;
  Register& target;
  const Query& query;
  Protocol protocol = Protocol::simple;
  Format format = Format::text;
  Instant begin;  ///< before it was sent
  Instant end;    ///< after it was answered
};

/// What a client has seen last of each register: it may not see less later.
struct Memory {
  struct Last {
    Version version;
    std::string text;
    Instant end;
  };
  std::map<const Register*, Last> last;
};

/// Knows the rules and counts who breaks them. Thread safe.
class Judge {
 public:
  /// replicas: some of what is read through Forebay comes from them. They can show a commit a moment before
  /// the primary does (docs/replicas.md): a client that goes from one to the other may miss it for that
  /// moment.
  Judge(World& world, Clock::duration bound, Instant start, bool replicas = false)
      : world_(world), bound_(bound), start_(start), replicas_(replicas) {}

  /// Compares a good answer, or one that lacks rights, with what must have been visible.
  void judge(const Reading& reading, const Answer& answer, Memory& memory);
  /// The version of reading.target in an answer; less than zero when there is not exactly one.
  static Version version_in(const Answer& answer);

  /// A transaction read something else than what it had written itself.
  void own_read(const Session& client, const Register& target, const char* path, Version written,
                Version seen);
  /// Two reads of one REPEATABLE READ transaction differ.
  void unrepeatable(const Session& client, const Register& target, Version first, Version second);
  void seen_though_rolled_back(const Register& target, Version version);
  void differs_at_the_end(const Session& client, const Query& query, Protocol protocol, Format format,
                          const std::string& through, const std::string& around);
  void error(const Session& client, const std::string& what, const Answer& answer);

  struct Summary {
    std::uint64_t reads_through = 0;
    std::uint64_t reads_around = 0;
    std::uint64_t versions_checked = 0;
    std::uint64_t stale_reads = 0;
    std::uint64_t seen_early = 0;  ///< went back to before a commit that the primary did not show yet
    double staleness_p50_ms = 0, staleness_p99_ms = 0, staleness_max_ms = 0;  ///< of the stale ones
    std::map<std::string, std::uint64_t> violations{};                        ///< by rule
    std::vector<std::string> reports{};                                       ///< the first of them
    std::map<std::string, std::uint64_t> errors{};                            ///< by way and SQLSTATE
    std::vector<std::string> error_examples{};
  };
  Summary summary() const;

 private:
  static constexpr std::size_t kReports = 20;
  static constexpr std::size_t kStalenessSlots = 10'000;  ///< of a millisecond each

  void judge_version(const Reading& reading, Register& target, Version version, Memory& memory);
  void judge_presence(const Reading& reading, bool odd);
  void note_staleness(const Reading& reading, const Register& target, Version version);
  void report(const std::string& rule, const std::string& text);
  std::string describe(const Reading& reading) const;
  std::string describe(const Register& target, Version version) const;
  std::string seconds(Instant when) const;
  void complain(const Reading& reading, const Register& target, const std::string& seen,
                const Requirement& required, const std::string& rule);

  World& world_;
  const Clock::duration bound_;
  const Instant start_;
  const bool replicas_;
  std::atomic<std::uint64_t> reads_through_ = 0;
  std::atomic<std::uint64_t> reads_around_ = 0;
  std::atomic<std::uint64_t> versions_checked_ = 0;
  std::atomic<std::uint64_t> seen_early_ = 0;
  std::array<std::atomic<std::uint32_t>, kStalenessSlots> staleness_{};

  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t> violations_;
  std::vector<std::string> reports_;
  std::map<std::string, std::uint64_t> errors_;
  std::vector<std::string> error_examples_;
};

}  // namespace checker
