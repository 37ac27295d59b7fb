#include "engine/explainer.hpp"

#include <utility>

namespace forebay::engine {

namespace {

/// Of an answer, in bytes: whoever reads it does so at once.
constexpr std::size_t kLongest = std::size_t{2} << 20U;
/// For a backend: nobody waits behind this for longer.
constexpr Duration kPatience{100};

}  // namespace

void Explainer::ask(const Asker& asker, std::string sql, Errand::Afterwards afterwards, Done done) {
  auto pool = asker.pool.lock();
  if (pool == nullptr || pool->generation() != asker.pool_generation)
    return done({.problem = "the server that ran it is another one now", .is_later = true});
  if (errand_ != nullptr) return done({.problem = "another plan is being asked for", .is_later = true});
  if (pool->is_paused() || pool->waiting() > 0)
    return done({.problem = "clients wait for a backend, or the database is paused", .is_later = true});
  began_ = Clock::now();
  done_ = std::move(done);
  errand_ = std::make_unique<Errand>(
      std::move(pool), asker.profile, std::move(sql),
      [this](const Errand::Outcome& outcome) { finish(outcome); }, asker.settings, afterwards);
  errand_->start();
  if (errand_ != nullptr && !errand_->is_asking()) patience_.start(loop_, kPatience);
}

void Explainer::end_waiting() {
  if (errand_ == nullptr || errand_->is_asking()) return;
  errand_.reset();
  std::exchange(done_, {})({.problem = "no backend of the pool came free", .is_later = true});
}

void Explainer::finish(const Errand::Outcome& outcome) {
  patience_.cancel();
  // The errand is on the call stack.
  loop_.defer([errand = std::shared_ptr<Errand>(std::move(errand_))]() mutable { errand.reset(); });
  Answer answer{.took = std::chrono::ceil<Duration>(Clock::now() - began_)};
  if (outcome.refusal != nullptr) {
    answer.problem = "the server gave no connection: " + outcome.refusal->ours.message;
    answer.is_later = true;
  } else if (outcome.error != nullptr) {
    answer.problem = outcome.error->message;
  } else if (outcome.rows.size() != 1 || outcome.rows.front().size() != 1 || !outcome.rows.front().front()) {
    answer.problem = "the server's answer has no row";
  } else if (outcome.rows.front().front()->size() > kLongest) {
    answer.problem = "the server's answer is too long";
  } else {
    answer.text = *outcome.rows.front().front();
  }
  std::exchange(done_, {})(std::move(answer));
}

}  // namespace forebay::engine
