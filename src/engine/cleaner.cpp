#include "engine/cleaner.hpp"

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/effect_sets.hpp"
#include "net/loop.hpp"

namespace forebay::engine {

namespace {

/// What a client that vanished has sent may go on for so long, and so may a question of ours that was on its
/// way: it costs a cancelled backend less often, and a statement that was sent whole is done, as PostgreSQL
/// does it.
constexpr Duration kGrace{1'000};

/// What becomes of the backend when all is answered.
enum class End : std::uint8_t { given_back, cleaned, closed };

/// Lessee of a backend while it is cleaned.
class Cleaner final : public backend::Lessee {
 public:
  Cleaner(backend::Pool& pool, backend::Backend& backend, End end, Departure departure)
      : pool_(pool), backend_(backend), end_(end), patience_([this] { give_up(); }) {
    backend.lend(*this);
    is_asking_ = backend.is_asking();
    if (is_asking_) backend.redirect_answer([this](const auto* error, const auto&) { on_answer(error); });
    if (is_asking_ || departure == Departure::vanished) patience_.start(*net::Loop::current(), kGrace);
  }

  void next() {
    if (is_asking_) return;
    if (backend_.tracker().may_be_over()) return ask(";");
    if (!backend_.is_settled()) return;
    if (end_ == End::closed) return close();
    if (backend_.tracker().transaction_status() != 'I') return ask("ROLLBACK");
    if (end_ == End::cleaned) {
      end_ = End::given_back;
      return ask("DISCARD ALL");
    }
    finish();
  }

  bool on_output(Bytes) override {
    const wire::ReplyTracker& tracker = backend_.tracker();
    if (tracker.is_copy_in() || tracker.may_want_sync()) {
      close();  // nobody is left who could send it
      return false;
    }
    if (tracker.may_be_over()) next();
    return true;
  }
  void on_settled() override { next(); }
  void on_drained() override { next(); }
  void on_lost(const backend::Loss&) override { remove(); }
  void on_done(const wire::Expectation&) override {}
  /// What the client had sent before it left failed: which statements are prepared here is not known.
  void on_skipped(const wire::Expectation&, bool) override {
    if (end_ == End::given_back) end_ = End::cleaned;
  }
  std::optional<std::string_view> on_error(const wire::Expectation*, std::string_view body) override {
    return body;
  }
  void on_notification(std::byte*) override {}
  void on_ready() override {}

 private:
  void ask(std::string_view sql) {
    const bool all = sql == "DISCARD ALL";
    is_asking_ = true;
    backend_.ask(sql, [this, all](const backend::QuestionError* error, const backend::Rows&) {
      if (all && error == nullptr) {
        backend_.set_settings(nullptr);
        backend_.prepared().clear();
        backend_.set_sequence_owner(backend::ClientId::nobody);
      }
      on_answer(error);
    });
  }

  void on_answer(const backend::QuestionError* error) {
    is_asking_ = false;
    error == nullptr ? next() : close();
  }

  void give_up() {
    backend_.request_cancel();
    close();
  }

  void close() {
    pool_.discard(backend_);
    remove();
  }

  void finish() {
    pool_.give_back(backend_);
    remove();
  }

  void remove();

  backend::Pool& pool_;
  backend::Backend& backend_;
  End end_;
  bool is_asking_ = false;
  net::Timer patience_;
};

/// Those at work on this thread.
std::vector<std::unique_ptr<Cleaner>>& cleaners() {
  thread_local std::vector<std::unique_ptr<Cleaner>> at_work;
  return at_work;
}

void Cleaner::remove() {
  patience_.cancel();
  net::Loop::current()->defer(
      [this] { std::erase_if(cleaners(), [this](const auto& cleaner) { return cleaner.get() == this; }); });
}

}  // namespace

void clean_and_give_back(backend::Pool& pool, backend::Backend& backend, sql::Effects effects, bool held,
                         backend::ClientId client, Departure departure) {
  const bool closes =
      effects.any_of(kLeaveTraces) || backend::leaves_placeholders(backend.settings(), nullptr);
  const bool cleans = held || !effects.only(kLeaveNothing);
  const End end = closes ? End::closed : cleans ? End::cleaned : End::given_back;
  if (effects.has(Effect::advances_sequence)) backend.set_sequence_owner(client);
  if (end == End::given_back && backend.is_settled() && backend.tracker().transaction_status() == 'I')
    return pool.give_back(backend);
  // Goes when the backend is clean, or gone.
  cleaners().push_back(std::make_unique<Cleaner>(pool, backend, end, departure));
  cleaners().back()->next();
}

}  // namespace forebay::engine
