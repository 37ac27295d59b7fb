#include "engine/code_watch.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include "engine/custom_settings.hpp"
#include "engine/effect_sets.hpp"

namespace forebay::engine {

namespace {

/// Whoever looks and is not back by then is gone.
constexpr Duration kLookTimeout{10'000};
/// More than this, and databases that nobody uses are forgotten.
constexpr std::size_t kMaxWatches = 1000;

std::mutex directory_mutex;
std::map<std::string, std::shared_ptr<CodeWatch>> watches;  // guarded by directory_mutex

}  // namespace

std::shared_ptr<CodeWatch> CodeWatch::of(const backend::Pool& pool) {
  const std::string name = pool.target()->name() + "/" + pool.database();
  const std::lock_guard lock(directory_mutex);
  if (watches.size() >= kMaxWatches) {
    std::erase_if(watches, [](const auto& entry) { return entry.second.use_count() == 1; });
  }
  auto& watch = watches[name];
  if (watch == nullptr) watch = std::make_shared<CodeWatch>();
  return watch;
}

Effects CodeWatch::effects_of(const sql::Verdict& verdict) const {
  std::shared_ptr<const SessionCode> code;
  {
    const std::lock_guard lock(mutex_);
    if (changes_ == changes_seen_) code = code_;
  }
  if (code == nullptr) return Effect::runs_code;
  return code->effects_of(verdict);
}

bool CodeWatch::claim(TimePoint now) {
  TimePoint until = claimed_until_.load();
  if (now < until || !claimed_until_.compare_exchange_strong(until, now + kLookTimeout)) return false;
  const std::lock_guard lock(mutex_);
  claimed_at_ = now;
  changes_at_claim_ = changes_;
  return true;
}

bool CodeWatch::is_known(const std::string& fingerprint, TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (code_ == nullptr || fingerprint != fingerprint_) return false;
  finish(now);
  return true;
}

void CodeWatch::adopt(const std::string& fingerprint, const backend::Rows& rows, TimePoint now) {
  auto code = std::make_shared<const SessionCode>(rows);
  for (const std::string& name : code->settings()) note_custom_setting(name);
  const std::lock_guard lock(mutex_);
  code_ = std::move(code);
  fingerprint_ = fingerprint;
  finish(now);
}

/// With mutex_ held.
void CodeWatch::finish(TimePoint now) {
  changes_seen_ = changes_at_claim_;
  const bool current = changes_seen_ == changes_;
  matters_.store(!current || !code_->empty());
  pause_ = kShare * std::chrono::duration_cast<Duration>(now - claimed_at_);
  due_.store(now + std::max(current ? kPeriod : kSoon, pause_));
  claimed_until_.store(TimePoint::min());
}

bool CodeWatch::knows_functions(std::string_view fingerprint) const {
  const std::lock_guard lock(mutex_);
  return code_ != nullptr && std::string_view(fingerprint_).substr(0, fingerprint_.find('/')) == fingerprint;
}

void CodeWatch::give_up(TimePoint now) {
  const std::lock_guard lock(mutex_);
  due_.store(now + kPeriod);
  claimed_until_.store(TimePoint::min());
}

void CodeWatch::invalidate(TimePoint now) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  matters_.store(true);
  due_.store(std::min(due_.load(), now + std::max(kSoon, pause_ / 5)));
}

void CodeWatch::look_soon(TimePoint now) {
  const std::lock_guard lock(mutex_);
  due_.store(std::min(due_.load(), now + std::max(kSoon, pause_)));
}

}  // namespace forebay::engine
