#include "engine/errand.hpp"

namespace forebay::engine {

Errand::Errand(std::shared_ptr<backend::Pool> pool, backend::ProfilePtr profile, std::string sql, Done done)
    : pool_(std::move(pool)), profile_(std::move(profile)), sql_(std::move(sql)), done_(std::move(done)) {}

Errand::~Errand() {
  pool_->cancel_checkout(*this);
  if (backend_ != nullptr) pool_->discard(*backend_);
}

void Errand::start() {
  pool_->checkout(*this);
}

void Errand::on_checkout(backend::Backend& backend) {
  backend.lend(*this);
  if (sql_.empty()) {
    // The callback comes first: giving back may hand the backend to somebody else.
    const Done done = std::move(done_);
    const auto pool = pool_;
    done({.backend = &backend});
    return pool->give_back(backend);
  }
  backend_ = &backend;
  backend.ask(sql_, [this](const backend::QuestionError* error, backend::Rows rows) {
    backend::Backend& used = *std::exchange(backend_, nullptr);
    const Done done = std::move(done_);
    const auto pool = pool_;
    done({.error = error, .rows = std::move(rows), .backend = &used});
    pool->give_back(used);
  });
}

void Errand::on_checkout_failed(const backend::Login::Refusal& refusal) {
  const Done done = std::move(done_);
  done({.refusal = &refusal});
}

void Errand::on_lost(const wire::ErrorMessage& error, bool) {
  backend_ = nullptr;
  const Done done = std::move(done_);
  const backend::Login::Refusal refusal{{}, error};
  done({.refusal = &refusal});
}

}  // namespace forebay::engine
