#include "engine/authority.hpp"

#include <fmt/format.h>

#include "engine/default_settings.hpp"
#include "net/loop.hpp"

namespace forebay::engine {

namespace {

/// Says at every login whether sessions have new defaults, and which role it is, too.
std::string default_query() {
  return "SELECT rolpassword, rolcanlogin, coalesce(rolvaliduntil OPERATOR(pg_catalog.<) pg_catalog.now(), "
         "false), " +
         std::string(kDefaultsFingerprint) +
         ", (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) $1)"
         " FROM pg_catalog.pg_authid WHERE rolname OPERATOR(pg_catalog.=) $1";
}

constexpr std::size_t kOwnColumns = 5;

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
  if (own_query && row.size() == kOwnColumns) {
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
                                                        const std::string& upstream_key,
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
      fmt::format("Correct `{}` in Forebay's configuration: its user, its password or its database.",
                  upstream_key)};
  return told;
}

/// Where the configuration has the upstream of an entry.
std::string upstream_key(const std::string& entry) {
  return entry.empty() ? "upstream" : fmt::format("databases.{}.upstream", entry);
}

}  // namespace

std::shared_ptr<void> Authority::find(const std::string& entry, const std::string& user, Found found) {
  const Role role{entry, user};
  if (const Account* account = configured(role)) {
    found(account, nullptr);
    return nullptr;
  }
  auto ticket = make_ticket(role, std::move(found));
  auto& lookup = lookups_[role];
  lookup.waiting.push_back(ticket);
  if (lookup.errand == nullptr) look_up(role);
  return ticket;
}

/// Null when the server has to be asked.
const Authority::Account* Authority::configured(const Role& role) {
  const auto settings = directory_.settings();
  // An upstream's own password must not be taken for that of the one that has come in its place.
  if (std::exchange(configured_by_, settings) != settings) configured_.clear();
  auto known = configured_.find(role);
  if (known == configured_.end()) {
    auto account = find_configured(*settings, role);
    if (!account) return nullptr;
    add_verifier(*account);
    known = configured_.emplace(role, std::move(*account)).first;
  }
  return &known->second;
}

std::optional<Authority::Account> Authority::find_configured(const config::Settings& settings,
                                                             const Role& role) const {
  const auto entry = settings.users.find(role.user);
  if (entry != settings.users.end() && !entry->second.password.empty()) {
    if (auto secret = wire::Secret::parse(entry->second.password))
      return Account{.secret = std::move(*secret)};
  }
  if (user_list_ != nullptr) {
    if (const auto at = user_list_->find(role.user); at != user_list_->end())
      return Account{.secret = at->second};
  }
  const config::Upstream* upstream = config::upstream_of(settings, role.entry);
  if (upstream != nullptr && role.user == upstream->user && !upstream->password.empty()) {
    return Account{.secret = wire::Secret(wire::SecretText(upstream->password)),
                   .server = backend::server_name(*upstream)};
  }
  return std::nullopt;
}

std::shared_ptr<Authority::Found> Authority::make_ticket(const Role& role, Found found) {
  return {new Found(std::move(found)), [this, role](const Found* gone) {
            delete gone;
            on_ticket_gone(role);
          }};
}

/// A question that waits for a backend while nobody waits for its answer would only be in the way of others.
void Authority::on_ticket_gone(const Role& role) {
  const auto lookup = lookups_.find(role);
  if (lookup == lookups_.end()) return;
  auto& waiting = lookup->second.waiting;
  std::erase_if(waiting, [](const auto& ticket) { return ticket.expired(); });
  if (waiting.empty() && !lookup->second.errand->is_asking()) lookups_.erase(lookup);
}

void Authority::look_up(const Role& role) {
  const auto settings = directory_.settings();
  const config::Upstream* upstream = config::upstream_of(*settings, role.entry);
  if (upstream != nullptr && upstream->user.empty()) {
    backend::Login::Refusal refusal;
    refusal.ours = {
        wire::Severity::fatal,
        std::string(wire::sqlstate::kInvalidAuthorization),
        fmt::format("the password of \"{}\" cannot be checked: no upstream user is configured to look it up",
                    role.user),
        {},
        fmt::format("Give `{}` a user, or list the role in auth.file or under `users`.",
                    upstream_key(role.entry))};
    return tell(role, nullptr, &refusal);
  }
  auto pool = directory_.for_roles(role.entry);
  if (!pool) {
    backend::Login::Refusal refusal;
    refusal.ours = {
        wire::Severity::fatal, std::string(wire::sqlstate::kConnectionFailure), pool.error().text, {}, {}};
    return tell(role, nullptr, &refusal);
  }
  const std::string sql =
      bind_name(settings->auth_query.empty() ? default_query() : settings->auth_query, role.user);
  auto errand =
      std::make_unique<Errand>(*pool, backend::intern({}), sql,
                               [this, role, asked_as = (*pool)->user()](const Errand::Outcome& outcome) {
                                 on_answer(role, asked_as, outcome);
                               });
  Errand& started = *errand;
  lookups_[role].errand = std::move(errand);
  started.start();
}

void Authority::on_answer(const Role& role, const std::string& asked_as, const Errand::Outcome& outcome) {
  const std::string key = upstream_key(role.entry);
  if (outcome.refusal != nullptr) {
    const auto own = own_login_failed(role.user, asked_as, key, *outcome.refusal);
    return tell(role, nullptr, own ? &*own : outcome.refusal);
  }
  if (outcome.error != nullptr) {
    backend::Login::Refusal refusal;
    refusal.ours = {
        wire::Severity::fatal,
        std::string(wire::sqlstate::kInvalidAuthorization),
        fmt::format("the password of \"{}\" cannot be checked: {}", role.user, outcome.error->message),
        {},
        fmt::format(
            "Give `{}` a user that may read pg_authid, set auth.query, or list the role in auth.file or "
            "under `users`.",
            key)};
    return tell(role, nullptr, &refusal);
  }
  const bool own_query = directory_.settings()->auth_query.empty();
  if (own_query) note_defaults(role, outcome);
  // Not remembered: a new password holds at once.
  Account account = account_of(outcome.rows, own_query);
  account.server = outcome.backend->target().name();
  add_verifier(account);
  tell(role, &account, nullptr);
}

/// A new session has the defaults of the present, and is of who has the name now; so is a client that logs in
/// now.
void Authority::note_defaults(const Role& role, const Errand::Outcome& outcome) {
  if (outcome.rows.empty() || outcome.rows.front().size() != kOwnColumns) return;
  const auto& defaults = outcome.rows.front()[3];
  const auto& oid = outcome.rows.front()[4];
  const backend::Backend& backend = *outcome.backend;
  const std::string& server = backend.target().name();
  if (defaults && are_new_defaults(server, *defaults)) directory_.renew_defaults();
  if (oid && is_another_role(role.entry, role.user, {server, *oid}))
    directory_.renew_role(role.entry, role.user);
}

void Authority::tell(const Role& role, const Account* account, const backend::Login::Refusal* refusal) {
  auto lookup = lookups_.extract(role);
  if (lookup.empty()) return;
  // The errand is on the call stack.
  net::Loop::current()->defer(
      [errand = std::shared_ptr<Errand>(std::move(lookup.mapped().errand))]() mutable { errand.reset(); });
  for (const auto& waiting : lookup.mapped().waiting) {
    if (const auto found = waiting.lock()) (*found)(account, refusal);
  }
}

}  // namespace forebay::engine
