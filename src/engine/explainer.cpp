#include "engine/explainer.hpp"

#include <utility>

namespace forebay::engine {

void Explainer::ask(const Asker& asker, std::string sql, Errand::Afterwards afterwards, Done done) {
  auto pool = asker.pool.lock();
  if (pool == nullptr || pool->generation() != asker.pool_generation)
    return done({.problem = "the server that ran it is another one now", .is_later = true});
  if (errand_ != nullptr) return done({.problem = "another plan is being asked for", .is_later = true});
  if (pool->is_paused() || pool->waiting() > 0)
    return done({.problem = "clients wait for a backend, or the database is paused", .is_later = true});
  errand_ = std::make_unique<Errand>(
      std::move(pool), asker.profile, std::move(sql),
      [this, began = Clock::now(), done = std::move(done)](const Errand::Outcome& outcome) {
        finish(outcome, began, done);
      },
      asker.settings, afterwards);
  errand_->start();
}

void Explainer::finish(const Errand::Outcome& outcome, TimePoint began, const Done& done) {
  // The errand is on the call stack.
  loop_.defer([errand = std::shared_ptr<Errand>(std::move(errand_))]() mutable { errand.reset(); });
  Answer answer{.took = std::chrono::ceil<Duration>(Clock::now() - began)};
  if (outcome.refusal != nullptr) {
    answer.problem = "the server gave no connection: " + outcome.refusal->ours.message;
    answer.is_later = true;
  } else if (outcome.error != nullptr) {
    answer.problem = outcome.error->message;
  } else if (outcome.rows.size() != 1 || outcome.rows.front().size() != 1 || !outcome.rows.front().front()) {
    answer.problem = "the server's answer has no row";
  } else {
    answer.text = *outcome.rows.front().front();
  }
  done(std::move(answer));
}

}  // namespace forebay::engine
