#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "advise/kinds.hpp"

/// What is recommended at present, what was, and what came of it; in memory only. The clock is the caller's.
namespace forebay::advise {

struct Dismissal {
  double time = 0;  ///< seconds since 1970
  std::string by;
};

/// A recommendation that holds, or that somebody does not want to see.
struct Standing {
  Recommendation what;
  double since = 0;      ///< seconds since 1970
  bool is_found = true;  ///< false: no figure calls for it any more
  std::optional<Dismissal> dismissed = {};
};

/// The figure of something that was done: means, over at least a minute afterwards.
struct Effect {
  double before = 0;
  double after = 0;
  double seconds = 0;  ///< that the second one was measured over
};

/// What does not hold any more, and what came of it.
struct Ended {
  Recommendation what;
  double since = 0;  ///< seconds since 1970, like the next
  double ended = 0;
  std::optional<Effect> effect = {};  ///< nothing: it is no longer seen, and nobody can say why
};

/// What is seen to: the figure is being measured again.
struct Pending {
  Recommendation what;
  double since = 0;             ///< seconds since 1970
  double measured_seconds = 0;  ///< so far, with as much to do as before
};

/// Not thread safe.
class Board {
 public:
  static constexpr std::size_t kMostStanding = 100;
  static constexpr std::size_t kMostDismissed = 200;
  static constexpr std::size_t kMostEnded = 50;
  /// Beyond as many that have not been found for long enough, those that cannot be seen are forgotten.
  static constexpr std::size_t kMostSettling = 100;
  /// Rates are those of so long.
  static constexpr Duration kWindow{60'000};
  /// A figure is measured over so long before something is done, at most, and after, at least.
  static constexpr Duration kBefore{600'000};
  static constexpr Duration kAfter{60'000};
  /// Whatever has not been measured by then is no longer seen.
  static constexpr Duration kPatience{600'000};
  /// What nobody can measure is no longer seen when it was not for so long.
  static constexpr Duration kGone{30'000};
  /// With less than this share of the traffic that there was before, nothing is proved.
  static constexpr double kComparable = 0.5;

  explicit Board(std::span<const Kind* const> kinds = advise::kinds()) : kinds_(kinds) {}

  /// What is known now. Every few seconds.
  void take(MomentPtr moment);

  /// The most urgent first, then by what can be gained.
  std::vector<Standing> open() const;
  std::vector<Standing> dismissed() const;  ///< the latest first
  std::vector<Pending> pending() const;
  const std::deque<Ended>& ended() const { return ended_; }  ///< the latest first

  /// False: there is no such open recommendation. Beyond kMostDismissed the one is forgotten that was
  /// dismissed first, of those that do not hold at all if there are any.
  bool dismiss(std::string_view id, std::string_view by, double time);
  /// False: it is not dismissed.
  bool restore(std::string_view id);

 private:
  /// A measure of one step.
  struct Stretch {
    TimePoint at;
    double seconds = 0;
    Measure measure;
  };
  struct Sum {
    double seconds = 0;
    double amount = 0;
    double weight = 0;
    double traffic = 0;

    void add(const Stretch& stretch);
    double mean() const { return weight > 0 ? amount / weight : 0; }
  };
  /// Of a kind that has to settle.
  struct Settling {
    Recommendation what;
    TimePoint looked_at;
    TimePoint::duration found{0};  ///< for how long, in all
  };
  struct Item {
    Recommendation what;
    const Kind* kind = nullptr;
    double since = 0;
    bool is_found = true;
    std::optional<Dismissal> dismissed = {};
    std::optional<std::string> setting = {};  ///< as it was when this was found
    std::deque<Stretch> before = {};
    bool is_pending = false;
    TimePoint pending_since{};
    Sum after = {};
  };

  static Sum sum_of(const std::deque<Stretch>& stretches);
  static bool is_comparable(const Sum& before, const Stretch& stretch);
  std::map<std::string, Recommendation, std::less<>> find(const Evidence& evidence);
  /// Counts for how long it is found; true: for long enough.
  bool settles(const Kind& kind, const Recommendation& found, TimePoint now);
  void keep_unseen(const Kind& kind, const Evidence& evidence);
  void admit(std::map<std::string, Recommendation, std::less<>>& found, const Evidence& step);
  /// True: it has ended.
  bool advance(Item& item, const Recommendation* found, const Evidence& step);
  void begin_to_measure(Item& item, TimePoint now);
  static bool may_be_measured(const Item& item, bool has_changed);
  void end(Item& item, const Moment& now, bool is_measured);

  const std::span<const Kind* const> kinds_;
  std::deque<MomentPtr> moments_;  ///< the oldest first
  std::map<std::string, Item, std::less<>> items_;
  std::map<std::string, Settling> settling_;
  std::deque<Ended> ended_;
};

}  // namespace forebay::advise
