#include <algorithm>
#include <thread>

#include "threads.hpp"
#include "write_steps.hpp"

namespace checker {

namespace {

constexpr int kWritesOfAClient = 30;
constexpr std::chrono::milliseconds kNap{2};
constexpr std::chrono::milliseconds kAfterTrouble{20};

class Writer {
 public:
  Writer(Run& run, std::uint64_t seed, bool catalog, std::chrono::microseconds pause)
      : run_(run),
        catalog_(catalog),
        pause_(pause),
        choices_(run.world, run.seed, run.start),
        random_(seed),
        plain_{run.client(Route::through, "app"), {}},
        coding_{run.client(Route::through, "app"), {}},
        around_(run.client(Route::around, "app")) {}

  void step() {
    if (!catalog_ && run_.is_calm()) return std::this_thread::sleep_for(kNap);
    Register& target = choices_.write(random_, catalog_);
    {
      const std::unique_lock turn(target.history.turn(), std::try_to_lock);
      if (turn.owns_lock()) write(target);
    }
    const auto pause = pause_ * std::exponential_distribution<double>(1.0)(random_);
    const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(pause);
    while (Clock::now() < until && !run_.stopping) {
      std::this_thread::sleep_for(std::min<Clock::duration>(until - Clock::now(), kNap));
    }
  }

 private:
  struct Client {
    Session session;
    Memory memory;
  };

  void write(Register& target) {
    const bool odd = target.history.latest() % 2 == 0;  // the version to come
    const auto& paths = target.family.comes_and_goes() && odd ? target.family.odd_paths : target.family.paths;
    const Path& path = paths[static_cast<std::size_t>(below(random_, static_cast<int>(paths.size())))];
    if (below(random_, kWritesOfAClient) == 0) start_anew();
    Client& client = path.runs_code || target.family.runs_code ? coding_ : plain_;
    const bool through = below(random_, 100) < run_.through_percent;
    Session& session = through ? client.session : around_;
    Session& other = through ? around_ : client.session;
    const Version version = target.history.begin(path.name, session.route(), session.id());
    const Outcome outcome = path.run({session, other, target, version, random_});
    if (outcome.own_read && *outcome.own_read != version) {
      run_.judge.own_read(session, target, path.name, version, *outcome.own_read);
    }
    finish(client, target, version, outcome);
    if (outcome.fate == Fate::unknown) std::this_thread::sleep_for(kAfterTrouble);
  }

  void start_anew() {
    for (Client* client : {&plain_, &coding_}) {
      client->session.disconnect();
      client->memory.last.clear();
    }
  }

  void finish(Client& client, Register& target, Version version, const Outcome& outcome) {
    const bool through = outcome.route == Route::through;
    const int told = through ? client.session.id() : around_.id();
    if (!target.history.end(version, outcome.fate, outcome.route, told)) {
      run_.judge.seen_though_rolled_back(target, version);
    }
    if (outcome.fate == Fate::committed && through && !target.family.for_limited) read_own(client, target);
  }

  /// At once, by the client that has been told of the write.
  void read_own(Client& client, Register& target) {
    const auto& shapes = target.family.reads;
    for (int count = below(random_, 3); count >= 0; --count) {
      const int shape = below(random_, static_cast<int>(shapes.size()));
      const Query query = read_query(target, shapes[static_cast<std::size_t>(shape)]);
      const auto protocol = static_cast<Protocol>(below(random_, target.family.prepared_is_safe ? 3 : 2));
      const Instant begin = Clock::now();
      const Answer answer = client.session.run(query, protocol, Format::text);
      const Reading reading{client.session, target, query, protocol, Format::text, begin, Clock::now()};
      run_.judge.judge(reading, answer, client.memory);
    }
  }

  Run& run_;
  const bool catalog_;
  const std::chrono::microseconds pause_;
  Choices choices_;
  Random random_;
  Client plain_, coding_;
  Session around_;
};

}  // namespace

void write(Run& run, std::uint64_t seed, Steps& steps) {
  Writer writer(run, seed, false, run.write_pause);
  for (; !run.stopping; ++steps) writer.step();
}

void write_catalog(Run& run, std::uint64_t seed, Steps& steps) {
  Writer writer(run, seed, true, run.catalog_pause);
  for (; !run.stopping; ++steps) writer.step();
}

}  // namespace checker
