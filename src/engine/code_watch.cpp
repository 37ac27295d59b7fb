#include "engine/code_watch.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include "engine/custom_settings.hpp"
#include "engine/effect_sets.hpp"

namespace forebay::engine {

namespace {

/// Whoever looks and is not back by then may never be: its server says nothing.
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

/// Null while it is in doubt.
std::shared_ptr<const SessionCode> CodeWatch::present_code() const {
  const std::lock_guard lock(mutex_);
  return changes_ == changes_seen_ ? code_ : nullptr;
}

Effects CodeWatch::effects_of(const sql::Verdict& verdict) const {
  const auto code = present_code();
  return code == nullptr ? Effects(Effect::runs_code) : code->effects_of(verdict);
}

bool CodeWatch::reads_sequence(const sql::Verdict& verdict) const {
  if (verdict.relations.empty()) return false;
  const auto code = present_code();
  return code == nullptr || code->reads_sequence(verdict);
}

std::unique_ptr<CodeLook> CodeWatch::claim(TimePoint now) {
  if (is_claimed(now)) return nullptr;
  const std::lock_guard lock(mutex_);
  if (is_claimed(now)) return nullptr;
  const TimePoint until = now + kLookTimeout;
  claimed_until_.store(until);
  return std::make_unique<CodeLook>(*this, now, until, changes_);
}

/// With mutex_ held. Of several first looks one may have seen what another had not.
bool CodeWatch::is_outdated(const CodeLook& look) const {
  return code_ != nullptr && look.changes_ < changes_seen_;
}

/// With mutex_ held.
void CodeWatch::finish(const CodeLook& look, TimePoint now) {
  is_read_.store(true);
  changes_seen_ = look.changes_;
  const bool current = changes_seen_ == changes_;
  matters_.store(!current || !code_->empty());
  sequences_.store(!current ? kInDoubt : code_->has_sequences() ? code_number_ : kNoSequences);
  pause_ = kShare * std::chrono::duration_cast<Duration>(now - look.claimed_at_);
  due_.store(now + std::max(current ? kPeriod : kSoon, pause_));
  claimed_until_.store(TimePoint::min());
}

bool CodeWatch::knows_functions(std::string_view fingerprint) const {
  const std::lock_guard lock(mutex_);
  return code_ != nullptr && std::string_view(fingerprint_).substr(0, fingerprint_.find('/')) == fingerprint;
}

void CodeWatch::invalidate(TimePoint now) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  matters_.store(true);
  sequences_.store(kInDoubt);
  due_.store(std::min(due_.load(), now + std::max(kSoon, pause_ / 5)));
}

void CodeWatch::look_soon(TimePoint now) {
  const std::lock_guard lock(mutex_);
  due_.store(std::min(due_.load(), now + std::max(kSoon, pause_)));
}

// --- a look
// ----------------------------------------------------------------------------------------------------

CodeLook::~CodeLook() {
  // Unless it has ended, or took so long that somebody else looks.
  TimePoint mine = claimed_until_;
  watch_.claimed_until_.compare_exchange_strong(mine, TimePoint::min());
}

bool CodeLook::is_known(const std::string& fingerprint, TimePoint now) {
  fingerprint_ = fingerprint;
  const std::lock_guard lock(watch_.mutex_);
  if (watch_.is_outdated(*this)) return true;
  if (watch_.code_ == nullptr || fingerprint != watch_.fingerprint_) return false;
  watch_.finish(*this, now);
  return true;
}

void CodeLook::adopt(const backend::Rows& rows, TimePoint now) {
  auto code = std::make_shared<const SessionCode>(rows);
  for (const std::string& name : code->settings()) note_custom_setting(name);
  static std::atomic<std::uint64_t> last_number = CodeWatch::kNoSequences;
  const std::lock_guard lock(watch_.mutex_);
  if (watch_.is_outdated(*this)) return;
  watch_.code_ = std::move(code);
  watch_.code_number_ = ++last_number;
  watch_.fingerprint_ = fingerprint_;
  watch_.finish(*this, now);
}

void CodeLook::give_up(TimePoint now) {
  const std::lock_guard lock(watch_.mutex_);
  watch_.due_.store(now + CodeWatch::kPeriod);
  watch_.claimed_until_.store(TimePoint::min());
}

}  // namespace forebay::engine
