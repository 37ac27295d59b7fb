#pragma once

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/parse.hpp>

#include "advise/kinds.hpp"

/// Moments for unit tests: a calm, well-set-up Forebay, of which each test changes what it is about.
namespace forebay::advise::test {

inline Moment calm(int second) {
  auto settings = std::make_shared<config::Settings>();
  return {
      .at = TimePoint() + std::chrono::seconds(1000 + second),
      .time = 1e9 + second,
      .settings = std::move(settings),
      .pools = {{.database = "shop", .user = "app", .server = "db:5432", .most_backends = 20, .active = 2}},
      .most_clients = 100,
      .store_capacity = 1'000'000};
}

inline pgfront::PoolFacts& pool(Moment& moment) {
  return moment.pools.front();
}
inline config::Settings& settings(Moment& moment) {
  return const_cast<config::Settings&>(*moment.settings);
}

/// What a kind says of moments in their order.
inline std::vector<Recommendation> say(const Kind& kind, std::initializer_list<Moment> moments) {
  std::vector<MomentPtr> all;
  for (const Moment& moment : moments) all.push_back(std::make_shared<const Moment>(moment));
  return kind.find(Evidence(all));
}
inline std::optional<Measure> measured(const Kind& kind, const Recommendation& about,
                                       std::initializer_list<Moment> moments) {
  std::vector<MomentPtr> all;
  for (const Moment& moment : moments) all.push_back(std::make_shared<const Moment>(moment));
  return kind.measure(Evidence(all), about);
}

inline StatementCount statement(std::string text, std::uint64_t number, std::uint64_t calls, double seconds) {
  StatementCount made{.fingerprint = {number, number},
                      .database = "shop",
                      .text = std::make_shared<const std::string>(std::move(text))};
  made.figures.calls = calls;
  made.figures.exec_micros = static_cast<std::uint64_t>(seconds * 1e6);
  made.figures.first_seen = TimePoint();
  return made;
}

/// What the primary has answered about one topic.
inline void answer(Moment& moment, monitor::Topic topic, std::string_view json) {
  auto samples = moment.samples == nullptr ? monitor::Samples() : *moment.samples;
  if (samples.places.empty())
    samples.places.push_back({.server = "db:5432",
                              .database = "shop",
                              .is_primary = true,
                              .is_of_server = true,
                              .is_of_database = true,
                              .is_answering = true});
  auto sample = std::make_shared<monitor::Sample>();
  sample->told = boost::json::parse(json).as_object();
  sample->at = moment.at;
  sample->current_until = moment.at + std::chrono::minutes(1);
  samples.places.front().topics[static_cast<std::size_t>(topic)].latest = std::move(sample);
  moment.samples = std::make_shared<const monitor::Samples>(std::move(samples));
}

/// The same, and so much later, with answers of then.
inline void move(Moment& moment, Duration by) {
  moment.at += by;
  if (moment.samples == nullptr) return;
  auto samples = *moment.samples;
  for (monitor::Place& place : samples.places) {
    for (monitor::Answered& answered : place.topics) {
      if (answered.latest == nullptr) continue;
      auto sample = *answered.latest;
      sample.at += by;
      sample.current_until += by;
      answered.latest = std::make_shared<const monitor::Sample>(std::move(sample));
    }
  }
  moment.samples = std::make_shared<const monitor::Samples>(std::move(samples));
}

}  // namespace forebay::advise::test
