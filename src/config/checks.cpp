#include "config/checks.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "config/host_port.hpp"
#include "config/values.hpp"

namespace forebay::config {
namespace {

constexpr std::string_view kScramPrefix = "SCRAM-SHA-256$";

constexpr std::string_view kEveryIpv4 = "0.0.0.0";

constexpr std::size_t kKeyLength = 44;  // 32 bytes in base64

bool needs_ca(TlsMode mode) {
  return mode == TlsMode::verify_ca || mode == TlsMode::verify_full;
}

class Checker {
 public:
  Checker(const Settings& settings, const Places& places, const Location& whole,
          std::vector<Problem>& problems)
      : settings_(settings), places_(places), whole_(whole), problems_(problems) {}

  /// What nobody has written.
  void check_missing() {
    if (has_servers()) {
      check_verifiers();
    } else {
      tell("databases",
           "upstream: there is no server to forward to; add upstream: postgres://user:password@host:5432 (or "
           "--upstream)");
    }
  }

  void run() {
    check_upstream(settings_.upstream, "upstream");
    check_replicas();
    check_listen();
    check_trust();
    check_http();
    check_alerts_and_metrics();
    check_history();
    check_client_tls();
    check_certificate_login();
    check_pool_sizes();
    check_cache_sizes();
    for (const auto& [name, database] : settings_.databases) check_database(name, database);
    for (const auto& [name, user] : settings_.users) check_user(name, user);
    for (const auto& [name, policy] : settings_.policies) check_policy(name, policy);
  }

 private:
  /// Told where `key` was written, or the nearest thing around it that was.
  void tell(std::string key, std::string text) {
    problems_.push_back({place_of(places_, std::move(key), whole_), std::move(text)});
  }

  bool written(std::string_view key) const { return places_.find(key) != places_.end(); }

  /// Every database name leads to a server.
  bool has_servers() const {
    const auto& databases = settings_.databases;
    const auto has_own = [](const auto& entry) { return entry.second.upstream.has_value(); };
    return written("upstream") ||
           (!databases.empty() && std::all_of(databases.begin(), databases.end(), has_own));
  }

  void check_upstream(const Upstream& upstream, const std::string& key) {
    check_host(upstream.host, key + ".host", key);
    const ServerTls& tls = upstream.tls;
    if (needs_ca(tls.mode) && tls.ca_file.empty()) {
      tell(key + ".tls.mode",
           fmt::format("{}.tls.mode {} needs the CA that signed the server's certificate; set "
                       "tls.ca (sslrootcert in a URL), or use require",
                       key, to_text(tls.mode)));
    }
    check_pair(key + ".tls", tls.certificate_file, tls.key_file);
  }

  void check_host(const std::string& host, const std::string& at, const std::string& key) {
    if (host.empty()) {
      tell(at, fmt::format("{}: the host is empty", key));
    } else if (host.starts_with('@')) {
      tell(at, fmt::format("{}: {} is an abstract Unix socket; name a socket directory or a host", key,
                           in_quotes(host)));
    } else if (!host.starts_with('/') && host.find_first_of(", \t/\"'") != std::string::npos) {
      tell(at, fmt::format("{}: {} is no host; give one name, one address or a socket directory", key,
                           in_quotes(host)));
    }
  }

  /// The same server twice would count as two copies.
  void check_replicas() {
    const auto place_of = [](const auto& server) {
      const bool is_directory = server.host.starts_with('/');
      return join_host_port(is_directory ? server.host : lower_case(server.host), server.port);
    };
    std::set<std::string> seen;
    for (const Replica& replica : settings_.replicas) {
      check_host(replica.host, "replicas", "replicas");
      const std::string place = place_of(replica);
      if (place == place_of(settings_.upstream)) {
        tell("replicas", fmt::format("replicas: {} is the upstream; name every server once", place));
      } else if (!seen.insert(place).second) {
        tell("replicas", fmt::format("replicas: {} is there twice", place));
      }
    }
  }

