#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "advise/evidence.hpp"
#include "advise/recommendation.hpp"

/// What can be recommended, one file each, called as its kind. Thresholds are constants there, each with its
/// reason.
namespace forebay::advise {

/// Rates of less time say little: one query that is slow once would decide.
inline constexpr double kLeastSeconds = 15;
/// One hundredth of a processor. What takes less is not felt.
inline constexpr double kLeastServerSecondsPerHour = 36;

struct Kind {
  std::string_view name;
  std::vector<Recommendation> (*find)(const Evidence& evidence);
  /// It is told when it has been found for so long. What `measure` can say nothing of meanwhile goes on later
  /// from where it was; what is there and not found begins anew.
  Duration settles{0};
  /// The figure that it is about: what is measured before something is done and after. Empty: none.
  std::string_view figure = {};
  Unit unit = Unit::none;
  /// That figure between the evidence's two moments, of what `about` is about; nothing: it cannot be told.
  std::optional<Measure> (*measure)(const Evidence& evidence, const Recommendation& about) = nullptr;
};

extern const Kind kReadiness;
extern const Kind kRestrictedDatabase;
extern const Kind kServerAway;
extern const Kind kReplicaLagging;
extern const Kind kPoolSize;
extern const Kind kPoolHeldBack;
extern const Kind kClientLimit;
extern const Kind kCacheLevel;
extern const Kind kCacheOff;
extern const Kind kCacheMemory;
extern const Kind kCacheStatement;
extern const Kind kLeaveOut;
extern const Kind kLifetimes;
extern const Kind kRepetition;
extern const Kind kIdleTransactions;
extern const Kind kLongTransaction;
extern const Kind kDeadRows;
extern const Kind kMissingIndex;
extern const Kind kUnusedIndex;
extern const Kind kTransactionIds;
extern const Kind kCheckpoints;
extern const Kind kTemporaryFiles;

/// All of them.
std::span<const Kind* const> kinds();
/// Null: there is none of that name.
const Kind* find_kind(std::string_view name);

}  // namespace forebay::advise
