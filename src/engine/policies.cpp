#include "engine/policies.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace forebay::engine {

namespace {

constexpr std::string_view kNotAskedFor =
    "at the level ttl the lifetime is the bound, and neither a policy nor its comment gives it one";

/// Its last character that is no quote; NUL when there is none.
char take_last(std::string_view& name) {
  while (!name.empty()) {
    const char last = name.back();
    name.remove_suffix(1);
    if (last != '"') return last;
  }
  return '\0';
}

std::string without_schema(std::string_view name) {
  std::string text(name.substr(name.rfind('.') + 1));
  std::erase(text, '"');
  return text;
}

}  // namespace

Policies::Policies(const config::Settings& settings)
    : lifetime_(settings.cache.lifetime),
      min_cost_(settings.cache.min_cost),
      strategy_(settings.cache.strategy) {
  for (const auto& [name, rule] : settings.policies) {
    policies_.push_back({name, rule, sql::fingerprint(rule.statement)});
    any_lifetime_ = any_lifetime_ || rule.lifetime.has_value();
  }
}

bool Policies::may_be_asked_for(std::string_view text) const {
  return any_lifetime_ || has_directives(text);
}

Policies::Terms Policies::terms(const StatementPlan& plan, const ReadRequest& request,
                                cache::Level level) const {
  Terms terms{.refusal = plan.refusal,
              .lifetime = lifetime_,
              .is_asked_for = false,
              .origin = "cache.lifetime",
              .strategy = strategy_,
              .tags = {},
              .mistake = {}};
  if (terms.refusal.empty()) terms.refusal = refusal_of_values(request);
  if (!terms.refusal.empty()) return terms;
  Directives directives = directives_of(request.text);
  if (!directives.keep) terms.refusal = "its comment says so";
  apply(plan, directives, terms);
  if (directives.lifetime) {
    terms.lifetime = *directives.lifetime;
    terms.is_asked_for = true;
    terms.origin = "its comment";
  }
  if (directives.strategy) terms.strategy = *directives.strategy;
  if (terms.refusal.empty() && level == cache::Level::ttl && !terms.is_asked_for)
    terms.refusal = kNotAskedFor;
  terms.tags = fmt::format("{}", fmt::join(directives.tags, ","));
  terms.mistake = std::move(directives.mistake);
  return terms;
}

bool Policies::leaves_out(const StatementPlan& plan) const {
  return std::ranges::any_of(policies_, [&plan](const Policy& policy) {
    return !policy.rule.keep && fits(policy, plan, Directives());
  });
}

void Policies::apply(const StatementPlan& plan, const Directives& directives, Terms& terms) const {
  bool by_policy = false;
  std::optional<config::CacheStrategy> strategy;
  for (const Policy& policy : policies_) {
    if (!fits(policy, plan, directives)) continue;
    if (!policy.rule.keep) terms.refusal = fmt::format("policy {} says so", policy.name);
    strategy = std::max(strategy, policy.rule.strategy);
    if (!policy.rule.lifetime || (by_policy && *policy.rule.lifetime >= terms.lifetime)) continue;
    by_policy = terms.is_asked_for = true;
    terms.lifetime = *policy.rule.lifetime;
    terms.origin = "policy " + policy.name;
  }
  if (strategy) terms.strategy = *strategy;
}

TimePoint Policies::Terms::refresh_from(TimePoint begun, std::uint64_t hash) const {
  if (strategy == config::CacheStrategy::cache_aside) return TimePoint::max();
  constexpr std::uint64_t kSteps = 1024;
  const Clock::duration sixth = Clock::duration(lifetime) / 6;
  return begun + lifetime - sixth + sixth / 2 * static_cast<std::int64_t>(hash % kSteps) / kSteps;
}

bool Policies::fits(const Policy& policy, const StatementPlan& plan, const Directives& directives) {
  const config::CachePolicy& rule = policy.rule;
  const auto reads = [&plan](const std::string& name) {
    const auto is_read = [&name](const StatementPlan::Rows& rows) { return is_called(*rows.relation, name); };
    return std::ranges::any_of(plan.reads, is_read) ||
           std::ranges::find(plan.names, without_schema(name)) != plan.names.end();
  };
  const auto carries = [&directives](const std::string& pattern) {
    return std::ranges::any_of(directives.tags,
                               [&pattern](const std::string& tag) { return tag_matches(pattern, tag); });
  };
  return (rule.relations.empty() || std::ranges::any_of(rule.relations, reads)) &&
         (rule.tags.empty() || std::ranges::any_of(rule.tags, carries)) &&
         (rule.statement.empty() || policy.statement == plan.text || policy.statement == plan.told);
}

/// From the end: what is left of the relation's name is its schema. Nothing is allocated, for the store calls
/// this under its locks.
bool is_called(const cache::Relation& relation, std::string_view name) {
  std::string_view whole = relation.name();
  while (true) {
    const char last = take_last(name);
    if (last == '\0') return whole.empty() || take_last(whole) == '.';
    if (take_last(whole) != last) return false;
  }
}

}  // namespace forebay::engine
