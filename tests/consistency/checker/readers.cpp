#include <thread>

#include "threads.hpp"

namespace checker {

namespace {

constexpr int kPipeline = 8;
constexpr int kReadsOfAClient = 500;
constexpr int kLongestNapMilliseconds = 300;
constexpr std::chrono::milliseconds kWitnessPause{2};
constexpr std::chrono::milliseconds kPauseAfterError{20};

class Reader {
 public:
  Reader(Run& run, std::uint64_t seed)
      : run_(run),
        random_(seed),
        app_(run.client(Route::through, "app")),
        limited_(run.client(Route::through, "limited")),
        changing_(run.client(Route::through, "app")) {}

  void step() {
    if (below(random_, kReadsOfAClient) == 0) start_anew();
    Register& target = pick();
    if (target.family.for_limited) return read_as_limited(target);
    if (target.family.runs_code) return void(read_one(changing_, changing_memory_, target));
    switch (below(random_, 20)) {
      case 0:
        return read_in_transaction(target, "BEGIN");
      case 1:
        return target.family.obeys_snapshots ? read_twice_in_one_snapshot(target) : read_pipeline(target);
      case 2:
      case 3:
        return read_pipeline(target);
      default:
        read_one(app_, memory_, target);
    }
  }

  /// So that some clients begin a read while Forebay is stopped.
  void nap() {
    std::this_thread::sleep_for(std::chrono::milliseconds(below(random_, kLongestNapMilliseconds)));
  }

 private:
  /// Clients come and go; a new one has seen nothing yet. (What DDL makes Forebay hold a backend for ends,
  /// too.)
  void start_anew() {
    for (Session* client : {&app_, &limited_, &changing_}) client->disconnect();
    for (Memory* memory : {&memory_, &limited_memory_, &changing_memory_}) memory->last.clear();
  }

  Register& pick() {
    auto& all = run_.world.registers();
    const int count = static_cast<int>(all.size());
    // A few are read much more often than the others, another few for each client.
    const int at = below(random_, 1 + below(random_, count));
    return *all[static_cast<std::size_t>((at * 37 + app_.id() * 11) % count)];
  }

  Query query_for(const Register& target) {
    const auto& shapes = target.family.reads;
    const int at = below(random_, 2) ? 0 : below(random_, static_cast<int>(shapes.size()));
    return read_query(target, shapes[static_cast<std::size_t>(at)]);
  }

  Answer read_one(Session& client, Memory& memory, Register& target) {
    const Query query = query_for(target);
    const auto protocol = static_cast<Protocol>(below(random_, target.family.prepared_is_safe ? 3 : 2));
    const auto format = below(random_, 2) ? Format::text : Format::binary;
    const Instant begin = Clock::now();
    Answer answer = client.run(query, protocol, format);
    run_.judge.judge({client, target, query, protocol, format, begin, Clock::now()}, answer, memory);
    if (!answer.ok() && !target.family.for_limited) std::this_thread::sleep_for(kPauseAfterError);
    return answer;
  }

  void read_as_limited(Register& target) {
    if (below(random_, 3) != 0) {
      read_one(limited_, limited_memory_, target);
      return;
    }
    if (!changing_.run("SET ROLE limited").ok()) return;
    if (!read_one(changing_, changing_memory_, target).lost()) changing_.run("RESET ROLE");
  }

  void read_in_transaction(Register& target, const char* begin) {
    if (!app_.run(begin).ok()) return;
    for (int count = 0; count < 3; ++count) {
      if (!read_one(app_, memory_, target).ok()) break;
    }
    app_.run("COMMIT");
  }

  /// Within REPEATABLE READ a version neither grows nor falls.
  void read_twice_in_one_snapshot(Register& target) {
    if (!app_.run("BEGIN ISOLATION LEVEL REPEATABLE READ").ok()) return;
    const Query query = read_query(target, target.family.reads.front());
    const Instant begin = Clock::now();
    const Answer first = app_.run(query, Protocol::extended, Format::text);
    run_.judge.judge({app_, target, query, Protocol::extended, Format::text, begin, Clock::now()}, first,
                     memory_);
    std::this_thread::sleep_for(std::chrono::milliseconds(below(random_, 4)));
    const Answer second = app_.run(query, Protocol::simple, Format::text);
    app_.run("COMMIT");
    const Version before = Judge::version_in(first);
    const Version after = Judge::version_in(second);
    if (first.ok() && second.ok() && before != after) {
      run_.judge.unrepeatable(app_, target, before, after);
    }
  }

  void read_pipeline(Register& first) {
    std::vector<Register*> targets{&first};
    while (targets.size() < kPipeline) {
      Register& next = pick();
      if (!next.family.for_limited && !next.family.runs_code) targets.push_back(&next);
    }
    std::vector<Query> queries;
    for (Register* target : targets) queries.push_back(query_for(*target));
    const auto format = below(random_, 2) ? Format::text : Format::binary;
    const Instant begin = Clock::now();
    const auto answers = app_.pipeline(queries, format, below(random_, 2) == 0);
    const Instant end = Clock::now();
    for (std::size_t at = 0; at < answers.size(); ++at) {
      run_.judge.judge({app_, *targets[at], queries[at], Protocol::extended, format, begin, end}, answers[at],
                       memory_);
    }
  }

  Run& run_;
  Random random_;
  Session app_, limited_, changing_;
  Memory memory_, limited_memory_, changing_memory_;
};

}  // namespace

Session Run::client(Route route, const std::string& user) {
  const std::string& where = route == Route::through ? through : around;
  return {where + " user=" + user, route, ++clients};
}

void read_through(Run& run, std::uint64_t seed, Steps& steps) {
  Reader reader(run, seed);
  for (; !run.stopping; ++steps) {
    if (run.read_pause.count() > 0) std::this_thread::sleep_for(run.read_pause);
    reader.step();
  }
}

void read_at_times(Run& run, std::uint64_t seed, Steps& steps) {
  Reader reader(run, seed);
  for (; !run.stopping; ++steps) {
    reader.nap();
    reader.step();
  }
}

void witness(Run& run, std::uint64_t seed, Steps& steps) {
  Random random(seed);
  Session client = run.client(Route::around, "app");
  Memory memory;
  auto& all = run.world.registers();
  for (; !run.stopping; ++steps) {
    std::this_thread::sleep_for(kWitnessPause);
    Register& target = *all[static_cast<std::size_t>(below(random, static_cast<int>(all.size())))];
    if (target.family.for_limited) continue;
    const Query query = read_query(target, target.family.reads.front());
    const Instant begin = Clock::now();
    const Answer answer = client.run(query, Protocol::simple, Format::text);
    const Instant end = Clock::now();
    run.judge.judge({client, target, query, Protocol::simple, Format::text, begin, end}, answer, memory);
    const Version version = Judge::version_in(answer);
    if (version > 0) target.history.witnessed(version, end);
    if (answer.lost()) std::this_thread::sleep_for(kPauseAfterError);
  }
}

}  // namespace checker
