#include <algorithm>

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "sql/quoted_name.hpp"

namespace forebay::advise {

namespace {

/// Which readiness tells of.
bool is_all_paused(const Moment& moment) {
  return std::ranges::any_of(moment.troubles,
                             [](const Trouble& trouble) { return trouble.code == "paused"; });
}

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  const bool all_paused = is_all_paused(evidence.now());
  for (const auto& database : evidence.now().databases) {
    const bool is_paused = database.is_paused && !all_paused;
    if (!is_paused && !database.is_disabled) continue;
    all.push_back({.id = id_of(kRestrictedDatabase.name, database.name),
                   .urgency = Urgency::now,
                   .title = fmt::format("Let clients use {} again", database.name),
                   .evidence = fmt::format(
                       "{} is {}.", database.name,
                       is_paused ? "paused: its clients wait" : "disabled: new clients are refused"),
                   .advice = "On the console, once what this was for is done.",
                   .change = {Form::console, fmt::format("{} {};", is_paused ? "RESUME" : "ENABLE",
                                                         sql::quoted_name(database.name))},
                   .subject = {{"database", database.name}},
                   .area = "pools"});
  }
  return all;
}

}  // namespace

constinit const Kind kRestrictedDatabase = {.name = "restricted-database", .find = find};

}  // namespace forebay::advise
