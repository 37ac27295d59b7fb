// A statement whose results are kept in vain: they are hardly ever asked for again.

#include <algorithm>

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"
#include "config/yaml_writer.hpp"
#include "engine/worth.hpp"

namespace forebay::advise {

namespace {

/// Of fewer kept results nothing can be said; engine::Worth judges from as many on.
constexpr std::uint32_t kLeastKept = 512;
/// One in so many would have to be asked for again; likewise.
constexpr std::uint32_t kOneIn = 16;
/// What is asked less often costs next to nothing to be looked for in vain.
constexpr double kLeastCallsPerSecond = 10;
constexpr std::size_t kLongestTitle = 80;
constexpr std::size_t kMost = 5;

/// Statements whose results are counted at one place cannot be told apart.
bool is_alone(const Moment& moment, const StatementCount& statement) {
  const auto place = engine::Worth::place_of(statement.fingerprint);
  return std::ranges::count_if(moment.statements, [&](const StatementCount& each) {
           return each.database == statement.database && engine::Worth::place_of(each.fingerprint) == place;
         }) == 1;
}

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  if (evidence.seconds() < kLeastSeconds) return all;
  for (const StatementCount& statement : evidence.now().statements) {
    // What is counted stays as it was where nothing is kept any more.
    if (statement.is_left_out || statement.kept < kLeastKept ||
        statement.used_again >= statement.kept / kOneIn)
      continue;
    const StatementGrowth growth = grown(evidence, statement);
    const bool is_busy = growth.calls >= kLeastCallsPerSecond * evidence.seconds();
    if (!is_busy || growth.hits * kOneIn >= growth.calls || !is_alone(evidence.now(), statement)) continue;
    const std::string name =
        fmt::format("{:016x}{:016x}", statement.fingerprint.high, statement.fingerprint.low);
    all.push_back(
        {.id = id_of(kLeaveOut.name, fmt::format("{}@{}", name, statement.database)),
         .urgency = Urgency::consider,
         .title = "Do not keep results of this: " + shortened(*statement.text, kLongestTitle),
         .evidence = fmt::format(
             "Of its last {} kept results {} asked for again; of {} {} {} answered from memory.",
             count(statement.kept), some(statement.used_again, "was", "were"),
             some(growth.calls, "call", "calls"), evidence.period(), some(growth.hits, "was", "were")),
         .advice =
             "Values that never come back, or writes that end the results before. Forebay keeps one in 32 of "
             "them by itself already; this saves looking for the others.",
         .change = {Form::yaml, fmt::format("policies:\n  leave-out-{}:\n    statement: {}\n    keep: false",
                                            name.substr(0, 8), config::yaml_text(*statement.text))},
         .gain = {.text = "memory and look-ups for results that nobody asks for again"},
         .subject = {{"database", std::string(statement.database)}, {"statement", *statement.text}},
         .area = "cache"});
  }
  if (all.size() > kMost) all.resize(kMost);
  return all;
}

}  // namespace

constinit const Kind kLeaveOut = {.name = "leave-out", .find = find};

}  // namespace forebay::advise
