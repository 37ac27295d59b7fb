#include "engine/session_reads.hpp"

#include <algorithm>
#include <utility>

#include "engine/effect_sets.hpp"
#include "engine/prepared_statement.hpp"
#include "engine/question.hpp"

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

}  // namespace

SessionReads::SessionReads(std::shared_ptr<DatabaseCache> cache, backend::Pool& pool,
                           std::uint64_t pool_generation, std::uint64_t defaults_generation,
                           backend::ProfilePtr profile, bool refills, std::function<void()> on_landing)
    : pool_(pool),
      profile_(std::move(profile)),
      pool_generation_(pool_generation),
      defaults_generation_(defaults_generation),
      cache_(std::move(cache)),
      refills_(refills),
      on_landing_(std::move(on_landing)) {
  update_context(nullptr);
}

Asker SessionReads::asker() const {
  return {net::Loop::current(), pool_.weak_from_this(), pool_generation_, profile_, context_settings_};
}

/// What was begun belongs to the server that was.
void SessionReads::move() {
  pool_generation_ = pool_.generation();
  abandon();
  auto cache = cache_->directory().find_or_create(pool_);
  if (cache != nullptr && cache != cache_) {
    cache_ = std::move(cache);
    seen_ = {};
    writes_.forget_relations();
  }
  update_context(context_settings_);
}

/// The cache stands for server and database: two of one name on different servers have nothing in common.
void SessionReads::update_context(const backend::SessionSettingsPtr& settings) {
  context_settings_ = settings;
  context_parsing_ = parsing_settings(settings);
  context_ = context_bytes(cache_->id(), defaults_generation_, pool_.user(), *profile_, settings);
  context_hash_ = cache::key_hash(context_);
}

bool SessionReads::are_as_prepared(const std::vector<ReadRequest>& batch,
                                   const backend::SessionSettingsPtr& settings) {
  if (context_settings_ != settings) update_context(settings);
  return std::ranges::all_of(batch, [this](const ReadRequest& request) {
    if (request.statement == nullptr) return true;
    const PreparedStatement& statement = *request.statement;
    return statement.settings == context_parsing_ && (statement.is_shared || statement.id >= doubted_below_);
  });
}

void SessionReads::doubt_prepared() {
  doubted_below_ = next_statement_id();
}

/// Valid until the next call on this thread.
cache::Key SessionReads::key_of(const ReadRequest& request, const backend::SessionSettingsPtr& settings) {
  if (context_settings_ != settings) update_context(settings);
  thread_local std::string bytes;
  const std::size_t text_at = write_key(bytes, context_, request);
  return {bytes, question_hash(context_hash_, request), text_at, request.text.size()};
}

/// Where nothing is kept unless somebody has asked for it, who asks for nothing costs the server no
/// questions.
bool SessionReads::may_be_kept(const std::vector<ReadRequest>& batch) const {
  if (cache_->freshness().level() != cache::Level::ttl) return true;
  const auto policies = cache_->policies();
  return std::ranges::all_of(
      batch, [&](const ReadRequest& request) { return policies->may_be_asked_for(request.text); });
}

bool SessionReads::is_worth_a_look(const std::vector<ReadRequest>& batch) {
  if (!may_be_kept(batch)) return false;
  const TimePoint now = Clock::now();
  cache_->freshness().note_use(now);
  if (now - looked_at_ < kBetweenLooks) return false;
  const bool is_kept = std::ranges::all_of(batch, [this](const ReadRequest& request) {
    const auto plan = cache_->plan_of(request);
    return plan != nullptr && plan->refusal.empty();
  });
  if (!is_kept) return false;
  looked_at_ = now;
  return true;
}

SessionReads::Answer SessionReads::ask(const std::vector<ReadRequest>& batch,
                                       const backend::SessionSettingsPtr& settings,
                                       std::vector<cache::EntryPtr>& found, bool may_follow) {
  cache::Freshness& freshness = cache_->freshness();
  // Read from the clock, not from the loop: the process may have stood still since the loop woke up.
  const TimePoint now = Clock::now();
  abandon();
  stop_following();
  found.clear();
  if (!may_be_kept(batch)) return Answer::miss;
  freshness.note_use(now);
  if (freshness.epoch() == 0) return Answer::miss;
  const Rule rule = rule_at(now, batch.size(), may_follow);
  if (refills_) {
    found.resize(batch.size());
    note_miss(batch, settings, found, rule, 0);
    return Answer::miss;
  }
  std::size_t bytes = 0;
  std::uint64_t hash = 0;  // of the last that was looked for
  bool all = true;
  for (const ReadRequest& request : batch) {
    const cache::Key key = key_of(request, settings);
    const cache::EntryPtr& entry = found.emplace_back(cache_->store().find(key));
    hash = key.hash;
    if (entry != nullptr && request.max_rows != 0 && request.max_rows <= entry->rows()) return Answer::miss;
    all = entry != nullptr && is_served(*entry, rule);
    if (!all && follow(key, entry.get(), rule)) return Answer::later;
    if (!all) break;
    bytes += entry->answer().size();
  }
  if (!all || (bytes > cache_->max_entry() && !rule.is_alone)) {
    note_miss(batch, settings, found, rule, hash);
    return Answer::miss;
  }
  std::uint64_t saved_micros = 0;
  for (const cache::EntryPtr& entry : found) {
    note_hit(entry, rule);
    saved_micros += entry->fill_micros();
  }
  cache_->counters().hits.fetch_add(batch.size(), std::memory_order_relaxed);
  cache_->counters().saved_micros.fetch_add(saved_micros, std::memory_order_relaxed);
  return Answer::hit;
}

