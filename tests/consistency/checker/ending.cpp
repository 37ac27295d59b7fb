#include <set>
#include <thread>

#include "threads.hpp"

namespace checker {

namespace {

constexpr int kTries = 50;
constexpr int kInAllWays = 3;  ///< registers of a family; of the others each statement is read in one way
constexpr std::chrono::milliseconds kBetweenTries{100};

struct Way {
  Protocol protocol;
  Format format;
};
constexpr Way kWays[] = {{Protocol::simple, Format::text},
                         {Protocol::extended, Format::text},
                         {Protocol::prepared, Format::text},
                         {Protocol::prepared, Format::binary}};

/// Everything that an answer says, in one line.
std::string all_of(const Answer& answer) {
  if (!answer.ok()) return "error " + std::string(answer.sqlstate());
  std::string text;
  for (int row = 0; row < answer.rows(); ++row) {
    for (int column = 0; column < answer.columns(); ++column) {
      const auto number = answer.number(row, column);
      text += number ? std::to_string(*number) + " " : "null ";
    }
    text += "| ";
  }
  return text;
}

/// After faults a connection may be lost once more.
std::string read_patiently(Session& client, const Query& query, const Way& way) {
  for (int count = 1;; ++count) {
    const Answer answer = client.run(query, way.protocol, way.format);
    if (!answer.lost() || count == kTries) return all_of(answer);
    std::this_thread::sleep_for(kBetweenTries);
  }
}

}  // namespace

std::uint64_t compare_at_the_end(Run& run) {
  std::map<std::string, Session> through, around;
  for (const char* user : {"app", "limited"}) {
    through.emplace(user, run.client(Route::through, user));
    around.emplace(user, run.client(Route::around, user));
  }
  std::set<std::string> done;
  std::uint64_t compared = 0;
  for (const auto& target : run.world.registers()) {
    const char* user = target->family.for_limited ? "limited" : "app";
    for (const std::string& shape : target->family.reads) {
      const Query query = read_query(*target, shape);
      if (!done.insert(query.with_literals()).second) continue;
      const std::string expected = read_patiently(around.at(user), query, kWays[0]);
      for (const Way& way : kWays) {
        if (way.protocol == Protocol::prepared && !target->family.prepared_is_safe) continue;
        if (target->number > kInAllWays && &way != &kWays[done.size() % std::size(kWays)]) continue;
        for (int count = 0; count < 2; ++count, ++compared) {
          const std::string found = read_patiently(through.at(user), query, way);
          if (found != expected) {
            run.judge.differs_at_the_end(through.at(user), query, way.protocol, way.format, found, expected);
          }
        }
      }
    }
  }
  return compared;
}

}  // namespace checker
