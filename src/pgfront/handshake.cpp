#include "pgfront/handshake.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

#include "pgfront/client.hpp"
#include "pgfront/connection_log.hpp"
#include "pgfront/console.hpp"
#include "pgfront/front.hpp"
#include "pgfront/worker.hpp"
#include "wire/protocol.hpp"
#include "wire/writer.hpp"

namespace forebay::pgfront {

namespace {

/// Answers to SSLRequest and GSSENCRequest.
constexpr std::byte kYes[] = {std::byte{'S'}}, kNo[] = {std::byte{'N'}};

/// Longest password message: PostgreSQL's PG_MAX_AUTH_TOKEN_LENGTH.
constexpr std::uint32_t kMaxPasswordMessage = 65535;

/// Names under which the console answers; the second so that existing exporters work.
constexpr std::string_view kConsoleNames[] = {"forebay", "pgbouncer"};

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

Handshake::Handshake(Client& client) : client_(client) {}

Handshake::~Handshake() {
  note_vain_wait();
}

bool Handshake::is_console() const {
  return std::ranges::find(kConsoleNames, startup_.database) != std::end(kConsoleNames);
}

std::size_t Handshake::on_input(const std::byte* bytes, std::size_t size) {
  switch (step_) {
    case Step::first_packet:
      return on_first_packet(bytes, size);
    case Step::clear_password:
    case Step::md5:
    case Step::scram_first:
    case Step::scram_final:
      return on_password_message(bytes, size);
    case Step::looking_up:
    case Step::greeting:
    case Step::cancelling:
    case Step::done:
      return 0;
  }
  return 0;
}

// --- start-up packet
// ---------------------------------------------------------------------------------------------

std::size_t Handshake::on_first_packet(const std::byte* bytes, std::size_t size) {
  if (size < 4) return 0;
  const std::size_t length = load_u32(bytes);
  if (length < 8 || length > wire::kMaxStartupSize) {
    refuse(wire::sqlstate::kProtocolViolation, "invalid length of startup packet");
    return size;
  }
  if (size < length) return 0;
  auto packet = wire::parse_first_packet(as_text({bytes + 4, length - 4}));
  if (!packet) {
    const bool other_protocol = packet.error().code == ErrorCode::unsupported;
    if (other_protocol && load_u32(bytes + 4) >> 16 < 3) {
      refuse_in_old_format(packet.error().text);
      return size;
    }
    const bool no_user = packet.error().code == ErrorCode::authentication;
    refuse(other_protocol ? wire::sqlstate::kFeatureNotSupported
           : no_user      ? wire::sqlstate::kInvalidAuthorization
                          : wire::sqlstate::kProtocolViolation,
           packet.error().text);
    return size;
  }
  if (std::holds_alternative<wire::SslRequest>(*packet)) {
    on_ssl_request(size > length);
  } else if (std::holds_alternative<wire::GssRequest>(*packet)) {
    on_gss_request();
  } else if (const auto* cancel = std::get_if<wire::CancelRequest>(&*packet)) {
    pass_on(cancel->key);
  } else {
    on_startup(std::move(std::get<wire::StartupMessage>(*packet)));
  }
  return length;
}

/// As PostgreSQL, we take a request that makes no sense any more for a start-up packet of another protocol.
void Handshake::refuse_request(std::uint32_t code) {
  refuse(wire::sqlstate::kFeatureNotSupported, wire::unsupported_protocol(code));
}

void Handshake::on_gss_request() {
  if (asked_for_gss_ || client_.stream().has_tls()) return refuse_request(wire::kGssRequestCode);
  asked_for_gss_ = true;
  client_.send(kNo);
}

void Handshake::on_ssl_request(bool more_bytes) {
  if (asked_for_tls_) return refuse_request(wire::kSslRequestCode);
  asked_for_tls_ = true;
  if (client_.worker().front().tls() == nullptr) {
    client_.send(kNo);
    return;
  }
  if (more_bytes) {
    return refuse(wire::sqlstate::kProtocolViolation, "received unencrypted data after SSL request");
  }
  client_.send(kYes);
  client_.start_tls();
}

/// As with PostgreSQL, the end of the connection says that the server has been told: a client that waits for
/// it may send its next query without fear.
void Handshake::pass_on(const wire::CancelKey& cancel) {
  step_ = Step::cancelling;
  alive_ = std::make_shared<char>();
  net::Loop& loop = client_.worker().loop();
  // Let go by whichever thread is the last; while the handshake lives, so does the loop.
  const std::shared_ptr<void> waiting(nullptr,
                                      [this, &loop, alive = std::weak_ptr<void>(alive_)](std::nullptr_t) {
                                        if (alive.expired()) return;
                                        loop.post([this, alive] {
                                          if (!alive.expired()) client_.finish(nullptr);
                                        });
                                      });
  Worker::cancel(client_.worker().front(), cancel, waiting);
}

void Handshake::on_startup(wire::StartupMessage message) {
  startup_ = std::move(message);
  if (!check_tls() || !enter()) return;
  if (startup_.minor > 0 || !startup_.unknown_options.empty()) negotiate_version();
  authenticate();
}

/// https://www.postgresql.org/docs/15/protocol-message-formats.html, NegotiateProtocolVersion.
void Handshake::negotiate_version() {
  wire::Writer writer;
  writer.begin('v').u32(wire::kProtocol30).u32(static_cast<std::uint32_t>(startup_.unknown_options.size()));
  for (const auto& name : startup_.unknown_options) writer.cstring(name);
  client_.send(writer.end().bytes());
}

bool Handshake::check_tls() {
  const auto settings = client_.worker().front().settings();
  const bool required = settings->tls.mode >= config::TlsMode::require;
  if (!required || client_.stream().has_tls() || client_.is_local_socket()) return true;
  refuse(wire::sqlstate::kInvalidAuthorization, "connection requires TLS",
         "Connect with sslmode=require or stronger.");
  return false;
}

bool Handshake::enter() {
  Front& front = client_.worker().front();
  if (front.is_closed()) {
    refuse(wire::sqlstate::kCannotConnectNow, kShuttingDown);
    return false;
  }
  if (!is_console() && !front.try_enter()) {
    refuse(wire::sqlstate::kTooManyConnections, "sorry, too many clients already",
           fmt::format("The limit is limits.max_clients = {}.", front.settings()->limits.max_clients));
    return false;
  }
  entered_ = !is_console();
  client_.count_in(entered_);
  return true;
}

// --- proof
// -------------------------------------------------------------------------------------------------------

void Handshake::authenticate() {
  const auto settings = client_.worker().front().settings();
  switch (settings->auth) {
    case config::AuthMode::trust:
      if (!client_.is_local()) {
        return refuse(wire::sqlstate::kInvalidAuthorization,
                      "trust authentication is for connections from this machine only",
                      "Set auth.mode to scram.");
      }
      return accept({});
    case config::AuthMode::cert:
      return check_certificate();
    default:
      break;
  }
  step_ = Step::looking_up;
  // Roles of the same name on two servers need not be one person. The console is the main upstream's.
  const std::string entry = is_console() ? "" : config::upstream_entry(*settings, startup_.database);
  lookup_ = client_.worker().authority().find(
      entry, startup_.user,
      [this](const auto* account, const auto* refusal) { on_account(account, refusal); });
}

void Handshake::on_account(const engine::Authority::Account* account,
                           const backend::Login::Refusal* refusal) {
  if (account == nullptr) return refuse(*refusal);
  account_ = *account;
  switch (client_.worker().front().settings()->auth) {
    case config::AuthMode::password:
      ask_for_clear_password();
      break;
    case config::AuthMode::md5:
      // As PostgreSQL's own md5 method: a role with a SCRAM verifier is asked for SCRAM.
      if (account_.secret.md5_hash(startup_.user).has_value()) {
        ask_for_md5();
      } else {
        ask_for_scram();
      }
      break;
    default:
      ask_for_scram();
  }
  client_.resume_input();
}

void Handshake::request_authentication(std::uint32_t code, std::string_view data) {
  wire::Writer writer;
  client_.send(writer.begin('R').u32(code).text(data).end().bytes());
}

void Handshake::ask_for_scram() {
  const auto binding = client_.stream().channel_binding();
  if (account_.verifier) {
    scram_.emplace(*account_.verifier, binding);
  } else {
    scram_.emplace(
        wire::ScramServer::for_unknown_user(startup_.user, client_.worker().front().scram_secret(), binding));
  }
  step_ = Step::scram_first;
  request_authentication(wire::authentication::kSasl, wire::sasl_mechanism_list(!binding.empty()));
}

void Handshake::ask_for_md5() {
  md5_salt_ = wire::make_md5_salt();
  step_ = Step::md5;
  request_authentication(wire::authentication::kMd5Password, as_text(md5_salt_));
}

void Handshake::ask_for_clear_password() {
  step_ = Step::clear_password;
  request_authentication(wire::authentication::kCleartextPassword, {});
}

std::size_t Handshake::on_password_message(const std::byte* bytes, std::size_t size) {
  if (size < wire::kHeaderSize) return 0;
  const wire::Header header = wire::read_header(bytes);
  const bool scram = step_ == Step::scram_first || step_ == Step::scram_final;
  const std::size_t longest = scram ? wire::kMaxSaslFromClient + 64 : kMaxPasswordMessage;
  if (header.type == wire::frontend::kTerminate) {
    client_.finish(nullptr);
    return size;
  }
  if (header.type != wire::frontend::kPassword) {
    refuse(wire::sqlstate::kProtocolViolation,
           fmt::format("expected password response, got message type {}", static_cast<int>(header.type)));
    return size;
  }
  if (header.length < 4 || header.length > longest) {
    refuse(wire::sqlstate::kProtocolViolation, "invalid password packet size");
    return size;
  }
  if (header.total() > size) return 0;
  const std::string_view body = as_text({bytes + wire::kHeaderSize, header.body()});
  switch (step_) {
    case Step::scram_first:
      on_scram_first(body);
      break;
    case Step::scram_final:
      on_scram_final(body);
      break;
    default: {
      if (body.find('\0') != body.size() - 1 || body.empty()) {
        refuse(wire::sqlstate::kProtocolViolation, "invalid password packet size");
        return size;
      }
      const std::string_view answer = body.substr(0, body.size() - 1);
      if (step_ == Step::md5) {
        on_md5(answer);
      } else {
        on_clear_password(answer);
      }
    }
  }
  return header.total();
}

void Handshake::on_clear_password(std::string_view password) {
  if (password.empty() || !account_.exists || !account_.secret.matches(startup_.user, password))
    return refuse_password();
  accept(wire::SecretText(password));
}

void Handshake::on_md5(std::string_view answer) {
  const auto hash = account_.secret.md5_hash(startup_.user);
  if (!hash || !hash->accepts(answer, md5_salt_)) return refuse_password();
  if (const auto* plain = account_.secret.plain()) return accept(*plain);
  accept(*hash);
}

void Handshake::on_scram_first(std::string_view body) {
  auto initial = wire::parse_sasl_initial_response(as_bytes(body));
  if (!initial) return refuse(initial.error());
  if (!initial->response) {
    return refuse(wire::sqlstate::kProtocolViolation,
                  "SASL authentication without an initial response is not supported");
  }
  auto reply = scram_->start(initial->mechanism, *initial->response);
  if (!reply) return refuse(reply.error());
  step_ = Step::scram_final;
  request_authentication(wire::authentication::kSaslContinue, *reply);
}

void Handshake::on_scram_final(std::string_view body) {
  auto reply = scram_->finish(body);
  if (!reply) return refuse(reply.error());
  request_authentication(wire::authentication::kSaslFinal, *reply);
  if (const auto* plain = account_.secret.plain()) return accept(*plain);
  accept(scram_->keys());
}

void Handshake::check_certificate() {
  if (client_.stream().peer_verified() && client_.stream().peer_common_name() == startup_.user) {
    return accept({});
  }
  refuse(wire::sqlstate::kInvalidAuthorization,
         fmt::format("certificate authentication failed for user \"{}\"", startup_.user),
         "Present a certificate of a trusted authority whose common name is the user's name.");
}

// --- the session
// -------------------------------------------------------------------------------------------------

/// Those that hold for this client, under the keys that set them.
std::string Handshake::limits_on_clients() const {
  const auto settings = client_.worker().front().settings();
  const auto user = settings->users.find(startup_.user);
  auto database = settings->databases.find(startup_.database);
  if (database == settings->databases.end()) database = settings->databases.find("*");
  std::string text;
  const auto add = [&text](const std::string& key, std::uint32_t limit) {
    if (limit > 0) text += fmt::format("{}{} = {}", text.empty() ? "The limit is " : ", ", key, limit);
  };
  if (user != settings->users.end() && user->second.pool.max_clients) {
    add(fmt::format("users.{}.limits.max_clients", user->first), *user->second.pool.max_clients);
  } else {
    add("limits.max_clients_per_user", settings->limits.max_clients_per_user);
  }
  if (database != settings->databases.end() && database->second.pool.max_clients) {
    add(fmt::format("databases.{}.limits.max_clients", database->first), *database->second.pool.max_clients);
  } else {
    add("limits.max_clients_per_database", settings->limits.max_clients_per_database);
  }
  return text.empty() ? text : text + ".";
}

void Handshake::accept(backend::Credentials credentials) {
  // What PostgreSQL checks after the password, so that strangers learn nothing.
  if (!account_.exists) return refuse_password();
  if (account_.expired) return refuse_password();
  if (!account_.may_login) {
    return refuse(wire::sqlstate::kInvalidAuthorization,
                  fmt::format("role \"{}\" is not permitted to log in", startup_.user));
  }
  if (is_console()) return start_console();
  if (client_.worker().front().directory().is_disabled(startup_.database)) {
    return refuse(wire::sqlstate::kNotInThatState,
                  fmt::format("database \"{}\" is not currently accepting connections", startup_.database),
                  "An administrator has disabled it.");
  }
  auto pool = client_.worker().front().directory().find_or_create(startup_.user, startup_.database);
  if (!pool) return refuse(wire::sqlstate::kInvalidCatalogName, pool.error().text);
  pool_ = std::move(*pool);
  // Behind the pool: a reload may have come since the role was looked up.
  if (!account_.server.empty() &&
      !client_.worker().front().directory().may_live_on(startup_.database, account_.server)) {
    return refuse(wire::sqlstate::kCannotConnectNow,
                  fmt::format("database \"{}\" has moved to another server since the password of \"{}\" was "
                              "looked up on {}",
                              startup_.database, startup_.user, account_.server),
                  "Connect again.");
  }
  if (auto admitted = pool_->admit(permits_); !admitted) {
    return refuse(wire::sqlstate::kTooManyConnections, admitted.error().text, limits_on_clients());
  }
  if (std::holds_alternative<std::monostate>(credentials))
    credentials = backend::configured_credentials(*client_.worker().front().settings(),
                                                  pool_->target()->upstream(), startup_.user);
  if (!std::holds_alternative<std::monostate>(credentials)) pool_->set_credentials(std::move(credentials));
  profile_ = backend::intern({std::move(startup_.parameters), startup_.replication});
  if (backend::Backend* home = pool_->find_lodging(profile_)) return greet_from(*home);
  if (const auto known = pool_->known_greeting(profile_)) return greet(*known, nullptr);
  step_ = Step::greeting;
  waiting_since_ = client_.worker().loop().now();
  greeting_ = std::make_unique<engine::Errand>(pool_, profile_, std::string(),
                                               [this](const engine::Errand::Outcome& outcome) {
                                                 if (outcome.refusal != nullptr)
                                                   return refuse(*outcome.refusal);
                                                 greet_from(*outcome.backend);
                                               });
  greeting_->start();
}

/// As the pool and the session do for a statement. Who got one was let in by the pool's first backend, and
/// has borrowed none.
void Handshake::note_vain_wait() {
  if (awaited_pool() == nullptr) return;
  const std::uint64_t micros = micros_between(waiting_since_, client_.worker().loop().now());
  backend::PoolCounters::add(pool_->counters().failed_checkouts, 1);
  backend::PoolCounters::add(pool_->counters().wait_micros, micros);
  engine::StatementTable& table = client_.worker().statements();
  if (table.is_enabled()) table.latencies(table.number_of(pool_->database())).waits.add(micros);
}

void Handshake::greet_from(backend::Backend& home) {
  greet({home.greeting(), home.cancel_key().process_id}, &home);
}

void Handshake::greet(const backend::Greeting& greeting, backend::Backend* home) {
  wire::Writer writer;
  writer.begin('R').u32(wire::authentication::kOk).end();
  if (startup_.notice) wire::write_error(writer, *startup_.notice);
  for (const auto& [name, value] : greeting.parameters) {
    const bool own = name == "application_name" && !startup_.application_name.empty();
    writer.begin('S').cstring(name).cstring(own ? startup_.application_name : value).end();
  }
  const wire::CancelKey key = client_.identify(greeting.process_id);
  writer.begin('K').u32(key.process_id).u32(key.secret).end();
  writer.begin('Z').u8('I').end();
  client_.send(writer.bytes());
  step_ = Step::done;
  const std::uint64_t generation = pool_->generation();
  auto cache = client_.worker().front().caches().find_or_create(*pool_);
  client_.start_session({.pool = std::move(pool_),
                         .permits = std::move(permits_),
                         .profile = std::move(profile_),
                         .application_name = std::move(startup_.application_name),
                         .cache = std::move(cache),
                         .pool_generation = generation,
                         .statements = &client_.worker().statements()},
                        home);
}

void Handshake::start_console() {
  const auto settings = client_.worker().front().settings();
  const bool upstreams_own = settings->admin_users.empty() &&
                             (startup_.user == settings->upstream.user || settings->upstream.user.empty());
  const bool administers = upstreams_own || contains(settings->admin_users, startup_.user);
  if (!administers && !contains(settings->stats_users, startup_.user)) {
    return refuse(wire::sqlstate::kInsufficientPrivilege,
                  fmt::format("user \"{}\" may not use the console", startup_.user),
                  "List it under admin.users or admin.stats_users.");
  }
  step_ = Step::done;
  client_.identify(static_cast<std::uint32_t>(::getpid()));
  client_.start_console({startup_.user, startup_.database, startup_.application_name, administers});
}

// --- refusals
// ----------------------------------------------------------------------------------------------------

void Handshake::refuse(std::string_view sqlstate, std::string message, std::string hint) {
  report_refused_login(client_, startup_.user, startup_.database, sqlstate, message);
  tell_refusal(sqlstate, std::move(message), std::move(hint));
}

void Handshake::tell_refusal(std::string_view sqlstate, std::string message, std::string hint) {
  step_ = Step::done;
  const wire::ErrorMessage error{
      wire::Severity::fatal, std::string(sqlstate), std::move(message), {}, std::move(hint)};
  client_.finish(&error);
}

void Handshake::give_up(const std::string& reason) {
  note_vain_wait();
  if (step_ == Step::cancelling) return client_.finish(nullptr);
  report_refused_login(client_, startup_.user, startup_.database, wire::sqlstate::kQueryCanceled, reason);
  tell_refusal(wire::sqlstate::kQueryCanceled, "canceling authentication due to timeout", {});
}

/// Before protocol 3 an error was 'E' and a text up to a zero byte.
/// https://www.postgresql.org/docs/7.3/protocol-message-formats.html, ErrorResponse.
void Handshake::refuse_in_old_format(const std::string& message) {
  step_ = Step::done;
  report_refused_login(client_, startup_.user, startup_.database, wire::sqlstate::kFeatureNotSupported,
                       message);
  const std::string answer = fmt::format("EFATAL:  {}\n", message);
  client_.send(as_bytes(std::string_view(answer.c_str(), answer.size() + 1)));
  client_.finish(nullptr);
}

void Handshake::refuse_password() {
  std::string message = fmt::format("password authentication failed for user \"{}\"", startup_.user);
  report_refused_login(client_, startup_.user, startup_.database, wire::sqlstate::kInvalidPassword,
                       message + secret_reason());
  tell_refusal(wire::sqlstate::kInvalidPassword, std::move(message), {});
}

/// Why no password can be right: for the log, and not for strangers.
std::string Handshake::secret_reason() const {
  if (!account_.exists) return ": there is no such role";
  if (account_.expired) return ": the role's password has expired";
  if (scram_ && !account_.verifier) return ": " + account_.secret.scram_verifier().error().text;
  return {};
}

void Handshake::refuse(const wire::SaslFailure& failure) {
  if (failure.wrong_password()) return refuse_password();
  refuse(failure.sqlstate, failure.message);
}

void Handshake::refuse(const backend::Login::Refusal& refusal) {
  note_vain_wait();
  step_ = Step::done;
  const bool ours = refusal.server_error.empty();
  report_refused_login(client_, startup_.user, startup_.database,
                       ours ? refusal.ours.sqlstate : wire::error_field(refusal.server_error, 'C'),
                       ours ? refusal.ours.message : wire::error_field(refusal.server_error, 'M'));
  if (ours) return client_.finish(&refusal.ours);
  client_.finish_with_server_error(refusal.server_error);
}

}  // namespace forebay::pgfront
