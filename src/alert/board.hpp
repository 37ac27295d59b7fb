#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "config/alert_rules.hpp"

/// From rules and values to alerts; no I/O, and the clock is the caller's.
namespace forebay::alert {

using config::AlertLevel;
/// In the order of the signal's labels.
using Labels = std::vector<std::pair<std::string, std::string>>;

/// A value of a signal, now.
struct Reading {
  const config::Signal* signal = nullptr;
  Labels labels = {};
  double value = 0;
};

struct Moment {
  TimePoint at;
  double time = 0;  ///< the same in seconds since 1970, for people
};

struct Alert {
  std::string id;  ///< of no other alert, before or after
  std::string rule;
  std::string description;
  const config::Signal* signal = nullptr;
  Labels labels = {};
  AlertLevel level = AlertLevel::info;
  double value = 0;      ///< the latest that was beyond its level's threshold
  double threshold = 0;  ///< of its level, when that was
  double started = 0;    ///< seconds since 1970, like those below
  double level_since = 0;
  std::optional<double> acknowledged = {};
  std::string acknowledged_by = {};
  std::optional<double> resolved = {};
  std::string resolved_by = {};  ///< empty: the condition has gone
};

enum class Happened : std::uint8_t { raised, level_changed, acknowledged, resolved };
std::string_view name_of(Happened happened);

struct Change {
  Happened what;
  Alert alert;  ///< as it is now
  std::optional<AlertLevel> level_before = {};
};

/// All alerts: for each rule and each thing that its signal has a value of, at most one.
///
/// Each threshold of a rule is watched by itself. It is passed when values were beyond it for `for` without a
/// pause, and no longer passed when none was for `resolve_after`; the alert's level is the highest that is
/// passed. What has no value any more is not beyond anything. What somebody has resolved stays quiet until no
/// threshold up to its level is passed any more; a higher level raises another alert.
///
/// Not thread safe.
class Board {
 public:
  /// Things of one rule that are beyond a threshold at a time; further ones are counted and left out. Not of
  /// all rules: what an outage does to each of many pools would leave no place for the outage itself.
  static constexpr std::size_t kMostOfRule = 100;
  /// Resolved alerts that are remembered.
  static constexpr std::size_t kMostResolved = 100;

  void use(std::vector<config::RuleInUse> rules);
  /// Values of now; what has happened by them, in order. Also ends alerts whose rule has gone.
  std::vector<Change> evaluate(const std::vector<Reading>& readings, Moment now);

  /// By somebody; nothing when there is no such alert any more, or it has been acknowledged already.
  std::optional<Change> acknowledge(std::string_view id, std::string_view by, Moment now);
  std::optional<Change> resolve(std::string_view id, std::string_view by, Moment now);

  /// The worst and, of those, the latest first.
  std::vector<Alert> active() const;
  /// The latest first.
  const std::deque<Alert>& resolved() const { return resolved_; }
  const std::vector<config::RuleInUse>& rules() const { return rules_; }
  /// Rules of which something is beyond a threshold and not for long enough yet.
  std::size_t pending() const;
  std::uint64_t left_out() const { return left_out_; }

 private:
  /// One threshold and one thing.
  struct Gate {
    std::optional<TimePoint> beyond_since = {};
    TimePoint last_beyond = {};
    double value = 0;      ///< the latest that was beyond
    double threshold = 0;  ///< that it was beyond
    bool is_passed = false;
  };
  struct Watched {
    std::array<Gate, 3> gates = {};
    std::optional<Alert> alert = {};
    std::optional<AlertLevel> quiet_up_to = {};  ///< somebody has resolved it
    bool is_seen = false;                        ///< has a value in this round
  };
  using Key = std::pair<std::string, Labels>;  ///< rule and labels

  static bool is_idle(const Watched& watched);
  static void move_gates(const config::RuleInUse& rule, Watched& watched, TimePoint now);
  static std::optional<AlertLevel> level_of(const Watched& watched);
  std::size_t watched_of(const config::RuleInUse& rule) const;
  void look(const config::RuleInUse& rule, const Reading& reading, std::size_t& watched_of_it, TimePoint now);
  void settle(const config::RuleInUse& rule, const Labels& labels, Watched& watched, Moment now,
              std::vector<Change>& changes);
  Alert raise(const config::RuleInUse& rule, const Labels& labels, const Watched& watched, AlertLevel level,
              Moment now);
  Change close(Watched& watched, std::string_view by, Moment now);
  Watched* find(std::string_view id);

  std::vector<config::RuleInUse> rules_;
  std::map<Key, Watched> watched_;
  std::deque<Alert> resolved_;
  std::uint64_t raised_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace forebay::alert
