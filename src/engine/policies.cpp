#include "engine/policies.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace forebay::engine {

namespace {

std::string without_quotes(std::string_view name) {
  std::string text(name);
  std::erase(text, '"');
  return text;
}

std::string without_schema(std::string_view name) {
  return without_quotes(name.substr(name.rfind('.') + 1));
}

}  // namespace

Policies::Policies(const config::Settings& settings)
    : lifetime_(settings.cache.lifetime), min_cost_(settings.cache.min_cost) {
  for (const auto& [name, rule] : settings.policies)
    policies_.push_back({name, rule, sql::fingerprint(rule.statement)});
}

Policies::Terms Policies::terms(const StatementPlan& plan, const ReadRequest& request) const {
  Terms terms{
      .refusal = plan.refusal, .lifetime = lifetime_, .origin = "cache.lifetime", .tags = {}, .mistake = {}};
  if (terms.refusal.empty()) terms.refusal = refusal_of_values(request);
  if (!terms.refusal.empty()) return terms;
  Directives directives = directives_of(request.text);
  if (!directives.keep) terms.refusal = "its comment says so";
  apply(plan, request.text, directives, terms);
  if (directives.lifetime) {
    terms.lifetime = *directives.lifetime;
    terms.origin = "its comment";
  }
  terms.tags = fmt::format("{}", fmt::join(directives.tags, ","));
  terms.mistake = std::move(directives.mistake);
  return terms;
}

void Policies::apply(const StatementPlan& plan, std::string_view text, const Directives& directives,
                     Terms& terms) const {
  bool by_policy = false;
  for (const Policy& policy : policies_) {
    if (!fits(policy, plan, text, directives)) continue;
    if (!policy.rule.keep) terms.refusal = fmt::format("policy {} says so", policy.name);
    if (!policy.rule.lifetime || (by_policy && *policy.rule.lifetime >= terms.lifetime)) continue;
    by_policy = true;
    terms.lifetime = *policy.rule.lifetime;
    terms.origin = "policy " + policy.name;
  }
}

bool Policies::fits(const Policy& policy, const StatementPlan& plan, std::string_view text,
                    const Directives& directives) {
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
         (rule.statement.empty() || policy.statement == sql::fingerprint(text));
}

bool is_called(const cache::Relation& relation, std::string_view name) {
  const std::string whole = without_quotes(relation.name());
  const std::string wanted = without_quotes(name);
  if (whole == wanted) return true;
  return whole.size() > wanted.size() && whole.ends_with(wanted) &&
         whole[whole.size() - wanted.size() - 1] == '.';
}

}  // namespace forebay::engine