  void check_pair(const std::string& key, const std::string& certificate, const std::string& private_key) {
    if (!certificate.empty() && private_key.empty()) {
      tell(key + ".certificate",
           fmt::format("{0}.certificate needs its private key; set {0}.key as well", key));
    }
    if (certificate.empty() && !private_key.empty()) {
      tell(key + ".key", fmt::format("{0}.key needs its certificate; set {0}.certificate as well", key));
    }
  }

  void check_listen() {
    std::set<std::string> seen;
    for (const ListenAddress& address : settings_.listen) {
      if (address.port != 0 && !seen.insert(to_text(address)).second) {
        tell("listen", fmt::format("listen: {} is there twice", to_text(address)));
      }
      if (address.port != 0 && address.host == kEveryIpv4) check_covered(address);
    }
  }

  /// The system refuses one of the two.
  void check_covered(const ListenAddress& every) {
    for (const ListenAddress& address : settings_.listen) {
      const bool same = address.host == kEveryIpv4 || address.host.find(':') != std::string::npos;
      if (same || !address.unix_directory.empty() || address.port != every.port) continue;
      tell("listen",
           fmt::format("listen: {} is part of {}; remove one of them", to_text(address), to_text(every)));
    }
  }

  void check_trust() {
    if (settings_.auth != AuthMode::trust) return;
    for (const ListenAddress& address : settings_.listen) {
      if (is_local(address)) continue;
      tell("listen",
           fmt::format(
               "auth.mode trust lets everybody in without a password, and other machines may "
               "reach {}; listen on 127.0.0.1, [::1] or unix:DIRECTORY only, or set auth.mode to scram",
               to_text(address)));
    }
  }

  /// Whether anybody could say who he is: by a token, or, where nobody listens in, by a password that is at
  /// hand.
  bool has_http_login() const {
    const Http& http = settings_.http;
    if (!http.viewers.words.empty() || !http.admins.words.empty()) return true;
    const auto has_secret = [this](const std::string& name) {
      const auto at = settings_.users.find(name);
      return !settings_.auth_file.empty() || (at != settings_.users.end() && !at->second.password.empty()) ||
             (name == settings_.upstream.user && !settings_.upstream.password.empty());
    };
    std::vector<std::string> names = settings_.admin_users;
    if (names.empty() && !settings_.upstream.user.empty()) names.push_back(settings_.upstream.user);
    names.insert(names.end(), settings_.stats_users.begin(), settings_.stats_users.end());
    return settings_.tls.mode != TlsMode::disable && std::ranges::any_of(names, has_secret);
  }

  void check_http() {
    std::set<std::string> seen;
    for (const HttpAddress& address : settings_.http.listen) {
      if (address.place.port != 0 && !seen.insert(to_text(address)).second)
        tell("http.listen", fmt::format("http.listen: {} is there twice", to_text(address)));
      if (is_local(address.place)) continue;
      if (written("http.anonymous") && settings_.http.anonymous != Anonymous::none) {
        tell("http.anonymous",
             fmt::format("http.anonymous {} would let in whoever reaches {}; set it to none, or listen on "
                         "127.0.0.1 or [::1] only",
                         to_text(settings_.http.anonymous), to_text(address)));
      }
      if (has_http_login()) continue;
      tell(
          "http.listen",
          fmt::format("other machines may reach {}, and nobody could say who he is; set http.admin_tokens or "
                      "http.viewer_tokens, or TLS (tls.mode) with users that may use the console and whose "
                      "passwords Forebay has; or listen on 127.0.0.1 or [::1] only",
                      to_text(address)));
    }
  }

  void check_history() {
    const std::string& schema = settings_.history.schema;
    const auto is_fit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
    constexpr std::size_t kLongestName = 63;  // NAMEDATALEN - 1
    if (schema.empty() || schema.size() > kLongestName || !std::ranges::all_of(schema, is_fit) ||
        schema.starts_with("pg_")) {
      tell("history.schema",
           "history.schema: takes a name of small letters, digits and _, without pg_ before it");
    }
  }

