#include <memory>
#include <thread>
#include <vector>

#include "threads.hpp"

namespace checker {

namespace {

constexpr int kWatchers = 12;
constexpr int kReadsOfOne = 300;
constexpr std::chrono::microseconds kPause{300};

/// A client that asks for one thing over and over. It sees nothing newer than its own answers, so the cache
/// may serve it for as long as it may serve anybody: what is stale shows here first.
class Watcher {
 public:
  explicit Watcher(Run& run) : run_(run), client_(run.client(Route::through, "app")) {}

  void read(Choices& choices, Random& random) {
    if (left_ == 0) follow_another(choices, random);
    --left_;
    const Query& query = query_;
    const Instant begin = Clock::now();
    const Answer answer = client_.run(query, watched_->protocol, watched_->format);
    run_.judge.judge(
        {client_, *watched_->target, query, watched_->protocol, watched_->format, begin, Clock::now()},
        answer, memory_);
    if (!answer.ok()) std::this_thread::sleep_for(kPauseAfterError);
  }

 private:
  void follow_another(Choices& choices, Random& random) {
    do {
      watched_ = choices.read(random);
    } while (watched_->target->family.for_limited || watched_->target->family.runs_code);
    query_ = run_.is_unkept(random) ? unkept(watched_->query()) : watched_->query();
    client_.disconnect();
    memory_.last.clear();
    left_ = 1 + below(random, kReadsOfOne);
  }

  Run& run_;
  Session client_;
  Memory memory_;
  std::optional<Choice> watched_;
  Query query_;
  int left_ = 0;
};

}  // namespace

void watch(Run& run, std::uint64_t seed, Steps& steps) {
  Random random(seed);
  Choices choices(run.world, run.seed, run.start);
  std::vector<std::unique_ptr<Watcher>> watchers;
  while (watchers.size() < kWatchers) watchers.push_back(std::make_unique<Watcher>(run));
  for (; !run.stopping; ++steps) {
    watchers[static_cast<std::size_t>(below(random, kWatchers))]->read(choices, random);
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace checker
