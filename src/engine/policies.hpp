#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "cache/level.hpp"
#include "cache/relation.hpp"
#include "config/settings.hpp"
#include "engine/directives.hpp"
#include "engine/statement_plan.hpp"
#include "sql/fingerprint.hpp"

namespace forebay::engine {

/// How long results are kept, by what they depend on, their tags and their texts: the `policies` of the
/// configuration, and what is kept without one. Immutable.
class Policies {
 public:
  /// On which a result is kept.
  struct Terms {
    std::string refusal;  ///< why it is not, in plain words; empty: it is
    Duration lifetime{};
    bool is_asked_for = false;  ///< the lifetime: by a policy or a comment, and not what holds for all
    std::string origin;         ///< what decided the lifetime, for people
    config::CacheStrategy strategy = config::CacheStrategy::cache_aside;
    std::string tags;     ///< with commas between them
    std::string mistake;  ///< in the comment, for people

    /// From when on it is filled again if it is asked for: within the last sixth of its life, at a point that
    /// `hash`, its key's, decides, so that what was filled together is not refilled together.
    TimePoint refresh_from(TimePoint begun, std::uint64_t hash) const;
  };

  explicit Policies(const config::Settings& settings);

  /// Of a request with this plan. What its comment says of the lifetime goes before what policies say; of
  /// several policies that fit, the shortest lifetime holds; whoever says not to keep it is right. At the
  /// level ttl, where the lifetime is the bound, somebody has to have asked for one.
  Terms terms(const StatementPlan& plan, const ReadRequest& request, cache::Level level) const;
  /// Whether anybody may have asked for a lifetime for this text; where not, there are no terms() at the
  /// level ttl. Cheap.
  bool may_be_asked_for(std::string_view text) const;
  /// Whether a policy says that results of this plan are not to be kept, whatever a comment says.
  bool leaves_out(const StatementPlan& plan) const;
  /// What took the server less is not kept.
  Duration min_cost() const { return min_cost_; }

 private:
  struct Policy {
    std::string name;
    config::CachePolicy rule;
    sql::Fingerprint statement;
  };

  static bool fits(const Policy& policy, const StatementPlan& plan, const Directives& directives);
  void apply(const StatementPlan& plan, const Directives& directives, Terms& terms) const;

  Duration lifetime_;
  Duration min_cost_;
  config::CacheStrategy strategy_;
  std::vector<Policy> policies_;
  bool any_lifetime_ = false;  ///< of a policy
};

/// Whether `name`, with or without its schema, is what people call the relation.
bool is_called(const cache::Relation& relation, std::string_view name);

}  // namespace forebay::engine
