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
  const std::size_t text_at = bytes.size() - request.text.size();
  append(bytes, request.types);
  append(bytes, request.values);
  return {bytes, cache::key_hash(bytes), text_at, request.text.size()};
}

bool SessionReads::is_worth_a_look(const std::vector<ReadRequest>& batch) {
  const TimePoint now = Clock::now();
  cache_->freshness().note_use(now);
  if (now - looked_at_ < kBetweenLooks) return false;
  const bool is_kept = std::ranges::all_of(batch, [this](const ReadRequest& request) {
    const auto plan = cache_->plan_of(request.text);
    return plan != nullptr && plan->refusal.empty();
  });
  if (!is_kept) return false;
  looked_at_ = now;
  return true;
}

bool SessionReads::ask(const std::vector<ReadRequest>& batch, const backend::SessionSettingsPtr& settings,
                       std::vector<cache::EntryPtr>& found) {
  cache::Freshness& freshness = cache_->freshness();
  // Read from the clock, not from the loop: the process may have stood still since the loop woke up.
  const TimePoint now = Clock::now();
  freshness.note_use(now);
  abandon();
  found.clear();
  if (freshness.epoch() == 0) return false;
  const Rule rule{.now = now,
                  .lease = freshness.lease(),
                  .proof = freshness.proof(),
                  .may_serve = freshness.may_serve(now),
                  .is_alone = batch.size() == 1};
  std::size_t bytes = 0;
  bool all = true;
  for (const ReadRequest& request : batch) {
    const cache::EntryPtr& entry = found.emplace_back(cache_->store().find(key_of(request, settings)));
    if (entry != nullptr && request.max_rows != 0 && request.max_rows <= entry->rows()) return false;
    all = entry != nullptr && is_served(*entry, rule);
    if (!all) break;
    bytes += entry->answer().size();
  }
  if (!all || (bytes > cache_->max_entry() && !rule.is_alone)) {
    note_miss(batch, settings, found, now, rule.proof);
    return false;
  }
  auto& counters = cache_->counters();
  counters.hits.fetch_add(batch.size(), std::memory_order_relaxed);
  for (const cache::EntryPtr& entry : found) {
    seen_.note_hit(*entry, rule.proof);
    counters.saved_micros.fetch_add(entry->fill_micros(), std::memory_order_relaxed);
  }
  return true;
}

/// The statements of one batch are one transaction, which may have one snapshot for all: they are answered
/// together only by what was so at the same moment, that of the proof.
bool SessionReads::is_served(const cache::Entry& entry, const Rule& rule) {
  return rule.may_serve && entry.is_fresh(rule.now, rule.lease) && !seen_.is_beyond(entry, rule.proof) &&
         (rule.is_alone || entry.filled() <= rule.proof);
}

/// `found`: the entries of the first requests, as far as they were looked for.
void SessionReads::note_miss(const std::vector<ReadRequest>& batch,
                             const backend::SessionSettingsPtr& settings, std::vector<cache::EntryPtr>& found,
                             TimePoint now, TimePoint proof) {
  auto& counters = cache_->counters();
  const cache::Fence fence = cache_->freshness().fence();
  bool fills = fence.epoch != 0 && fence.all_visible_below != 0;
  std::vector<Fill::Part> parts;
  std::vector<std::shared_ptr<const ReadPlan>> plans;
  for (const ReadRequest& request : batch) {
    const auto& plan = plans.emplace_back(cache_->plan_of(request.text));
    if (plan == nullptr) return;
    if (!plan->refusal.empty() || !refusal_of_values(request).empty()) {
      counters.refused.fetch_add(batch.size(), std::memory_order_relaxed);
      return;
    }
    fills = fills && plan->catalog == fence.catalog;
  }
  counters.misses.fetch_add(batch.size(), std::memory_order_relaxed);
  asked_ = batch.size();
  is_sent_ = false;
  for (std::size_t at = 0; at < batch.size(); ++at) {
    const cache::Key key = key_of(batch[at], settings);
    Fill::Part part = part_of(batch[at], key, at < found.size() ? found[at] : cache_->store().find(key), now);
    if (!fills || part.known == nullptr) {
      part.facts.dependencies = plans[at]->dependencies(batch[at]);
      seen_.reading(part.facts.dependencies);
    } else {
      // Unless the answer is another, it shows the client what the entry does.
      seen_.note_likeness(*part.known, proof);
    }
    part.facts.fence = fence;
    parts.push_back(std::move(part));
  }
  if (fills) fill_.emplace(std::move(parts), cache_->max_entry());
}