void SessionReads::note_hit(const cache::EntryPtr& entry, const Rule& rule) {
  seen_.note_hit(*entry, rule.proof);
  if (entry->note_use()) {
    cache_->worth().note_used(entry->place());
    if (entry->is_written_through()) cache_->refills().watch(asker(), entry);
  }
  if (entry->claim_refresh(rule.now)) cache_->refills().ask_for(asker(), *entry);
}

void SessionReads::count_misses(std::size_t statements) {
  auto& counters = cache_->counters();
  (refills_ ? counters.refills : counters.misses).fetch_add(statements, std::memory_order_relaxed);
}

/// What waits for a backend now goes to the server when it has one, and is not asked for again.
void SessionReads::note_refusal(std::size_t statements) {
  cache_->counters().refused.fetch_add(statements, std::memory_order_relaxed);
  is_refused_ = true;
}

/// Whether somebody else's answer is worth waiting for. Not where an entry lives that may not be served yet,
/// or where an own write would keep a new one from being served: what is missing then is a lease.
bool SessionReads::follow(const cache::Key& key, const cache::Entry* found, const Rule& rule) {
  Flights& flights = cache_->flights();
  if (!rule.may_follow || !rule.is_alone || !rule.may_serve || !flights.is_led(key.hash)) return false;
  if (found != nullptr && (!found->is_dead(rule.now) || found->waits_for_lease(rule.lease))) return false;
  auto follower = std::make_shared<Flights::Follower>();
  follower->loop = net::Loop::current();
  follower->on_landing = [this] {
    follower_.reset();
    on_landing_();
  };
  if (!flights.follow(key.hash, follower)) return false;
  follower_ = std::move(follower);
  cache_->counters().waits.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void SessionReads::stop_following() {
  if (follower_ == nullptr) return;
  follower_->on_landing = nullptr;
  follower_.reset();
}

SessionReads::Rule SessionReads::rule_at(TimePoint now, std::size_t statements, bool may_follow) const {
  const cache::Freshness& freshness = cache_->freshness();
  return {.now = now,
          .lease = freshness.lease(),
          .proof = freshness.proof(now),
          .may_serve = freshness.may_serve(now),
          .is_alone = statements == 1,
          .may_follow = may_follow};
}

/// The statements of one batch are one transaction, which may have one snapshot for all: they are answered
/// together only by what was so at the same moment, that of the proof.
bool SessionReads::is_served(const cache::Entry& entry, const Rule& rule) {
  return rule.may_serve && entry.is_fresh(rule.now, rule.lease) && !seen_.is_beyond(entry, rule.proof) &&
         (rule.is_alone || entry.filled() <= rule.proof);
}

/// `found`: the entries of the first requests, as far as they were looked for. `hash`: of the key of the last
/// of them.
void SessionReads::note_miss(const std::vector<ReadRequest>& batch,
                             const backend::SessionSettingsPtr& settings, std::vector<cache::EntryPtr>& found,
                             const Rule& rule, std::uint64_t hash) {
  thread_local std::vector<std::shared_ptr<const StatementPlan>> plans;
  plans.clear();
  const cache::Fence fence = cache_->freshness().fence();
  bool fills = fence.epoch != 0 && fence.all_visible_below != 0;
  for (const ReadRequest& request : batch) {
    const auto& plan = plans.emplace_back(cache_->plan_of(request));
    if (plan == nullptr) return;
    if (!plan->refusal.empty()) return note_refusal(batch.size());
    fills = fills && plan->catalog == fence.catalog;
  }
  if (fills && is_worth(plans, found, rule, hash))
    return begin_fill(batch, settings, plans, found, rule, fence);
  count_misses(batch.size());
  if (found.back() != nullptr && found.back()->is_dead(rule.now)) cache_->remove_dead(*found.back());
  asked_ = batch.size();
  is_sent_ = false;
  thread_local std::vector<cache::Dependency> reads;
  for (std::size_t at = 0; at < batch.size(); ++at) {
    plans[at]->find_dependencies(batch[at], reads);
    seen_.reading(reads);
  }
}

/// Whether any of what is missing is; of several statements the first decides that could not be served. What
/// was asked for again before a write ended it, is.
bool SessionReads::is_worth(const Plans& plans, const std::vector<cache::EntryPtr>& found, const Rule& rule,
                            std::uint64_t hash) {
  if (refills_) return true;
  const std::size_t first = found.size() - 1;
  if (found[first] != nullptr && (found[first]->is_used() || !found[first]->is_dead(rule.now))) return true;
  return cache_->worth().is_worth(Worth::place_of(plans[first]->text), hash);
}

void SessionReads::begin_fill(const std::vector<ReadRequest>& batch,
                              const backend::SessionSettingsPtr& settings, const Plans& plans,
                              std::vector<cache::EntryPtr>& found, const Rule& rule,
                              const cache::Fence& fence) {
  std::vector<Policies::Terms> terms;
  policies_ = cache_->policies();
  // If it is that of a newer epoch than the fence's, nothing will be kept.
  const cache::Level level = cache_->freshness().level();
  for (std::size_t at = 0; at < batch.size(); ++at) {
    if (!terms.emplace_back(policies_->terms(*plans[at], batch[at], level)).refusal.empty())
      return note_refusal(batch.size());
  }
  count_misses(batch.size());
  asked_ = batch.size();
  is_sent_ = false;
  std::vector<Fill::Part> parts;
  parts.reserve(batch.size());
  for (std::size_t at = 0; at < batch.size(); ++at) {
    const cache::Key key = key_of(batch[at], settings);
    auto known = at < found.size() ? std::move(found[at]) : cache_->store().find(key);
    Fill::Part& part = parts.emplace_back(part_of(batch[at], key, std::move(known), rule.now));
    part.facts.fingerprint = plans[at]->text;
    part.facts.fence = fence;
    part.facts.place = Worth::place_of(plans[at]->text);
    part.facts.expires = rule.now + terms[at].lifetime;
    part.facts.refresh_from = terms[at].refresh_from(rule.now, key.hash);
    part.facts.is_written_through = terms[at].strategy == config::CacheStrategy::write_through;
    cache_->freshness().note_lifetime(terms[at].lifetime);
    part.facts.tags = std::move(terms[at].tags);
    if (part.known == nullptr) {
      plans[at]->find_dependencies(batch[at], part.facts.dependencies);
      seen_.reading(part.facts.dependencies);
    } else {
      // Unless the answer is another, it shows the client what the entry does.
      seen_.note_likeness(*part.known, rule.proof);
    }
  }
  // What is only compared ends no wait of others: they lack a lease.
  if (batch.size() == 1 && parts.front().known == nullptr)
    lead_.emplace(cache_->flights().lead(parts.front().key.hash));
  fill_.emplace(std::move(parts), cache_->max_entry());
}

/// A living entry that may not be served yet stays: everybody may have it under the next proof, and a client
/// that gets the same from the server has seen nothing newer. (What is newer than the proof keeps whoever
/// gets it from what is older: were such answers news, clients would make one another miss without end.)
Fill::Part SessionReads::part_of(const ReadRequest& request, const cache::Key& key, cache::EntryPtr known,
                                 TimePoint now) {
  if (known != nullptr && known->is_dead(now)) {
    cache_->remove_dead(*known);
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
                    .tags = {},
                    .expires = {},
                    .begun = now,
                    .filled = {},
                    .rows = 0,
                    .fill_micros = 0,
                    .place = 0}};
}

