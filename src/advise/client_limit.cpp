#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"

namespace forebay::advise {

namespace {

/// Of the limit: from here on it is close.
constexpr double kNear = 0.8;

double share(const Moment& moment) {
  return static_cast<double>(moment.clients) / static_cast<double>(moment.most_clients);
}

std::vector<Recommendation> find(const Evidence& evidence) {
  const Moment& now = evidence.now();
  if (now.most_clients == 0 || share(now) < kNear) return {};
  const auto most = static_cast<double>(now.most_clients);
  return {{.id = id_of(kClientLimit.name, "all"),
           .urgency = now.clients >= now.most_clients ? Urgency::now : Urgency::soon,
           .title = "Make room for clients",
           .evidence = fmt::format("{} of at most {} are connected ({}).",
                                   count(static_cast<double>(now.clients)), count(most), percent(share(now))),
           .advice = "Or close connections that applications do not use. Each may take a descriptor more.",
           .change = {Form::yaml, fmt::format("limits:\n  max_clients: {:.0f}", most * 2)},
           .area = "settings"}};
}

std::optional<Measure> measure(const Evidence& evidence, const Recommendation&) {
  const Moment& now = evidence.now();
  return Measure{.amount = now.most_clients == 0 ? 0 : share(now),
                 .weight = 1,
                 .traffic = static_cast<double>(now.clients) * evidence.seconds(),
                 .setting = std::to_string(now.most_clients)};
}

}  // namespace

constinit const Kind kClientLimit = {.name = "client-limit",
                                     .find = find,
                                     .figure = "clients of the limit",
                                     .unit = Unit::share,
                                     .measure = measure};

}  // namespace forebay::advise