/// A living entry that may not be served yet stays: everybody may have it under the next proof, and a client
/// that gets the same from the server has seen nothing newer. (What is newer than the proof keeps whoever
/// gets it from what is older: were such answers news, clients would make one another miss without end.)
Fill::Part SessionReads::part_of(const ReadRequest& request, const cache::Key& key, cache::EntryPtr known,
                                 TimePoint now) {
  if (known != nullptr && known->is_dead(now)) {
    cache_->counters().stale.fetch_add(1, std::memory_order_relaxed);
    cache_->store().remove(*known);
    known = nullptr;
  }
  return {.key_bytes = std::string(key.bytes),
          .key = key,
          .shape = {.parses = request.parses ? 1 : 0,
                    .binds = request.simple ? 0 : 1,
                    .descriptions = request.simple || request.describes ? 1 : 0,
                    .commands = 1},
          .known = std::move(known),
          .facts = {.freshness = &cache_->freshness(),
                    .fence = {},
                    .dependencies = {},
                    .expires = now + cache_->lifetime(),
                    .begun = now,
                    .filled = {},
                    .rows = 0,
                    .fill_micros = 0}};
}

void SessionReads::abandon() {
  if (fill_ && is_sent_) {
    for (const cache::EntryPtr& entry : fill_->take_news(Fill::State::useless))
      seen_.reading(entry->dependencies());
  }
  fill_.reset();
  asked_ = 0;
}

/// A fill that was begun for another statement than the one that is sent must never see an answer.
bool SessionReads::was_asked_for() {
  const bool asked = asked_ > 0;
  if (asked) --asked_;
  if (fill_ && !is_sent_ && !asked) fill_.reset();
  if (fill_ && asked) is_sent_ = true;
  return asked;
}

void SessionReads::take_answer(Bytes bytes, const backend::Backend& backend) {
  if (!fill_ || !is_sent_) return note_answer();
  const Fill::State state = fill_->add(bytes);
  // Before the client gets it.
  for (const cache::EntryPtr& entry : fill_->take_news(state)) seen_.reading(entry->dependencies());
  note_answer();
  if (state == Fill::State::complete) keep(backend);
  if (state != Fill::State::open) fill_.reset();
}

void SessionReads::keep(const backend::Backend& backend) {
  // Otherwise the text meant something else to this session of the server than it does to us, or to others.
  if (!backend.standard_conforming_strings() || backend.encoding_embeds_ascii() ||
      backend.defaults_generation() != defaults_generation_ || backend.generation() != pool_generation_) {
    return;
  }
  const TimePoint now = Clock::now();
  for (Fill::Part& part : fill_->parts()) {
    if (part.known != nullptr && part.is_news) {
      cache_->store().remove(*part.known);
    } else if (part.known != nullptr) {
      part.known->confirm(part.facts.begun);
    } else if (cache::EntryPtr entry = fill_->finish(part, now); entry->may_be_kept()) {
      // Of several, one may show what another is too old for.
      if (fill_->parts().size() == 1) seen_.note_hit(*entry, cache_->freshness().proof());
      cache_->store().put(std::move(entry));
      cache_->counters().fills.fetch_add(1, std::memory_order_relaxed);
    }
  }
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
