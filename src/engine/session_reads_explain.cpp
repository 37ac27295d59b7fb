// What EXPLAIN (FOREBAY) says.

#include <algorithm>

#include <fmt/format.h>

#include "config/values.hpp"
#include "engine/effect_sets.hpp"
#include "engine/session_reads.hpp"

namespace forebay::engine {

namespace {

std::string described(const cache::Relation& relation, bool by_key) {
  return fmt::format("{}{}", relation.name(), by_key ? " (rows with one key)" : "");
}

std::string read_by(const StatementPlan& plan, const ReadRequest& request) {
  std::string text;
  std::string buffer;
  for (const StatementPlan::Rows& rows : plan.reads) {
    if (!text.empty()) text += ", ";
    text += described(*rows.relation, !key_of(rows, request, buffer).empty());
  }
  return text.empty() ? "nothing that changes" : text;
}

std::string written_by(const StatementPlan::Write& write, const ReadRequest& request) {
  std::string text;
  std::string buffer;
  if (write.rows) text = described(*write.rows->relation, !key_of(*write.rows, request, buffer).empty());
  for (const cache::Relation* relation : write.relations) {
    if (!text.empty()) text += ", ";
    text += described(*relation, false);
  }
  return text;
}

bool changes_rows(Effects effects) {
  return effects.any_of(Effect::writes | kDoubtful | Effect::uses_prepared);
}

std::string state_of(const cache::Entry& entry, TimePoint now, bool is_served) {
  const std::string what = fmt::format(
      "{} rows, {} bytes, {} ms old, took the server {:.1f} ms", entry.rows(), entry.bytes(),
      micros_between(entry.filled(), now) / 1000, static_cast<double>(entry.fill_micros()) / 1000);
  if (entry.is_dead(now)) return "no; what was there has ended (" + what + ")";
  return is_served ? what : what + "; not served before the next proof that it is fresh";
}

}  // namespace

std::vector<std::string> SessionReads::explain(const ReadRequest& request,
                                               const backend::SessionSettingsPtr& settings, Effects effects) {
  cache::Freshness& freshness = cache_->freshness();
  const TimePoint now = Clock::now();
  freshness.note_use(now);
  const cache::Level level = freshness.level();
  if (level == cache::Level::none)
    return {"Kept: no; nothing tells of changes at the moment (SHOW CACHE in the console)"};
  const auto plan = cache_->plan_of(request);
  if (plan == nullptr) return {"Kept: no; the server's catalog is not known yet"};
  const Policies::Terms terms = cache_->policies()->terms(*plan, request, level);
  std::vector<std::string> lines;
  if (!terms.mistake.empty()) lines.push_back("Mistake in its comment: " + terms.mistake);
  if (!terms.refusal.empty()) {
    lines.push_back("Kept: no; " + terms.refusal);
    if (!plan->refusal.empty() && changes_rows(effects)) {
      const auto plain = plain_write(effects, cache_->recent_catalog(), request);
      lines.push_back("Changes: " +
                      (plain != nullptr ? written_by(*plain->write, request) : "perhaps more than it names"));
    }
    return lines;
  }
  lines.push_back(fmt::format("Kept: until what it depends on changes{}, {} at most ({})",
                              level == cache::Level::ttl ? " through Forebay (level ttl)" : "",
                              config::to_text(terms.lifetime), terms.origin));
  lines.push_back("Strategy: " + config::to_text(terms.strategy));
  lines.push_back("Depends on: " + read_by(*plan, request));
  if (!terms.tags.empty()) lines.push_back("Tags: " + terms.tags);
  const Rule rule = rule_at(now, 1, false);
  const cache::EntryPtr entry = cache_->store().peek(key_of(request, settings));
  lines.push_back("In memory, as a simple query: " +
                  (entry == nullptr ? "no" : state_of(*entry, now, is_served(*entry, rule))));
  return lines;
}

}  // namespace forebay::engine