void SessionReads::abandon() {
  if (fill_ && is_sent_) {
    for (const cache::EntryPtr& entry : fill_->take_news(Fill::State::useless))
      seen_.reading(entry->dependencies());
  }
  end_fill();
  asked_ = 0;
}

/// After whatever came of it is in memory: that is where followers look.
void SessionReads::end_fill() {
  if (lead_ && !is_sent_) lead_->end_with(Flights::Outcome::not_known);
  fill_.reset();
  lead_.reset();
}

/// A fill that was begun for another statement than the one that is sent must never see an answer.
bool SessionReads::was_asked_for() {
  const bool asked = asked_ > 0;
  if (asked) --asked_;
  if (fill_ && !is_sent_ && !asked) end_fill();
  if (fill_ && asked && !is_sent_) fill_->note_sent(Clock::now());
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
  if (state != Fill::State::open) end_fill();
}

void SessionReads::keep(const backend::Backend& backend) {
  // Otherwise the text meant something else to this session of the server than it does to us, or to others.
  if (!backend.standard_conforming_strings() || backend.encoding_embeds_ascii() ||
      backend.defaults_generation() != defaults_generation_ || backend.generation() != pool_generation_) {
    return;
  }
  if (policies_ != cache_->policies()) return;
  const auto min_cost = static_cast<std::uint64_t>(policies_->min_cost().count()) * 1000;
  const TimePoint now = Clock::now();
  for (Fill::Part& part : fill_->parts()) {
    if (part.known != nullptr && part.is_news) {
      cache_->store().remove(*part.known);
    } else if (part.known != nullptr) {
      part.known->confirm(part.facts.begun);
    } else if (cache::EntryPtr entry = fill_->finish(part, now);
               entry->may_be_kept() && entry->fill_micros() >= min_cost) {
      // Of several, one may show what another is too old for.
      if (fill_->parts().size() == 1) seen_.note_hit(*entry, cache_->freshness().proof(now));
      cache_->worth().note_kept(entry->place());
      cache_->store().put(entry);
      // They are replaced before what was kept by them is cleared.
      if (policies_ != cache_->policies()) cache_->store().remove(*entry);
      if (lead_) lead_->end_with(Flights::Outcome::in_memory);
      cache_->counters().fills.fetch_add(1, std::memory_order_relaxed);
    }
  }
}

