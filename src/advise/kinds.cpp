#include "advise/kinds.hpp"

#include <algorithm>
#include <array>

namespace forebay::advise {

std::span<const Kind* const> kinds() {
  static constexpr std::array all = {
      &kReadiness,       &kRestrictedDatabase, &kServerAway,   &kReplicaLagging, &kPoolSize,
      &kPoolHeldBack,    &kClientLimit,        &kCacheLevel,   &kCacheOff,       &kCacheMemory,
      &kCacheStatement,  &kLeaveOut,           &kLifetimes,    &kRepetition,     &kIdleTransactions,
      &kLongTransaction, &kDeadRows,           &kMissingIndex, &kUnusedIndex,    &kTransactionIds,
      &kCheckpoints,     &kTemporaryFiles};
  return all;
}

const Kind* find_kind(std::string_view name) {
  const auto all = kinds();
  const auto at = std::ranges::find(all, name, [](const Kind* kind) { return kind->name; });
  return at == all.end() ? nullptr : *at;
}

}  // namespace forebay::advise
