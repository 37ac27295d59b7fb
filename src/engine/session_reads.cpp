#include "engine/session_reads.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/effect_sets.hpp"

namespace forebay::engine {

namespace {

/// With these and no others a statement changes rows of the relations that it names, and what hangs on them.
constexpr Effects kPlainWrites = Effect::writes | Effect::begins_transaction | Effect::ends_transaction |
                                 Effect::advances_sequence | Effect::reads_sequence_state |
                                 Effect::closes_cursor | Effect::sets_setting;

constexpr Effects kSchema = Effect::changes_schema | Effect::changes_databases | Effect::changes_defaults |
                            Effect::drops_objects | Effect::runs_code | Effect::unparsable;

/// A look at a held session costs the server about a millisecond.
constexpr Duration kBetweenLooks{100};

void append(std::string& bytes, std::string_view part) {
  std::array<std::byte, 4> size{};
  store_u32(size.data(), static_cast<std::uint32_t>(part.size()));
  bytes += as_text(size);
  bytes += part;
}

}  // namespace

SessionReads::SessionReads(std::shared_ptr<DatabaseCache> cache, const backend::Pool& pool,
                           backend::ProfilePtr profile)
    : pool_(pool),
      profile_(std::move(profile)),
      pool_generation_(pool.generation()),
      defaults_generation_(pool.defaults_generation()),
      cache_(std::move(cache)) {
  update_context(nullptr);
}

/// What was begun belongs to the server that was.
void SessionReads::move() {
  pool_generation_ = pool_.generation();
  defaults_generation_ = pool_.defaults_generation();
  abandon();
  auto cache = cache_->directory().find_or_create(pool_);
  if (cache != nullptr && cache != cache_) {
    cache_ = std::move(cache);
    seen_ = {};
    writes_.relations.clear();
    writes_.anything = true;
  }
  update_context(context_settings_);
}

/// The cache stands for server and database: two of one name on different servers have nothing in common.
/// application_name changes no result.
void SessionReads::update_context(const backend::SessionSettingsPtr& settings) {
  context_settings_ = settings;
  context_.clear();
  append(context_, std::to_string(cache_->id()));
  append(context_, std::to_string(defaults_generation_));
  append(context_, pool_.user());
  for (const auto& [name, value] : profile_->parameters) {
    append(context_, name);
    append(context_, value);
  }
  append(context_, {});
  if (settings == nullptr) return;
  for (const auto& [name, value] : *settings) {
    if (name == "application_name") continue;
    append(context_, name);
    append(context_, value);
  }
}

/// Valid until the next call on this thread.
cache::Key SessionReads::key_of(const ReadRequest& request, const backend::SessionSettingsPtr& settings) {
  if (context_settings_ != settings) update_context(settings);
  thread_local std::string bytes;
  bytes.clear();
  append(bytes, context_);
  bytes +=
      static_cast<char>((request.simple ? 1 : 0) | (request.parses ? 2 : 0) | (request.describes ? 4 : 0));
  append(bytes, request.text);
  append(bytes, request.types);
  append(bytes, request.values);
  return {bytes, cache::key_hash(bytes)};
}

bool SessionReads::is_worth_a_look(const ReadRequest& request) {
  const TimePoint now = Clock::now();
  cache_->freshness().note_use(now);
  if (now - looked_at_ < kBetweenLooks) return false;
  const auto plan = cache_->plan_of(request.text);
  if (plan == nullptr || !plan->refusal.empty()) return false;
  looked_at_ = now;
  return true;
}

cache::EntryPtr SessionReads::ask(const ReadRequest& request, const backend::SessionSettingsPtr& settings) {
  cache::Freshness& freshness = cache_->freshness();
  // Read from the clock, not from the loop: the process may have stood still since the loop woke up.
  const TimePoint now = Clock::now();
  freshness.note_use(now);
  abandon();
  if (freshness.epoch() == 0) return nullptr;
  const cache::Key key = key_of(request, settings);
  const TimePoint lease = freshness.lease();
  const TimePoint proof = freshness.proof();
  auto& counters = cache_->counters();
  cache::EntryPtr entry = cache_->store().find(key);
  if (entry != nullptr && freshness.may_serve(now) && entry->is_fresh(now, lease) &&
      !seen_.is_beyond(*entry, proof)) {
    seen_.note_hit(*entry, proof);
    if (request.max_rows != 0 && request.max_rows <= entry->rows()) return nullptr;
    counters.hits.fetch_add(1, std::memory_order_relaxed);
    counters.saved_micros.fetch_add(entry->fill_micros(), std::memory_order_relaxed);
    return entry;
  }
  const bool is_dead = entry != nullptr && entry->is_dead(now);
  if (is_dead) {
    counters.stale.fetch_add(1, std::memory_order_relaxed);
    cache_->store().remove(*entry);
  }
  // A living one that may not be served yet is better than a new one: everybody may have it under the next
  // lease, whereas what is newer than the lease keeps whoever gets it from what is older, so that clients
  // would go on making each other miss.
  note_miss(request, key, now, entry == nullptr || is_dead);
  return nullptr;
}

void SessionReads::note_miss(const ReadRequest& request, const cache::Key& key, TimePoint now, bool fills) {
  auto& counters = cache_->counters();
  const cache::Fence fence = cache_->freshness().fence();
  const auto plan = cache_->plan_of(request.text);
  if (plan == nullptr) return;
  if (!plan->refusal.empty() || !refusal_of_values(request).empty()) {
    counters.refused.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  counters.misses.fetch_add(1, std::memory_order_relaxed);
  auto dependencies = plan->dependencies(request);
  seen_.reading(dependencies);
  is_asked_ = true;
  is_sent_ = false;
  if (!fills || fence.epoch == 0 || fence.all_visible_below == 0 || plan->catalog != fence.catalog) return;
  fill_.emplace(key,
                cache::Entry::Facts{.freshness = &cache_->freshness(),
                                    .fence = fence,
                                    .dependencies = std::move(dependencies),
                                    .expires = now + cache_->lifetime(),
                                    .begun = now,
                                    .filled = {},
                                    .rows = 0,
                                    .fill_micros = 0},
                Fill::Shape{.parses = request.parses ? 1 : 0,
                            .binds = request.simple ? 0 : 1,
                            .descriptions = request.simple || request.describes ? 1 : 0,
                            .commands = 1},
                cache_->max_entry());
}

void SessionReads::abandon() {
  fill_.reset();
  is_asked_ = false;
}

/// A fill that was begun for another statement than the one that is sent must never see an answer.
bool SessionReads::was_asked_for() {
  const bool asked = std::exchange(is_asked_, false);
  if (fill_ && !is_sent_ && !asked) fill_.reset();
  if (fill_ && asked) is_sent_ = true;
  return asked;
}

void SessionReads::take_answer(Bytes bytes, const backend::Backend& backend) {
  note_answer();
  if (fill_ && is_sent_) fill(bytes, backend);
}

void SessionReads::fill(Bytes bytes, const backend::Backend& backend) {
  const Fill::State state = fill_->add(bytes);
  if (state == Fill::State::open) return;
  // Otherwise the text meant something else to this session of the server than it does to us, or to others.
  const bool read_alike = backend.standard_conforming_strings() && !backend.encoding_embeds_ascii() &&
                          backend.defaults_generation() == defaults_generation_;
  if (state == Fill::State::complete && read_alike) {
    cache::EntryPtr entry = fill_->finish(Clock::now());
    if (entry->may_be_kept()) {
      seen_.note_hit(*entry, cache_->freshness().proof());
      cache_->store().put(std::move(entry));
      cache_->counters().fills.fetch_add(1, std::memory_order_relaxed);
    }
  }
  fill_.reset();
}

// --- statements that go to the server
// ---------------------------------------------------------------------------------------------

void SessionReads::note_statement(const sql::Verdict& verdict, Effects effects) {
  const cache::Catalog* catalog = cache_->recent_catalog();
  note_writes(verdict, effects, catalog);
  if (!was_asked_for()) note_reads(verdict, effects, catalog);
}

void SessionReads::note_unknown_statement() {
  writes_.anything = true;
  seen_.reading_anything();
  was_asked_for();
}

/// A name that the catalog does not know stands for something that WITH gives, or that is too new for any
/// entry.
void SessionReads::note_reads(const sql::Verdict& verdict, Effects effects, const cache::Catalog* catalog) {
  if (catalog == nullptr || effects.any_of(kDoubtful | Effect::uses_prepared))
    return seen_.reading_anything();
  for (const std::string& name : verdict.relations) {
    const cache::Catalog::Named* named = catalog->find(name);
    if (named == nullptr) continue;
    for (cache::Relation* relation : named->reads) seen_.reading(*relation);
  }
}

void SessionReads::note_writes(const sql::Verdict& verdict, Effects effects, const cache::Catalog* catalog) {
  if (effects.any_of(kSchema)) writes_.schema = writes_.anything = true;
  const bool writes = effects.any_of(Effect::writes | kDoubtful | Effect::uses_prepared);
  if (writes_.anything || !writes) return;
  if (catalog == nullptr || !effects.only(kPlainWrites) || verdict.relations.empty()) {
    writes_.anything = true;
    return;
  }
  for (const std::string& name : verdict.relations) {
    const cache::Catalog::Named* named = catalog->find(name);
    if (named == nullptr || !named->writes_known) {
      writes_.anything = true;
      return;
    }
    for (cache::Relation* relation : named->writes) {
      if (std::ranges::find(writes_.relations, relation) == writes_.relations.end())
        writes_.relations.push_back(relation);
    }
  }
}

/// The client is about to get bytes that may tell it what it reads, and that its writes are done.
void SessionReads::note_answer() {
  const bool writes = writes_.anything || writes_.schema || !writes_.relations.empty();
  if (!writes && !seen_.is_reading()) return;
  const TimePoint now = Clock::now();
  seen_.note_answer(now);
  if (writes) announce_writes(now);
}

void SessionReads::announce_writes(TimePoint now) {
  cache::Freshness& freshness = cache_->freshness();
  if (writes_.schema) freshness.note_own_schema_change(now);
  if (writes_.anything) return freshness.note_own_write(now);
  for (cache::Relation* relation : writes_.relations) freshness.note_own_write(*relation, now);
}

}  // namespace forebay::engine
