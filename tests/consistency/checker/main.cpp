// Reads and writes through Forebay and past it at the same time, and checks that nothing read through Forebay
// is staler than allowed. ../README.md says which rules there are; ../run.py starts everything that it needs.

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <thread>

#include "threads.hpp"

namespace checker {

namespace {

constexpr std::chrono::seconds kLongestStep{60};
constexpr std::chrono::milliseconds kTick{100};
constexpr std::chrono::milliseconds kAfterTheBound{300};

struct Options {
  std::map<std::string, std::string> values = {
      {"--through", ""},           {"--around", ""},          {"--seconds", "10"},
      {"--readers", "3"},          {"--writers", "3"},        {"--seed", "1"},
      {"--through-percent", "50"}, {"--bound-ms", "1000"},    {"--write-pause-us", "10000"},
      {"--read-pause-us", "0"},    {"--lasting", "0"},        {"--catalog-pause-us", "1500000"},
      {"--sleepers", "2"},         {"--unkept-percent", "0"}, {"--calm-ms", "500"},
      {"--watch-threads", "1"},    {"--replicas", "0"},
  };

  Options(int count, char** words) {
    for (int at = 1; at + 1 < count; at += 2) {
      const auto found = values.find(words[at]);
      if (found == values.end()) throw std::invalid_argument(std::string("there is no option ") + words[at]);
      found->second = words[at + 1];
    }
    if (values["--through"].empty() || values["--around"].empty()) {
      throw std::invalid_argument("--through and --around must be connection strings without a user");
    }
  }

  long number(const std::string& name) const { return std::strtol(values.at(name).c_str(), nullptr, 10); }
};

/// Threads with names that say so when one stands still.
class Crew {
 public:
  using Work = void (*)(Run&, std::uint64_t, Steps&);

  void add(const std::string& name, Work work, Run& run, std::uint64_t seed) {
    members_.push_back(std::make_unique<Member>());
    Member& member = *members_.back();
    member.name = name;
    member.thread = std::thread([&run, &member, work, seed] { work(run, seed, member.steps); });
  }

  /// Ends the program when somebody has made no step for too long.
  void look() {
    for (const auto& member : members_) {
      const std::uint64_t steps = member->steps;
      if (steps != member->steps_before) {
        member->steps_before = steps;
        member->moved = Clock::now();
      } else if (Clock::now() - member->moved > kLongestStep) {
        std::fprintf(stderr, "%s has stood still for %lld s\n", member->name.c_str(),
                     static_cast<long long>(kLongestStep.count()));
        std::_Exit(4);
      }
    }
  }

  void join() {
    for (const auto& member : members_) member->thread.join();
  }

 private:
  struct Member {
    std::string name;
    Steps steps = 0;
    std::uint64_t steps_before = 0;
    Instant moved = Clock::now();
    std::thread thread;
  };
  std::vector<std::unique_ptr<Member>> members_;
};

std::string quoted(const std::string& text) {
  std::string found = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') found += '\\';
    if (c == '\n') {
      found += "\\n";
    } else if (c == '\t') {
      found += "\\t";
    } else {
      found += c;
    }
  }
  return found + '"';
}

std::string json(const std::map<std::string, std::uint64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts)
    text += (text.empty() ? "" : ", ") + quoted(name) + ": " + std::to_string(count);
  return "{" + text + "}";
}

std::string json(const std::vector<std::string>& texts) {
  std::string text;
  for (const std::string& one : texts) text += (text.empty() ? "" : ", ") + quoted(one);
  return "[" + text + "]";
}

std::uint64_t unknown_outcomes(World& world) {
  std::uint64_t count = 0;
  for (const auto& target : world.registers()) {
    for (Version version = target->history.latest(); version > 0; --version)
      count += target->history.write(version).fate == Fate::unknown ? 1 : 0;
  }
  return count;
}

