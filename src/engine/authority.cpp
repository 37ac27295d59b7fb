#include "engine/authority.hpp"

#include <fmt/format.h>

#include "engine/default_settings.hpp"
#include "net/loop.hpp"

namespace forebay::engine {

namespace {

/// Says at every login whether sessions have new defaults, too.
std::string default_query() {
  return "SELECT rolpassword, rolcanlogin, coalesce(rolvaliduntil OPERATOR(pg_catalog.<) pg_catalog.now(), "
         "false), " +
         std::string(kDefaultsFingerprint) +
         " FROM pg_catalog.pg_authid WHERE rolname OPERATOR(pg_catalog.=) $1";
}

std::string bind_name(std::string sql, const std::string& user) {
  const std::string literal = backend::quote_literal(user);
  for (auto at = sql.find("$1"); at != std::string::npos; at = sql.find("$1", at + literal.size())) {
    sql.replace(at, 2, literal);
  }
  return sql;
}

/// The configured query answers with the secret in its last of one or two columns (user, secret), as
/// PgBouncer's does.
Authority::Account account_of(const backend::Rows& rows, bool own_query) {
  Authority::Account account;
  if (rows.empty() || rows.front().empty()) {
    account.exists = false;
    return account;
  }
  const wire::Row& row = rows.front();
  const auto& secret = own_query ? row.front() : row.back();
  if (secret) {
    if (auto parsed = wire::Secret::parse(*secret)) account.secret = std::move(*parsed);
  }
  if (own_query && row.size() == 4) {
    account.may_login = row[1] == "t";
    account.expired = row[2] == "t";
  }
  return account;
}

/// Deriving a verifier from a password in clear costs a millisecond.
void add_verifier(Authority::Account& account) {
  if (auto verifier = account.secret.scram_verifier()) account.verifier = std::move(*verifier);
}

/// No client's password is to blame when the server refuses Forebay's own login. Nothing for other refusals.
std::optional<backend::Login::Refusal> own_login_failed(const std::string& user, const std::string& own_user,
                                                        const backend::Login::Refusal& refusal) {
  const std::string_view code = wire::error_field(refusal.server_error, 'C');
  if (!code.starts_with("28") && code != wire::sqlstate::kInvalidCatalogName) return std::nullopt;
  backend::Login::Refusal told;
  told.ours = {
      wire::Severity::fatal,
      std::string(wire::sqlstate::kConnectionFailure),
      fmt::format("the password of \"{}\" cannot be checked: the server refuses Forebay's own login as "
                  "\"{}\": {}",
                  user, own_user, wire::error_field(refusal.server_error, 'M')),
      {},
      "Correct `upstream` in Forebay's configuration: its user, its password or its database."};
  return told;
}

}  // namespace

std::shared_ptr<void> Authority::find(const std::string& user, Found found) {
  auto known = configured_.find(user);
  if (known == configured_.end()) {
    if (auto secret = configured(user)) {
      Account account;
      account.secret = std::move(*secret);
      add_verifier(account);
      known = configured_.emplace(user, std::move(account)).first;
    }
  }
  if (known != configured_.end()) {
    found(&known->second, nullptr);
    return nullptr;
  }
  auto ticket = make_ticket(user, std::move(found));
  auto& lookup = lookups_[user];
  lookup.waiting.push_back(ticket);
  if (lookup.errand == nullptr) look_up(user);
  return ticket;
}

std::optional<wire::Secret> Authority::configured(const std::string& user) const {
  const auto settings = directory_.settings();
  const auto entry = settings->users.find(user);
  if (entry != settings->users.end() && !entry->second.password.empty()) {
    if (auto secret = wire::Secret::parse(entry->second.password)) return std::move(*secret);
  }
  if (user_list_ != nullptr) {
    if (const auto at = user_list_->find(user); at != user_list_->end()) return at->second;
  }
  if (user == settings->upstream.user && !settings->upstream.password.empty()) {
    return wire::Secret(wire::SecretText(settings->upstream.password));
  }
  return std::nullopt;
}

std::shared_ptr<Authority::Found> Authority::make_ticket(const std::string& user, Found found) {
  return {new Found(std::move(found)), [this, user](const Found* gone) {
            delete gone;
            on_ticket_gone(user);
          }};
}

/// A question that waits for a backend while nobody waits for its answer would only be in the way of others.
void Authority::on_ticket_gone(const std::string& user) {
  const auto lookup = lookups_.find(user);
  if (lookup == lookups_.end()) return;
  auto& waiting = lookup->second.waiting;
  std::erase_if(waiting, [](const auto& ticket) { return ticket.expired(); });
  if (waiting.empty() && !lookup->second.errand->is_asking()) lookups_.erase(lookup);
}

void Authority::look_up(const std::string& user) {
  const auto settings = directory_.settings();
  const config::Upstream& upstream = settings->upstream;
  if (upstream.user.empty()) {
    backend::Login::Refusal refusal;
    refusal.ours = {
        wire::Severity::fatal,
        std::string(wire::sqlstate::kInvalidAuthorization),
        fmt::format("the password of \"{}\" cannot be checked: no upstream user is configured to look it up",
                    user),
        {},
        "Give `upstream` a user, or list the role in auth.file or under `users`."};
    return tell(user, nullptr, &refusal);
  }
  const std::string database = upstream.database.empty() ? "postgres" : upstream.database;
  auto pool = directory_.find_or_create(upstream.user, database);
  if (!pool) {
    backend::Login::Refusal refusal;
    refusal.ours = {
        wire::Severity::fatal, std::string(wire::sqlstate::kConnectionFailure), pool.error().text, {}, {}};
    return tell(user, nullptr, &refusal);
  }
  if (!upstream.password.empty()) (*pool)->set_credentials(wire::SecretText(upstream.password));
  const std::string sql =
      bind_name(settings->auth_query.empty() ? default_query() : settings->auth_query, user);
  auto errand =
      std::make_unique<Errand>(*pool, backend::intern({}), sql,
                               [this, user](const Errand::Outcome& outcome) { on_answer(user, outcome); });
  Errand& started = *errand;
  lookups_[user].errand = std::move(errand);
  started.start();
}

void Authority::on_answer(const std::string& user, const Errand::Outcome& outcome) {
  if (outcome.refusal != nullptr) {
    const auto own = own_login_failed(user, directory_.settings()->upstream.user, *outcome.refusal);
    return tell(user, nullptr, own ? &*own : outcome.refusal);
  }
  if (outcome.error != nullptr) {
    backend::Login::Refusal refusal;
    refusal.ours = {wire::Severity::fatal,
                    std::string(wire::sqlstate::kInvalidAuthorization),
                    fmt::format("the password of \"{}\" cannot be checked: {}", user, outcome.error->message),
                    {},
                    "Give `upstream` a user that may read pg_authid, set auth.query, or list the role in "
                    "auth.file or under "
                    "`users`."};
    return tell(user, nullptr, &refusal);
  }
  const bool own_query = directory_.settings()->auth_query.empty();
  if (own_query) note_defaults(outcome);
  // Not remembered: a new password holds at once.
  Account account = account_of(outcome.rows, own_query);
  add_verifier(account);
  tell(user, &account, nullptr);
}

/// A new session has the defaults of the present; so has a client that logs in now.
void Authority::note_defaults(const Errand::Outcome& outcome) {
  if (outcome.rows.empty() || outcome.rows.front().size() != 4 || !outcome.rows.front()[3]) return;
  backend::Pool& pool = outcome.backend->pool();
  if (are_new_defaults(pool.target()->name(), *outcome.rows.front()[3])) pool.renew_all();
}

void Authority::tell(const std::string& user, const Account* account,
                     const backend::Login::Refusal* refusal) {
  auto lookup = lookups_.extract(user);
  if (lookup.empty()) return;
  // The errand is on the call stack.
  net::Loop::current()->defer(
      [errand = std::shared_ptr<Errand>(std::move(lookup.mapped().errand))]() mutable { errand.reset(); });
  for (const auto& waiting : lookup.mapped().waiting) {
    if (const auto found = waiting.lock()) (*found)(account, refusal);
  }
}

}  // namespace forebay::engine
