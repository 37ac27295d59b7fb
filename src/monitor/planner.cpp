#include "monitor/planner.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/wall_clock.hpp"
#include "monitor/plan.hpp"
#include "monitor/plan_findings.hpp"
#include "monitor/reading.hpp"
#include "observe/log.hpp"

namespace forebay::monitor {

namespace {

namespace json = boost::json;
using engine::StatementTable;
using pgfront::StatementName;

constexpr Duration kLookInterval{5'000};
/// How old a plan of a slow statement grows; less when its times have changed.
constexpr Duration kPlanAge{300'000};
/// Between two plans of one statement that are asked for by themselves.
constexpr Duration kLeastAge{10'000};
/// Asking takes a hundredth of the time at most.
constexpr int kShare = 100;
/// For an answer that never comes, because the thread that was asked ends.
constexpr Duration kPatience{30'000};
/// Times have changed when they are so many times as long, or as short.
constexpr double kMuch = 2;

std::string key_of(const StatementName& name) {
  return fmt::format("{:016x}{:016x}{}", name.fingerprint.high, name.fingerprint.low, name.database);
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value() : json::value(text);
}

/// Of what was written from one.
json::object tree_of(const std::string& written) {
  json::error_code error;
  json::value tree = parse_plan(written, error);
  return tree.is_object() ? std::move(tree.get_object()) : json::object();
}

std::uint64_t calls_by_server(const engine::StatementFigures& figures) {
  return figures.calls - figures.hits;
}

}  // namespace

Planner::Planner(pgfront::Front& front, pgfront::Post here) : front_(front), here_(std::move(here)) {}

void Planner::round(TimePoint now) {
  const auto settings = front_.settings();
  if (!settings->statements.enabled) return;
  if (now >= next_look_) {
    next_look_ = now + kLookInterval;
    pgfront::gather_statements(inquiry(), kMostStatements,
                               [this, now](const pgfront::StatementReport& report) { note(report, now); });
  }
  if (settings->plans.enabled && now >= next_plan_) ask_for_next(now);
}

// --- what is slow

void Planner::note(const pgfront::StatementReport& report, TimePoint now) {
  for (const StatementTable::Row& row : report.rows) {
    if (calls_by_server(row.figures) == 0) continue;
    note(subject_of({row.name.fingerprint, std::string(row.name.database)}, *row.text, now), row, now);
  }
  looked_ = now;
}

void Planner::note(Subject& subject, const StatementTable::Row& row, TimePoint now) {
  const bool is_first = !subject.told;
  const auto growth =
      engine::grown(row.figures, is_first ? nullptr : &*subject.told, is_first ? looked_ : subject.looked);
  const std::uint64_t past_calls = growth.calls - growth.hits;
  subject.past.add(is_first ? looked_ : subject.looked, now, past_calls, growth.exec_micros);
  subject.told = row.figures;
  subject.looked = now;
  // When it came to what it had before the first look is not known; its mean is.
  const std::uint64_t new_calls = is_first ? calls_by_server(row.figures) : past_calls;
  const std::uint64_t new_micros = is_first ? row.figures.exec_micros : growth.exec_micros;
  if (new_calls == 0) return;
  subject.has_run = true;
  subject.recent_micros = new_micros;
  subject.recent_mean = static_cast<double>(new_micros) / static_cast<double>(new_calls);
  if (!subject.plans.empty()) {
    subject.plans.back().calls += new_calls;
    subject.plans.back().micros += new_micros;
  }
  const auto limit = static_cast<double>(
      std::chrono::duration_cast<std::chrono::microseconds>(front_.settings()->plans.slower_than).count());
  subject.is_slow = subject.recent_mean >= limit || static_cast<double>(row.percentile(0.95)) >= limit;
  const bool has_changed = subject.planned_mean > 0 && (subject.recent_mean > subject.planned_mean * kMuch ||
                                                        subject.recent_mean < subject.planned_mean / kMuch);
  if (has_changed) subject.due = std::min(subject.due, now);
}

Planner::Subject* Planner::find(const StatementName& name) {
  const auto at = subjects_.find(key_of(name));
  return at == subjects_.end() ? nullptr : at->second.get();
}

const Planner::Subject* Planner::find(const StatementName& name) const {
  const auto at = subjects_.find(key_of(name));
  return at == subjects_.end() ? nullptr : at->second.get();
}

Planner::Subject& Planner::subject_of(const StatementName& name, const std::string& text, TimePoint now) {
  if (Subject* known = find(name); known != nullptr) return *known;
  if (subjects_.size() >= kMostStatements) forget_one(now);
  auto& subject = subjects_[key_of(name)];
  subject = std::make_unique<Subject>();
  subject->name = name;
  subject->statement = plannable(text);
  subject->looked = now;
  return *subject;
}

/// The one that has been told of for the last time longest ago; of those the one with fewest plans.
void Planner::forget_one(TimePoint now) {
  const auto oldest = std::ranges::min_element(subjects_, {}, [now](const auto& one) {
    return std::pair(one.second->looked < now ? one.second->looked : now, one.second->plans.size());
  });
  subjects_.erase(oldest);
}

// --- asking

void Planner::ask_for_next(TimePoint now) {
  Subject* next = nullptr;
  for (const auto& [key, subject] : subjects_) {
    if (!subject->is_slow || !subject->has_run || now < subject->due || now < subject->earliest) continue;
    if (next == nullptr || subject->recent_micros > next->recent_micros) next = subject.get();
  }
  if (next == nullptr) return;
  next_plan_ = now + kPatience;
  ask_for_plan(*next, [](const std::string&) {});
}

void Planner::ask_for_plan(Subject& subject, Explained done) {
  const TimePoint now = Clock::now();
  subject.earliest = now + kLeastAge;
  subject.due = now + kPlanAge;
  subject.planned_mean = subject.recent_mean;
  subject.has_run = false;
  if (!subject.statement.why_not.empty()) {
    subject.why_not = subject.statement.why_not;
    subject.asked = unix_time();
    next_plan_ = now;
    return done(subject.why_not);
  }
  pgfront::ask_as_runner(inquiry(), subject.name, plan_question(subject.statement),
                         afterwards(subject.statement),
                         [this, name = subject.name, done = std::move(done)](const auto& answer) {
                           take_plan(name, answer, done);
                         });
}

void Planner::take_plan(const StatementName& name, const engine::Explainer::Answer& answer, Explained done) {
  const TimePoint now = Clock::now();
  // What took longer was no work of the server's: this process has slept.
  next_plan_ = now + (answer.took < kPatience ? answer.took * kShare : Duration(0));
  Subject* subject = find(name);
  if (subject == nullptr) return done("other statements have taken its place meanwhile");
  if (answer.is_later) {
    ask_again(*subject);
    if (subject->plans.empty()) subject->why_not = answer.problem;
    return done(answer.problem);
  }
  subject->asked = unix_time();
  subject->why_not = answer.problem.empty() ? std::string() : "the server says: " + answer.problem;
  if (!answer.problem.empty()) return done(subject->why_not);
  const auto plan = read_plan(answer.text);
  if (!plan) {
    subject->why_not = plan.error().text;
    return done(subject->why_not);
  }
  keep(*subject, *plan);
  find_findings(name, plan->root, [this, name, done = std::move(done)](json::array findings, bool is_all) {
    if (Subject* told = find(name); told != nullptr) {
      told->findings = std::move(findings);
      if (!is_all) ask_again(*told);
    }
    done({});
  });
}

/// As soon as a statement may be asked about again, whether it runs meanwhile or not.
void Planner::ask_again(Subject& subject) {
  subject.due = Clock::now();
  subject.has_run = true;
}

void Planner::keep(Subject& subject, const Plan& plan) {
  Kept latest{.shape = shape_of(plan.root),
              .tree = json::serialize(plan.root),
              .cost = plan.total_cost,
              .first_seen = subject.asked,
              .last_seen = subject.asked,
              .changes = {}};
  auto& plans = subject.plans;
  if (!plans.empty() && plans.back().shape == latest.shape) {
    plans.back().tree = std::move(latest.tree);
    plans.back().cost = latest.cost;
    plans.back().last_seen = latest.last_seen;
    return;
  }
  if (plans.empty()) {
    // What it has come to up to now is why it was asked for.
    latest.calls = subject.told ? calls_by_server(*subject.told) : 0;
    latest.micros = subject.told ? subject.told->exec_micros : 0;
  } else {
    latest.changes = plan_changes(tree_of(plans.back().tree), plan.root);
    observe::Event("a slow statement is run in another way")
        .with("database", subject.name.database)
        .with("statement", key_of(subject.name).substr(0, 32))
        .with("change", fmt::format("{}", fmt::join(latest.changes, "; ")))
        .info();
  }
  // One that comes back goes on with what it has come to.
  const auto same = std::ranges::find(plans, latest.shape, &Kept::shape);
  if (same != plans.end()) {
    latest.first_seen = same->first_seen;
    latest.calls = same->calls;
    latest.micros = same->micros;
    plans.erase(same);
  } else if (plans.size() == kMostPlans) {
    plans.erase(plans.begin());
  }
  plans.push_back(std::move(latest));
}

/// Without an answer to the question about tables there is less to be found.
void Planner::find_findings(const StatementName& name, const json::object& root,
                            std::function<void(json::array findings, bool is_all)> done) {
  const auto scans = filtered_scans(root);
  if (scans.empty()) return done(plan_findings(root, {}), true);
  pgfront::ask_as_runner(inquiry(), name, facts_question(scans),
                         engine::Errand::Afterwards::closed_after_error,
                         [root, done = std::move(done)](const engine::Explainer::Answer& answer) {
                           done(plan_findings(root, answer.text), answer.problem.empty());
                         });
}

void Planner::with_subject(const StatementName& name, const Explained& failed,
                           std::function<void(Subject&)> then) {
  pgfront::gather_statement(inquiry(), name, [this, name, failed, then = std::move(then)](const auto& row) {
    if (!row) return failed("no statement of that name is counted");
    then(subject_of(name, *row->text, Clock::now()));
  });
}

void Planner::explain(const StatementName& name, Explained done) {
  with_subject(name, done, [this, done](Subject& subject) { ask_for_plan(subject, done); });
}

void Planner::analyze(const StatementName& name, Values values, Explained done) {
  with_subject(name, done, [this, name, values = std::move(values), done](Subject& subject) {
    const Plannable& statement = subject.statement;
    if (!statement.why_not.empty()) return done(statement.why_not);
    if (!statement.is_plain_read)
      return done(
          "it would be executed, and is no plain read: it writes, locks, or calls functions that are not "
          "PostgreSQL's own");
    if (values.size() != statement.parameters)
      return done(fmt::format("it takes {} values, and {} were sent", statement.parameters, values.size()));
    pgfront::ask_as_runner(
        inquiry(), name, analyze_question(statement, values), afterwards(statement),
        [this, name, done](const engine::Explainer::Answer& answer) {
          if (!answer.problem.empty())
            return done(answer.is_later ? answer.problem : "the server says: " + answer.problem);
          const auto plan = read_plan(answer.text);
          if (!plan) return done(plan.error().text);
          find_findings(name, plan->root, [this, name, plan = *plan, done](json::array findings, bool) {
            Subject* known = find(name);
            if (known == nullptr) return done("other statements have taken its place meanwhile");
            known->measured = json::object{{"asked", unix_time()},
                                           {"planning_seconds", plan.planning_ms / 1e3},
                                           {"execution_seconds", plan.execution_ms / 1e3},
                                           {"findings", std::move(findings)},
                                           {"root", plan.root}};
            done({});
          });
        });
  });
}

// --- telling

json::object Planner::tell(const StatementName& name, TimePoint now) const {
  const Subject* subject = find(name);
  json::array plans;
  json::array calls;
  json::array means;
  // A stretch is over when a look has come behind its end.
  const TimePoint looked = subject == nullptr ? now : subject->looked;
  if (subject != nullptr) {
    for (auto kept = subject->plans.rbegin(); kept != subject->plans.rend(); ++kept) {
      plans.push_back(json::object{
          {"first_seen", kept->first_seen},
          {"last_seen", kept->last_seen},
          {"total_cost", kept->cost},
          {"calls", kept->calls},
          {"mean_seconds", kept->calls == 0 ? json::value()
                                            : json::value(static_cast<double>(kept->micros) / 1e6 /
                                                          static_cast<double>(kept->calls))},
          {"changes", json::array(kept->changes.begin(), kept->changes.end())},
          {"root", tree_of(kept->tree)}});
    }
    for (const auto& point : subject->past.points(looked)) {
      calls.push_back(point ? json::value(point->calls / StatementPast::kSeconds) : json::value());
      means.push_back(point && point->calls > 0 ? json::value(point->micros / 1e6 / point->calls)
                                                : json::value());
    }
  }
  const bool is_known = subject != nullptr;
  return {
      {"plans", std::move(plans)},
      {"asked", is_known && subject->asked > 0 ? json::value(subject->asked) : json::value()},
      {"why_not", is_known ? text_or_null(subject->why_not) : json::value()},
      {"parameters", is_known ? json::value(subject->statement.parameters) : json::value()},
      {"may_be_analyzed", is_known && subject->statement.why_not.empty() && subject->statement.is_plain_read},
      {"findings", is_known ? subject->findings : json::array()},
      {"measured", is_known && subject->measured ? json::value(*subject->measured) : json::value()},
      {"past", json::object{{"step_seconds", StatementPast::kSeconds},
                            {"newest_began",
                             unix_time() + seconds_between(Clock::now(), StatementPast::began(looked))},
                            {"calls_per_second", std::move(calls)},
                            {"mean_seconds", std::move(means)}}}};
}

json::value Planner::summary(const StatementName& name) const {
  const Subject* subject = find(name);
  if (subject == nullptr || subject->asked == 0) return {};
  const bool has_plan = !subject->plans.empty();
  return json::object{{"total_cost", has_plan ? json::value(subject->plans.back().cost) : json::value()},
                      {"plans", subject->plans.size()},
                      {"findings", subject->findings.size()},
                      {"why_not", text_or_null(subject->why_not)}};
}

std::vector<MissingIndex> Planner::missing_indexes() const {
  std::vector<MissingIndex> all;
  for (const auto& [key, subject] : subjects_) {
    for (const json::value& each : subject->findings) {
      const json::object& finding = each.get_object();
      if (text_in(finding, "kind") != kSequentialScan) continue;
      all.push_back({.fingerprint = subject->name.fingerprint,
                     .database = subject->name.database,
                     .text = std::string(text_in(finding, "text")),
                     .evidence = std::string(text_in(finding, "evidence")),
                     .suggestion = std::string(text_in(finding, "suggestion"))});
    }
  }
  return all;
}

}  // namespace forebay::monitor
