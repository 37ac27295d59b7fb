#include "history.hpp"

#include <algorithm>
#include <utility>

namespace checker {

namespace {

const char* rule_of(Route route, int writer, int reader, bool bound_is_over, bool on_primary) {
  if (!on_primary) return "seen, then gone";
  if (bound_is_over) return "bound";
  return route == Route::through && writer == reader ? "own write" : "written through";
}

}  // namespace

Version History::begin(const char* path, Route route, int client) {
  const std::lock_guard lock(mutex_);
  writes_.push_back({.path = path, .client = client, .route = route, .sent = Clock::now()});
  return static_cast<Version>(writes_.size()) - 1;
}

bool History::end(Version version, Fate fate, Route route, int client) {
  const Instant now = Clock::now();
  const std::lock_guard lock(mutex_);
  Write& write = writes_[static_cast<std::size_t>(version)];
  write.fate = fate;
  write.route = route;
  write.client = client;
  write.ended = now;
  if (fate == Fate::committed) prove({version, now, route, client});
  if (fate == Fate::unknown && write.seen) prove({version, now, Route::around, -1, false});
  return fate != Fate::aborted || !write.seen;
}

void History::witnessed(Version version, Instant when) {
  const std::lock_guard lock(mutex_);
  prove({version, when, Route::around, -1});
}

void History::prove(const Proof& proof) {
  // Of a version that is known to be visible, only an acknowledgement through Forebay says something new.
  if (!proofs_.empty()) {
    const Proof& known = proofs_.back();
    const bool says_more = proof.route == Route::through || (proof.on_primary && !known.on_primary);
    if (proof.version < known.version || (proof.version == known.version && !says_more)) return;
  }
  proofs_.push_back(proof);
}

Requirement History::required(Instant begin, Clock::duration bound, int client, Route reader) const {
  const std::lock_guard lock(mutex_);
  for (auto proof = proofs_.rbegin(); proof != proofs_.rend(); ++proof) {
    if (reader == Route::around && !proof->on_primary) continue;
    const bool bound_is_over = proof->when < begin - bound;
    if (bound_is_over || (proof->route == Route::through && proof->when < begin)) {
      return {proof->version, rule_of(proof->route, proof->client, client, bound_is_over, proof->on_primary),
              proof->when};
    }
  }
  return {};
}

Version History::shown_before(Instant begin) const {
  const std::lock_guard lock(mutex_);
  for (auto proof = proofs_.rbegin(); proof != proofs_.rend(); ++proof) {
    if (proof->on_primary && proof->when < begin) return proof->version;
  }
  return 0;
}

Clock::duration History::staleness(Version version, Instant begin) const {
  const std::lock_guard lock(mutex_);
  Clock::duration longest{};
  for (auto proof = proofs_.rbegin(); proof != proofs_.rend() && proof->version > version; ++proof) {
    longest = std::max(longest, begin - proof->when);
  }
  return longest;
}

bool History::possible(Version version, Instant end) {
  const std::lock_guard lock(mutex_);
  if (version < 0 || static_cast<std::size_t>(version) >= writes_.size()) return false;
  Write& write = writes_[static_cast<std::size_t>(version)];
  if (!std::exchange(write.seen, true) && write.fate == Fate::unknown)
    prove({version, Clock::now(), Route::around, -1, false});
  return write.fate != Fate::aborted && (version == 0 || write.sent < end);
}

bool History::possible_parity(Version least, bool odd, Instant end) const {
  const std::lock_guard lock(mutex_);
  for (auto version = static_cast<std::size_t>(least); version < writes_.size(); ++version) {
    const Write& write = writes_[version];
    if (version > 0 && write.sent >= end) break;
    if ((version % 2 == 1) == odd && write.fate != Fate::aborted) return true;
  }
  return false;
}

bool History::written_between(Instant from, Instant to) const {
  const std::lock_guard lock(mutex_);
  for (auto write = writes_.rbegin(); write != writes_.rend(); ++write) {
    if (write->fate != Fate::pending && write->ended < from) return false;
    if (write->sent < to && write->sent != Instant{}) return true;
  }
  return false;
}

Write History::write(Version version) const {
  const std::lock_guard lock(mutex_);
  const auto index = static_cast<std::size_t>(std::max<Version>(version, 0));
  return index < writes_.size() ? writes_[index] : Write{.path = "never written"};
}

Version History::latest() const {
  const std::lock_guard lock(mutex_);
  return static_cast<Version>(writes_.size()) - 1;
}

}  // namespace checker
