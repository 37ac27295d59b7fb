#include "first_look.hpp"

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

}  // namespace

FirstLook::FirstLook(pgfront::Front& front) : settings_(front.settings()) {
  if (!looks_up(*settings_)) return;
  const config::Upstream& upstream = settings_->upstream;
  auto pool = front.directory().find_or_create(upstream.user,
                                               upstream.database.empty() ? "postgres" : upstream.database);
  if (!pool) return;
  if (!upstream.password.empty()) (*pool)->set_credentials(wire::SecretText(upstream.password));
  errand_ = std::make_unique<engine::Errand>(
      *pool, backend::intern({}), settings_->auth_query.empty() ? kMayLookUp : "",
      [this](const engine::Errand::Outcome& outcome) { on_answer(outcome); });
  errand_->start();
}

void FirstLook::on_answer(const engine::Errand::Outcome& outcome) {
  const config::Upstream& upstream = settings_->upstream;
  if (outcome.refusal != nullptr && is_refused_login(*outcome.refusal)) {
    const bool ours = outcome.refusal->server_error.empty();
    observe::Event("the server refuses Forebay's own login")
        .with("upstream", config::masked_upstream(upstream))
        .with("reason", ours ? std::string_view(outcome.refusal->ours.message)
                             : wire::error_field(outcome.refusal->server_error, 'M'))
        .warning();
  } else if (!outcome.rows.empty() && outcome.rows.front().front() == "f") {
    observe::Event("the upstream's user may not read pg_authid; grant it that, or set auth.query")
        .with("upstream", config::masked_upstream(upstream))
        .warning();
  }
}

}  // namespace forebay