  void check_alerts_and_metrics() {
    for (const auto& mistakes : {check_alerts(settings_.alerts), check_otlp(settings_.otlp)}) {
      for (const KeyMistake& mistake : mistakes)
        tell(mistake.key, fmt::format("{}: {}", mistake.key, mistake.text));
    }
  }

  void check_client_tls() {
    const ClientTls& tls = settings_.tls;
    if (tls.mode == TlsMode::disable) {
      if (!tls.certificate_file.empty() && !written("tls.mode")) {
        tell("tls.certificate",
             "tls.certificate has no effect while tls.mode is not set; set it to prefer or require");
      }
    } else if (tls.certificate_file.empty()) {
      tell("tls.mode",
           fmt::format("tls.mode {} needs a certificate to show to clients; set tls.certificate and tls.key",
                       to_text(tls.mode)));
    }
    if (needs_ca(tls.mode) && tls.ca_file.empty()) {
      tell("tls.mode",
           fmt::format("tls.mode {} needs the CA that signed the clients' certificates; set tls.ca",
                       to_text(tls.mode)));
    }
    check_pair("tls", tls.certificate_file, tls.key_file);
  }

  void check_certificate_login() {
    if (settings_.auth != AuthMode::cert || needs_ca(settings_.tls.mode)) return;
    tell("auth.mode",
         fmt::format("auth.mode cert needs TLS that checks clients' certificates; set tls.mode to "
                     "verify-full (it is {}), with tls.ca, tls.certificate and tls.key",
                     to_text(settings_.tls.mode)));
  }

  /// Without a secret to check a proof against, nobody could ever log in.
  void check_verifiers() {
    if (settings_.auth != AuthMode::scram && settings_.auth != AuthMode::md5) return;
    const auto& databases = settings_.databases;
    const auto& users = settings_.users;
    const bool listed =
        !settings_.auth_file.empty() ||
        std::any_of(users.begin(), users.end(), [](const auto& u) { return !u.second.password.empty(); });
    if (listed) return;
    bool known = !settings_.upstream.user.empty();
    for (const auto& [name, database] : databases) {
      if (!database.upstream) continue;
      known = known || !database.upstream->user.empty();
      if (!database.upstream->user.empty()) continue;
      const std::string key = fmt::format("databases.{}.upstream", name);
      tell(key,
           fmt::format("{}: auth.mode {} needs the secrets of the users of that server, and there is nowhere "
                       "to look them up; give it a user that may read them (postgres://user:password@…), or "
                       "set auth.file",
                       key, to_text(settings_.auth)));
    }
    if (known) return;
    tell(written("auth.mode") ? "auth.mode" : "upstream",
         fmt::format("auth.mode {} needs the users' secrets, and there is nowhere to look them up; give the "
                     "upstream a "
                     "user that may read them (postgres://user:password@…), or set auth.file",
                     to_text(settings_.auth)));
  }

  void check_pool_sizes() {
    const Limits& limits = settings_.limits;
    if (limits.pool_min_size > limits.pool_size) {
      tell("pool.min_size",
           fmt::format("pool.min_size {} is more than pool.size {}", limits.pool_min_size, limits.pool_size));
    }
  }

  void check_cache_sizes() {
    const Cache& cache = settings_.cache;
    if (cache.max_entry.bytes <= cache.size.bytes) return;
    tell(written("cache.max_entry") ? "cache.max_entry" : "cache.size",
         fmt::format("cache.max_entry {} is more than cache.size {}", to_text(cache.max_entry),
                     to_text(cache.size)));
  }

  /// An inherited minimum that is too large for a smaller pool is no mistake: it counts as the pool's size.
  void check_override(const std::string& key, const PoolOverride& pool) {
    const std::uint32_t size = pool.pool_size.value_or(settings_.limits.pool_size);
    if (!pool.pool_min_size || *pool.pool_min_size <= size) return;
    tell(key + ".pool.min_size",
         fmt::format("{}: pool.min_size {} is more than pool.size {}", key, *pool.pool_min_size, size));
  }

