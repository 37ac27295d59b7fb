#include <thread>

#include "threads.hpp"

namespace checker {

namespace {

constexpr int kPipeline = 8;
constexpr int kReadsOfAClient = 500;
constexpr int kReadsOfAKind = 60;
constexpr int kLongestNapMilliseconds = 300;
constexpr std::chrono::milliseconds kWitnessPause{2};

class Reader {
 public:
  Reader(Run& run, std::uint64_t seed)
      : run_(run),
        choices_(run.world, run.seed, run.start),
        random_(seed),
        app_(run.client(Route::through, "app")),
        limited_(run.client(Route::through, "limited")),
        changing_(run.client(Route::through, "app")) {}

  void step() {
    if (below(random_, kReadsOfAClient) == 0) start_anew();
    if (below(random_, kReadsOfAKind) == 0) unkept_ = run_.is_unkept(random_);
    const Choice choice = choices_.read(random_);
    const Family& family = choice.target->family;
    if (family.for_limited) return read_as_limited(choice);
    if (family.runs_code) return void(read_one(changing_, changing_memory_, choice));
    if (unkept_ || is_for_replicas()) return void(read_one(app_, memory_, choice));
    switch (below(random_, 20)) {
      case 0:
        return read_in_transaction(choice);
      case 1:
        return family.obeys_snapshots ? read_twice_in_one_snapshot(*choice.target) : read_pipeline(choice);
      case 2:
      case 3:
        return read_pipeline(choice);
      default:
        read_one(app_, memory_, choice);
    }
  }

  /// So that some clients begin a read while Forebay is stopped.
  void nap() {
    std::this_thread::sleep_for(std::chrono::milliseconds(below(random_, kLongestNapMilliseconds)));
  }

 private:
  /// Every transaction, even one of reads, and every setting keeps all from replicas until they have caught
  /// up.
  bool is_for_replicas() const { return run_.unkept_percent > 0 && run_.is_calm(); }

  /// Clients come and go; a new one has seen nothing yet. (What DDL makes Forebay hold a backend for ends,
  /// too.)
  void start_anew() {
    for (Session* client : {&app_, &limited_, &changing_}) client->disconnect();
    for (Memory* memory : {&memory_, &limited_memory_, &changing_memory_}) memory->last.clear();
  }

  Answer read_one(Session& client, Memory& memory, const Choice& choice) {
    const Query query = unkept_ ? unkept(choice.query()) : choice.query();
    const Instant begin = Clock::now();
    Answer answer = client.run(query, choice.protocol, choice.format);
    const Reading reading{client, *choice.target, query, choice.protocol, choice.format, begin, Clock::now()};
    run_.judge.judge(reading, answer, memory);
    if (!answer.ok() && !choice.target->family.for_limited) std::this_thread::sleep_for(kPauseAfterError);
    return answer;
  }

  void read_as_limited(const Choice& choice) {
    if (is_for_replicas() || below(random_, 3) != 0) {
      read_one(limited_, limited_memory_, choice);
      return;
    }
    if (!changing_.run("SET ROLE limited").ok()) return;
    if (!read_one(changing_, changing_memory_, choice).lost()) changing_.run("RESET ROLE");
  }

  void read_in_transaction(const Choice& choice) {
    if (!app_.run("BEGIN").ok()) return;
    for (int count = 0; count < 3; ++count) {
      if (!read_one(app_, memory_, choice).ok()) break;
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

  void read_pipeline(const Choice& first) {
    std::vector<Choice> choices{first};
    while (choices.size() < kPipeline) {
      const Choice next = choices_.read(random_);
      if (!next.target->family.for_limited && !next.target->family.runs_code) choices.push_back(next);
    }
    std::vector<Query> queries;
    for (const Choice& choice : choices) queries.push_back(choice.query());
    const Instant begin = Clock::now();
    const auto answers = app_.pipeline(queries, first.format, below(random_, 2) == 0);
    const Instant end = Clock::now();
    for (std::size_t at = 0; at < answers.size(); ++at) {
      const Reading reading{app_, *choices[at].target, queries[at], Protocol::extended, first.format, begin,
                            end};
      run_.judge.judge(reading, answers[at], memory_);
    }
  }

  Run& run_;
  Choices choices_;
  Random random_;
  Session app_, limited_, changing_;
  Memory memory_, limited_memory_, changing_memory_;
  bool unkept_ = false;
};

}  // namespace

Session Run::client(Route route, const std::string& user) {
  const std::string& where = route == Route::through ? through : around;
  return {where + " user=" + user, route, ++clients};
}

void read_through(Run& run, std::uint64_t seed, Steps& steps) {
  Reader reader(run, seed);
  for (; !run.stopping; ++steps) {
    if (run.read_pause.count() > 0 && !run.is_calm()) std::this_thread::sleep_for(run.read_pause);
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
