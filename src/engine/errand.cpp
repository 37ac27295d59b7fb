#include "engine/errand.hpp"

#include "net/loop.hpp"

namespace forebay::engine {

Errand::Errand(std::shared_ptr<backend::Pool> pool, backend::ProfilePtr profile, std::string sql, Done done,
               backend::SessionSettingsPtr settings, Afterwards afterwards)
    : Borrower(false),
      pool_(std::move(pool)),
      profile_(std::move(profile)),
      settings_(std::move(settings)),
      afterwards_(afterwards),
      sql_(std::move(sql)),
      done_(std::move(done)) {
  // Who only wants a backend greets a client with what it says, and that has the defaults of now.
  if (sql_.empty()) set_defaults_generation(pool_->defaults_generation());
}

Errand::~Errand() {
  pool_->cancel_checkout(*this);
  if (backend_ != nullptr) pool_->discard(*backend_);
}

void Errand::start() {
  started_at_ = net::Loop::current()->now();
  pool_->checkout(*this);
}

void Errand::on_checkout(backend::Backend& backend) {
  backend.lend(*this);
  backend_ = &backend;
  if (sql_.empty()) return finish(nullptr, {});
  const std::string change = backend::settings_change(backend.settings(), settings_);
  if (change.empty()) return ask();
  // Under the settings of whoever had it last, another role or a search_path, the answer would be another.
  backend.ask(change, [this](const backend::QuestionError* error, const backend::Rows&) {
    if (error != nullptr) return finish(error, {});
    backend_->set_settings(settings_);
    ask();
  });
}

void Errand::ask() {
  backend_->ask(sql_, [this](const backend::QuestionError* error, backend::Rows rows) {
    finish(error, std::move(rows));
  });
}

/// The callback comes first: giving back may hand the backend to somebody else.
void Errand::finish(const backend::QuestionError* error, backend::Rows rows) {
  backend::Backend& used = *std::exchange(backend_, nullptr);
  const Done done = std::move(done_);
  const auto pool = pool_;
  const bool closes = afterwards_ == Afterwards::closed ||
                      (afterwards_ == Afterwards::closed_after_error && error != nullptr);
  done({.error = error, .rows = std::move(rows), .backend = &used});
  closes ? pool->discard(used) : pool->give_back(used);
}

void Errand::on_checkout_failed(const backend::Login::Refusal& refusal) {
  const Done done = std::move(done_);
  done({.refusal = &refusal});
}

void Errand::on_lost(const backend::Loss& loss) {
  const backend::Backend& lost = *std::exchange(backend_, nullptr);
  // It may have been dead for as long as it was idle. One that was opened for us says how things are. What
  // may take long is not asked again: it may be what the backend was given up for.
  const bool is_quick = afterwards_ == Afterwards::given_back;
  if (is_quick && lost.opened_at() < started_at_) return pool_->checkout(*this);
  const Done done = std::move(done_);
  const backend::Login::Refusal refusal{{}, loss.error};
  done({.refusal = &refusal});
}

}  // namespace forebay::engine