  void check_database(const std::string& name, const Database& database) {
    const std::string key = "databases." + name;
    if (name == "forebay" || name == "pgbouncer") {
      tell(key, fmt::format(
                    "{} is the name of the console; give the database another name here, and its own name as "
                    "database: {}",
                    key, name));
    }
    if (name.empty()) tell(key, "databases: an empty name");
    if (database.upstream) {
      check_upstream(*database.upstream, key + ".upstream");
      if (!database.upstream->database.empty() && database.server_database != database.upstream->database) {
        tell(key + ".database",
             fmt::format("{}: the upstream names the database {} and `database` names {}; keep one", key,
                         in_quotes(database.upstream->database), in_quotes(database.server_database)));
      }
    }
    check_override(key, database.pool);
  }

  void check_policy(const std::string& name, const CachePolicy& policy) {
    const std::string key = "policies." + name;
    if (policy.relations.empty() && policy.tags.empty() && policy.statement.empty())
      tell(key, fmt::format("{} fits nothing; give it relations, tags or a statement", key));
    if (policy.keep && !policy.lifetime && !policy.strategy)
      tell(key, fmt::format("{} says nothing; give it a lifetime or a strategy, or keep: false", key));
    if (!policy.keep && policy.lifetime)
      tell(key, fmt::format("{} has a lifetime for what is not kept; remove one of them", key));
    if (!policy.keep && policy.strategy)
      tell(key, fmt::format("{} has a strategy for what is not kept; remove one of them", key));
  }

  void check_user(const std::string& name, const User& user) {
    const std::string key = "users." + name;
    if (name.empty()) tell(key, "users: an empty name");
    check_override(key, user.pool);
    if (looks_like_scram(user.password) && !is_scram_verifier(user.password)) {
      tell(key + ".password",
           fmt::format("{}.password begins like a SCRAM verifier and is none; copy all of it: "
                       "SCRAM-SHA-256$ITERATIONS:SALT$STORED_KEY:SERVER_KEY",
                       key));
    }
    if (settings_.auth == AuthMode::scram && is_md5_hash(user.password)) {
      tell(key + ".password",
           fmt::format("{}.password is an md5 hash, which cannot check a SCRAM login; give the plain "
                       "password or a SCRAM verifier, or set auth.mode to md5",
                       key));
    }
  }

  const Settings& settings_;
  const Places& places_;
  const Location& whole_;
  std::vector<Problem>& problems_;
};

bool is_base64(std::string_view text) {
  const auto letter = [](char c) { return is_letter_or_digit(c) || c == '+' || c == '/' || c == '='; };
  return !text.empty() && text.size() % 4 == 0 && std::all_of(text.begin(), text.end(), letter);
}

}  // namespace

bool looks_like_scram(std::string_view password) {
  return password.starts_with(kScramPrefix);
}

bool is_scram_verifier(std::string_view password) {
  if (!looks_like_scram(password)) return false;
  password.remove_prefix(kScramPrefix.size());
  const auto salt = password.find(':');
  const auto stored = password.find('$');
  const auto server = password.rfind(':');
  if (salt == std::string_view::npos || stored == std::string_view::npos || salt > stored ||
      server < stored) {
    return false;
  }
  const auto stored_key = password.substr(stored + 1, server - stored - 1);
  const auto server_key = password.substr(server + 1);
  return parse_count(password.substr(0, salt), {1, 2'147'483'647}).has_value() &&
         is_base64(password.substr(salt + 1, stored - salt - 1)) && stored_key.size() == kKeyLength &&
         is_base64(stored_key) && server_key.size() == kKeyLength && is_base64(server_key);
}

bool is_md5_hash(std::string_view password) {
  if (password.size() != 35 || !password.starts_with("md5")) return false;
  return std::all_of(password.begin() + 3, password.end(), is_lower_hex);
}

void check_settings(const Settings& settings, const Places& places, const Location& whole,
                    std::vector<Problem>& problems) {
  Checker checker(settings, places, whole, problems);
  if (problems.empty()) checker.check_missing();
  checker.run();
}

}  // namespace forebay::config
