// Why clients cannot be served.

#include <algorithm>

#include "advise/kinds.hpp"

namespace forebay::advise {

namespace {

struct Known {
  std::string_view code;
  std::string_view title;
  std::string_view advice;
  std::string_view command = {};
};
constexpr Known kKnown[] = {
    {"shutting_down", "Send clients to another Forebay",
     "Nothing, when this was asked for; the process ends once its clients have gone."},
    {"paused", "End the pause", "On the console, once what the pause was for is done.", "RESUME;"},
    {"server_down", "Bring the server back",
     "Start it, or look at its log and at the network between. Forebay goes on by itself."},
    {"server_unknown", "Find out why the server does not say what it is",
     "Look at the reason; most often the upstream's user may not log in."},
    {"no_primary", "See to the primary", "Start it or promote a replica; Forebay follows by itself."},
};

/// What somebody has ordered is so at once. What a server says, or does not, has to be so twice: one that was
/// just begun to be watched has not answered yet.
bool is_certain(const Evidence& evidence, const Trouble& trouble) {
  if (trouble.code == "paused" || trouble.code == "shutting_down") return true;
  const auto moments = evidence.moments();
  return moments.size() > 1 &&
         std::ranges::any_of(moments[moments.size() - 2]->troubles,
                             [&](const Trouble& earlier) { return earlier.code == trouble.code; });
}

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  for (const Trouble& trouble : evidence.now().troubles) {
    if (!is_certain(evidence, trouble)) continue;
    Known told{trouble.code, "Clients cannot be served", "See to what the reason names."};
    for (const Known& known : kKnown) {
      if (known.code == trouble.code) told = known;
    }
    Recommendation& made = all.emplace_back();
    made.id = id_of(kReadiness.name, trouble.code);
    made.urgency = Urgency::now;
    made.title = told.title;
    made.evidence = "Readiness: " + trouble.text + ".";
    made.advice = told.advice;
    if (!told.command.empty()) made.change = {Form::console, std::string(told.command)};
    made.area = "pools";
  }
  return all;
}

}  // namespace

constinit const Kind kReadiness = {.name = "readiness", .find = find};

}  // namespace forebay::advise
