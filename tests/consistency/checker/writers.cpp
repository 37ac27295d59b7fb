#include <thread>

#include "threads.hpp"
#include "write_steps.hpp"

namespace checker {

namespace {

class Writer {
 public:
  Writer(Run& run, std::uint64_t seed)
      : run_(run),
        random_(seed),
        through_(run.client(Route::through, "app")),
        around_(run.client(Route::around, "app")) {}

  void step() {
    auto& all = run_.world.registers();
    Register& target = *all[static_cast<std::size_t>(below(random_, static_cast<int>(all.size())))];
    {
      const std::unique_lock turn(target.history.turn(), std::try_to_lock);
      if (turn.owns_lock()) write(target);
    }
    const double pause = std::exponential_distribution<double>(1.0)(random_);
    std::this_thread::sleep_for(std::chrono::microseconds(
        static_cast<std::int64_t>(pause * static_cast<double>(run_.write_pause.count()))));
  }

 private:
  void write(Register& target) {
    const bool through = below(random_, 2) == 0;
    Session& session = through ? through_ : around_;
    const bool odd = target.history.latest() % 2 == 0;  // the version to come
    const auto& paths = target.family.comes_and_goes() && odd ? target.family.odd_paths : target.family.paths;
    const Path& path = paths[static_cast<std::size_t>(below(random_, static_cast<int>(paths.size())))];
    const Version version = target.history.begin(path.name, session.route(), session.id());
    const Outcome outcome = path.run({session, through ? around_ : through_, target, version, random_});
    finish(session, target, path, version, outcome);
    if (outcome.fate == Fate::unknown) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }

  void finish(Session& session, Register& target, const Path& path, Version version, const Outcome& outcome) {
    const int client = outcome.route == Route::through ? through_.id() : around_.id();
    if (!target.history.end(version, outcome.fate, outcome.route, client)) {
      run_.judge.seen_though_rolled_back(target, version);
    }
    if (outcome.own_read && *outcome.own_read != version) {
      run_.judge.own_read(session, target, path.name, version, *outcome.own_read);
    }
    if (outcome.fate == Fate::committed && outcome.route == Route::through && !target.family.for_limited) {
      read_own(target);
    }
  }

  /// At once, by the client that has been told of the write.
  void read_own(Register& target) {
    for (int count = below(random_, 3); count >= 0; --count) {
      const auto& shapes = target.family.reads;
      const Query query = read_query(
          target, shapes[static_cast<std::size_t>(below(random_, static_cast<int>(shapes.size())))]);
      const auto protocol = static_cast<Protocol>(below(random_, target.family.prepared_is_safe ? 3 : 2));
      const Instant begin = Clock::now();
      const Answer answer = through_.run(query, protocol, Format::text);
      run_.judge.judge({through_, target, query, protocol, Format::text, begin, Clock::now()}, answer,
                       memory_);
    }
  }

  Run& run_;
  Random random_;
  Session through_, around_;
  Memory memory_;
};

}  // namespace

void write(Run& run, std::uint64_t seed, Steps& steps) {
  Writer writer(run, seed);
  for (; !run.stopping; ++steps) writer.step();
}

}  // namespace checker
