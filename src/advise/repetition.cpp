// A statement that is run again and again where it could be run once.

#include <algorithm>

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"
#include "pgfront/repetition_report.hpp"

namespace forebay::advise {

namespace {

using engine::Repetition;
using engine::RepetitionKind;

/// Seconds an hour: one thousandth of the time of one connection. Less is felt by nobody.
constexpr double kLeastPerHour = 3.6;
/// A tenth of the time of one connection.
constexpr double kMuchPerHour = 360;
constexpr std::size_t kLongestTitle = 80;
constexpr std::size_t kMost = 10;

std::string object_of(const Repetition& repetition) {
  return fmt::format("{}:{:016x}{:016x}@{}", name_of(repetition.kind), repetition.fingerprint.high,
                     repetition.fingerprint.low, repetition.database);
}

/// One execution in each window stays.
double saved(const RepetitionGrowth& growth) {
  return growth.executions == 0 ? 0 : growth.seconds * (1 - growth.windows / growth.executions);
}

Recommendation made_of(const Evidence& evidence, const Repetition& repetition,
                       const RepetitionGrowth& growth) {
  const bool is_same = repetition.kind == RepetitionKind::duplicate;
  const double per_hour = saved(growth) / evidence.seconds() * 3600;
  Recommendation made;
  made.id = id_of(kRepetition.name, object_of(repetition));
  made.urgency = per_hour >= kMuchPerHour ? Urgency::soon : Urgency::consider;
  made.title = fmt::format("{}: {}", is_same ? "Ask once and keep the answer" : "Ask for all of them at once",
                           shortened(repetition.text, kLongestTitle));
  made.evidence =
      fmt::format("Run {} times in {} {} ({}), {} times for each, with {}; that took {}.",
                  count(growth.executions), some(growth.windows, "window", "windows"), evidence.period(),
                  pgfront::places_of(repetition), fmt::format("{:.3g}", growth.executions / growth.windows),
                  is_same ? std::string("the same values")
                          : fmt::format("values from {} of an earlier result", repetition.source.column),
                  duration(growth.seconds));
  made.advice =
      is_same ? "In the application; or let Forebay keep it, if it is dear."
      : repetition.rewrite.empty()
          ? "With a join, or with a list of all values (= ANY)."
          : "The rows of each value are told apart by the column that was added where it was missing.";
  if (!repetition.rewrite.empty()) made.change = {Form::sql, repetition.rewrite + ";"};
  made.gain = {per_hour, Unit::client_seconds_per_hour,
               fmt::format("up to {}, and {} round trips fewer each hour",
                           text_of(per_hour, Unit::client_seconds_per_hour),
                           count((growth.executions - growth.windows) / evidence.seconds() * 3600))};
  made.subject = {{"database", std::string(repetition.database)}, {"statement", repetition.text}};
  made.area = "statements";
  return made;
}

/// What is not confirmed may look alike only.
bool is_proved(const Repetition& repetition) {
  return repetition.kind == RepetitionKind::duplicate || repetition.is_confirmed();
}

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  if (evidence.seconds() < kLeastSeconds) return all;
  for (const Repetition& repetition : evidence.now().repetitions) {
    if (!is_proved(repetition)) continue;
    const RepetitionGrowth growth = grown(evidence, repetition);
    if (growth.windows == 0 || saved(growth) / evidence.seconds() * 3600 < kLeastPerHour) continue;
    all.push_back(made_of(evidence, repetition, growth));
  }
  std::ranges::stable_sort(all, std::greater(), [](const Recommendation& each) { return each.gain.value; });
  if (all.size() > kMost) all.resize(kMost);
  return all;
}

/// Against the earlier statement, of whose rows the values come: only while that is still asked, it is known
/// whether the other one still repeats.
std::optional<Measure> measure(const Evidence& evidence, const Recommendation& about) {
  for (const Repetition& repetition : evidence.now().repetitions) {
    if (about.id != id_of(kRepetition.name, object_of(repetition))) continue;
    if (!repetition.is_confirmed()) return std::nullopt;
    const auto* source = find_statement(evidence.now(), repetition.source.fingerprint, repetition.database);
    if (source == nullptr) return std::nullopt;
    const RepetitionGrowth growth = grown(evidence, repetition);
    return Measure{.amount = growth.seconds * 3600,
                   .weight = evidence.seconds(),
                   .traffic = grown(evidence, *source).calls};
  }
  return std::nullopt;
}

}  // namespace

constinit const Kind kRepetition = {.name = "repetition",
                                    .find = find,
                                    .figure = "time that the repetitions take",
                                    .unit = Unit::client_seconds_per_hour,
                                    .measure = measure};

}  // namespace forebay::advise
