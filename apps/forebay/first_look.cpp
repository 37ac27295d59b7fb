#include "first_look.hpp"

#include "backend/decoding_question.hpp"
#include "backend/stream_wish.hpp"
#include "config/options.hpp"
#include "observe/log.hpp"

namespace forebay {

namespace {

constexpr const char* kMayLookUp =
    "SELECT pg_catalog.has_column_privilege('pg_catalog.pg_authid', 'rolpassword', 'SELECT')";

/// Whether passwords are looked up on the server.
bool looks_up(const config::Settings& settings) {
  const bool asks_password =
      settings.auth != config::AuthMode::trust && settings.auth != config::AuthMode::cert;
  return asks_password && !settings.upstream.user.empty();
}

/// A server that cannot be reached is logged by whoever tries.
bool is_refused_login(const backend::Login::Refusal& refusal) {
  const std::string_view code = wire::error_field(refusal.server_error, 'C');
  return code.starts_with("28") || code == wire::sqlstate::kInvalidCatalogName ||
         refusal.ours.sqlstate == wire::sqlstate::kInvalidPassword;
}

void log_no_cache(std::string_view server, std::string_view why) {
  observe::Event("no cache by itself").with("server", server).with("why", why).info();
}

void log_refusal(const config::Upstream& upstream, const backend::Login::Refusal& refusal) {
  if (!is_refused_login(refusal)) return;
  const bool ours = refusal.server_error.empty();
  observe::Event("the server refuses Forebay's own login")
      .with("upstream", config::masked_upstream(upstream))
      .with("reason",
            ours ? std::string_view(refusal.ours.message) : wire::error_field(refusal.server_error, 'M'))
      .warning();
}

}  // namespace

FirstLook::FirstLook(pgfront::Front& front) : settings_(front.settings()) {
  const bool is_cache_open = settings_->cache.enabled != config::CacheUse::off &&
                             !backend::StreamWish::of(settings_->cache).was_asked_for;
  const bool has_user = !settings_->upstream.user.empty();
  if (is_cache_open && !has_user) {
    log_no_cache(config::masked_upstream(settings_->upstream), "the upstream names no user");
  }
  if (has_user) ask(front, looks_up(*settings_), is_cache_open);
}

void FirstLook::ask(pgfront::Front& front, bool looks_up, bool is_cache_open) {
  auto pool = front.directory().for_roles("");
  if (!pool) return;
  const auto start = [&](std::string question, auto answered) {
    auto errand = std::make_unique<engine::Errand>(*pool, backend::intern({}), std::move(question), answered);
    errand->start();
    return errand;
  };
  if (looks_up) {
    rights_ = start(settings_->auth_query.empty() ? kMayLookUp : "",
                    [this](const engine::Errand::Outcome& outcome) { on_rights(outcome); });
  }
  if (is_cache_open) {
    decoding_ = start(backend::decoding_question(backend::Claim::spare, 0),
                      [this](const engine::Errand::Outcome& outcome) { on_decoding(outcome); });
  }
}

void FirstLook::on_decoding(const engine::Errand::Outcome& outcome) const {
  const config::Upstream& upstream = settings_->upstream;
  if (outcome.refusal != nullptr && rights_ == nullptr) log_refusal(upstream, *outcome.refusal);
  if (outcome.rows.empty()) return;
  const std::string server = config::masked_upstream(upstream);
  const auto& why = outcome.rows.front().front();
  if (!why || !why->empty()) return log_no_cache(server, why.value_or(""));
  observe::Event("the cache is on for databases that clients use").with("server", server).info();
}

void FirstLook::on_rights(const engine::Errand::Outcome& outcome) {
  const config::Upstream& upstream = settings_->upstream;
  if (outcome.refusal != nullptr) {
    log_refusal(upstream, *outcome.refusal);
  } else if (!outcome.rows.empty() && outcome.rows.front().front() == "f") {
    observe::Event("the upstream's user may not read pg_authid; grant it that, or set auth.query")
        .with("upstream", config::masked_upstream(upstream))
        .warning();
  }
}

}  // namespace forebay