// --- statements that go to the server
// ---------------------------------------------------------------------------------------------

void SessionReads::note_statement(const sql::Verdict& verdict, Effects effects, const ReadRequest& request) {
  // Before it is judged: what is judged by a newer one is taken for anything.
  const std::uint64_t catalog_number = cache_->freshness().catalog_number();
  const cache::Catalog* catalog = cache_->recent_catalog();
  const bool asked = was_asked_for();
  const std::shared_ptr<const StatementPlan> plain = plain_write(effects, catalog, request);
  if (effects.any_of(Effect::writes | kDoubtful | Effect::uses_prepared | kSchema))
    writes_.note_catalog(catalog_number);
  if (plain != nullptr) {
    note_plain_write(*plain->write, request);
    if (plain->write->rows && !plain->write->tells_of_others) return;
  } else {
    note_writes(verdict, effects, catalog);
  }
  if (!asked) note_reads(verdict, effects, catalog);
}

void SessionReads::note_unknown_statement() {
  writes_.add_anything();
  seen_.reading_anything();
  was_asked_for();
}

/// The plan of a statement that changes what its text and the catalog say, and nothing else; null: it is not
/// one.
std::shared_ptr<const StatementPlan> SessionReads::plain_write(Effects effects, const cache::Catalog* catalog,
                                                               const ReadRequest& request) {
  if (catalog == nullptr || request.text.empty() || !effects.has(Effect::writes) ||
      !effects.only(kPlainWrites))
    return nullptr;
  auto plan = cache_->plan_of(request);
  return plan != nullptr && plan->write ? plan : nullptr;
}

/// Of the rows that it names, the client sees no others than those that it changes, unless they are
/// connected.
void SessionReads::note_plain_write(const StatementPlan::Write& write, const ReadRequest& request) {
  for (cache::Relation* relation : write.relations) writes_.add(*relation);
  if (!write.rows) return;
  cache::Relation& relation = *write.rows->relation;
  std::string buffer;
  const std::string_view key = engine::key_of(*write.rows, request, buffer);
  if (key.empty()) {
    writes_.add(relation);
    seen_.reading(relation);
  } else {
    const auto bucket = cache::Relation::bucket_of(key);
    writes_.add(relation, bucket);
    seen_.reading(relation, bucket);
  }
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
  if (effects.any_of(kSchema)) writes_.add_schema();
  const bool writes = effects.any_of(Effect::writes | kDoubtful | Effect::uses_prepared);
  if (writes_.is_anything() || !writes) return;
  if (catalog == nullptr || !effects.only(kPlainWrites) || verdict.relations.empty())
    return writes_.add_anything();
  for (const std::string& name : verdict.relations) {
    const cache::Catalog::Named* named = catalog->find(name);
    if (named == nullptr || !named->writes_known) return writes_.add_anything();
    for (cache::Relation* relation : named->writes.relations) writes_.add(*relation);
  }
}

/// The client is about to get bytes that may tell it what it reads, and that its writes are done.
void SessionReads::note_answer() {
  if (writes_.is_empty() && !seen_.is_reading()) return;
  const TimePoint now = Clock::now();
  seen_.note_answer(now);
  if (!writes_.is_empty()) writes_.announce(cache_->freshness(), now);
}

}  // namespace forebay::engine
