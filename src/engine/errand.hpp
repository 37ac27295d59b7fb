#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backend/pool.hpp"

namespace forebay::engine {

/// Borrows a backend of a pool to ask the server one thing of our own, in a session with no settings but its
/// defaults, unless others are named; or just to make sure that there is one. Destroying it calls it off; the
/// callback then never comes. Used by one thread.
class Errand final : private backend::Borrower, private backend::Lessee {
 public:
  /// Exactly one of `refusal` (no backend), `error` (the server's answer was an error) or neither is set.
  struct Outcome {
    const backend::Login::Refusal* refusal = nullptr;
    const backend::QuestionError* error = nullptr;
    backend::Rows rows = {};
    backend::Backend* backend =
        nullptr;  ///< the one that was used, with no refusal; given back after the callback
  };
  using Done = std::function<void(Outcome outcome)>;
  /// What becomes of the backend.
  enum class Afterwards : std::uint8_t { given_back, closed_after_error, closed };

  /// `sql` may be empty: then only a backend is wanted. `done` may destroy the errand.
  Errand(std::shared_ptr<backend::Pool> pool, backend::ProfilePtr profile, std::string sql, Done done,
         backend::SessionSettingsPtr settings = nullptr, Afterwards afterwards = Afterwards::given_back);
  ~Errand();

  /// May call `done` before it returns.
  void start();
  /// A backend is busy with it: calling it off would cost that one.
  bool is_asking() const { return backend_ != nullptr; }

 private:
  void ask();
  void finish(const backend::QuestionError* error, backend::Rows rows);

  void on_checkout(backend::Backend& backend) override;
  void on_checkout_failed(const backend::Login::Refusal& refusal) override;
  const backend::ProfilePtr& wanted_profile() const override { return profile_; }
  const backend::SessionSettingsPtr& wanted_settings() const override { return settings_; }

  bool on_output(Bytes) override { return true; }
  void on_settled() override {}
  void on_drained() override {}
  void on_lost(const backend::Loss& loss) override;
  void on_done(const wire::Expectation&) override {}
  void on_skipped(const wire::Expectation&, bool) override {}
  std::optional<std::string_view> on_error(const wire::Expectation*, std::string_view body) override {
    return body;
  }
  void on_notification(std::byte*) override {}
  void on_ready() override {}

  const std::shared_ptr<backend::Pool> pool_;
  const backend::ProfilePtr profile_;
  const backend::SessionSettingsPtr settings_;  ///< null: none
  const Afterwards afterwards_;
  const std::string sql_;
  Done done_;
  backend::Backend* backend_ = nullptr;
  TimePoint started_at_{};
};

}  // namespace forebay::engine