std::map<std::string, std::uint64_t> writes_by_path(World& world) {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& target : world.registers()) {
    for (Version version = target->history.latest(); version > 0; --version) {
      const Write write = target->history.write(version);
      ++counts[std::string(write.path) + (write.fate == Fate::committed ? "" : ", not committed")];
    }
  }
  return counts;
}

int report(World& world, const Judge::Summary& summary, std::uint64_t compared) {
  std::printf("{\"reads_through\": %llu, \"reads_around\": %llu, \"versions_checked\": %llu,\n",
              static_cast<unsigned long long>(summary.reads_through),
              static_cast<unsigned long long>(summary.reads_around),
              static_cast<unsigned long long>(summary.versions_checked));
  std::printf(" \"compared_at_the_end\": %llu, \"stale_reads\": %llu,\n",
              static_cast<unsigned long long>(compared),
              static_cast<unsigned long long>(summary.stale_reads));
  std::printf(" \"seen_early\": %llu, \"unknown_outcomes\": %llu,\n",
              static_cast<unsigned long long>(summary.seen_early),
              static_cast<unsigned long long>(unknown_outcomes(world)));
  std::printf(" \"staleness_ms\": {\"p50\": %.0f, \"p99\": %.0f, \"max\": %.0f},\n", summary.staleness_p50_ms,
              summary.staleness_p99_ms, summary.staleness_max_ms);
  std::printf(" \"writes\": %s,\n \"errors\": %s,\n \"error_examples\": %s,\n",
              json(writes_by_path(world)).c_str(), json(summary.errors).c_str(),
              json(summary.error_examples).c_str());
  std::printf(" \"violations\": %s,\n \"reports\": %s}\n", json(summary.violations).c_str(),
              json(summary.reports).c_str());
  return summary.violations.empty() ? 0 : 1;
}

int run(const Options& options) {
  const Instant start = Clock::now();
  const std::chrono::milliseconds bound(options.number("--bound-ms"));
  const auto world = std::make_unique<World>(options.number("--lasting") != 0);
  const auto judge = std::make_unique<Judge>(*world, bound, start, options.number("--replicas") != 0);
  Run run{.world = *world,
          .judge = *judge,
          .through = options.values.at("--through"),
          .around = options.values.at("--around"),
          .start = start,
          .seed = static_cast<std::uint64_t>(options.number("--seed")),
          .through_percent = static_cast<int>(options.number("--through-percent")),
          .unkept_percent = static_cast<int>(options.number("--unkept-percent")),
          .write_pause = std::chrono::microseconds(options.number("--write-pause-us")),
          .catalog_pause = std::chrono::microseconds(options.number("--catalog-pause-us")),
          .read_pause = std::chrono::microseconds(options.number("--read-pause-us")),
          .calm = std::chrono::milliseconds(options.number("--calm-ms"))};
  std::uint64_t seed = run.seed * 1000;
  Crew crew;
  for (long at = 0; at < options.number("--readers"); ++at) {
    crew.add("reader " + std::to_string(at), read_through, run, ++seed);
  }
  for (long at = 0; at < options.number("--writers"); ++at) {
    crew.add("writer " + std::to_string(at), write, run, ++seed);
  }
  for (long at = 0; at < options.number("--sleepers"); ++at)
    crew.add("sleeper " + std::to_string(at), read_at_times, run, ++seed);
  for (long at = 0; at < options.number("--watch-threads"); ++at)
    crew.add("watchers " + std::to_string(at), watch, run, ++seed);
  crew.add("writer of the catalog", write_catalog, run, ++seed);
  crew.add("witness", witness, run, ++seed);

  std::fprintf(stderr, "running\n");
  const Instant end = start + std::chrono::seconds(options.number("--seconds"));
  for (; Clock::now() < end; std::this_thread::sleep_for(kTick)) crew.look();
  run.stopping = true;
  crew.join();
  std::this_thread::sleep_for(bound + kAfterTheBound);
  const std::uint64_t compared = compare_at_the_end(run);
  return report(*world, judge->summary(), compared);
}

}  // namespace

}  // namespace checker

int main(int count, char** words) {
  try {
    return checker::run(checker::Options(count, words));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
