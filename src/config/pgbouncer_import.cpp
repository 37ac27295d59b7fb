#include "config/pgbouncer_import.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "config/options.hpp"
#include "config/pgbouncer_parameters.hpp"
#include "config/pgbouncer_source.hpp"
#include "config/yaml_writer.hpp"

namespace forebay::config {
namespace {

bool is_true(std::string_view text) {
  const auto value = parse_boolean(text == "1" ? "true" : text == "0" ? "false" : text);
  return value && *value;
}

/// Seconds, possibly with a fraction, as Forebay writes durations. Nothing when it is no number of seconds.
std::optional<std::string> duration_from_seconds(std::string_view text) {
  double seconds = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  const double milliseconds = seconds * 1000;
  if (!(milliseconds >= 0) || milliseconds > static_cast<double>(kLongestDuration)) return std::nullopt;
  const auto whole = std::llround(milliseconds);
  return to_text(Duration(whole == 0 && milliseconds > 0 ? 1 : whole));
}

/// A host that has to be resolved, and is not an address or a socket's directory.
bool is_name(std::string_view host) {
  const bool address = host.find(':') != std::string_view::npos ||
                       host.find_first_not_of("0123456789.") == std::string_view::npos;
  return !host.starts_with('/') && !address && host != "localhost";
}

/// Writes what the source says in Forebay's words.
class Importer {
 public:
  explicit Importer(const std::string& file) : file_(file), source_(file, notes_) {}

  PgbouncerImport run() {
    write_upstream();
    write_listen();
    write_pool();
    write_section("limits");
    write_timeouts();
    write_auth();
    write_tls();
    write_section("admin");
    write_log();
    write_databases();
    write_users();

    const std::string body = yaml_.take();
    write_top();
    return {yaml_.take() + body, std::move(notes_.lost), std::move(notes_.unneeded),
            std::move(notes_.problems)};
  }

 private:
  void write_top() {
    yaml_.comment("yaml-language-server: $schema=forebay.schema.json");
    yaml_.comment(fmt::format("Forebay's configuration, imported from {}", file_));
    write_list("Could not be carried over:", notes_.lost);
    write_list("Not needed:", notes_.unneeded);
    yaml_.blank_line();
  }

  void write_list(std::string_view title, const std::vector<std::string>& list) {
    if (list.empty()) return;
    yaml_.comment("");
    yaml_.comment(title);
    for (const std::string& text : list) yaml_.comment("  - " + text);
  }

  // Values

  /// `value` of PgBouncer as YAML for this option; nothing, told as lost, when it cannot be.
  std::optional<std::string> converted(const Option& option, const std::string& value,
                                       std::string_view what) {
    std::string text = value;
    if (option.kind == Kind::duration) {
      const auto duration = duration_from_seconds(value);
      if (!duration) {
        notes_.tell_lost(fmt::format("{} = {}", what, value),
                         "not a number of seconds that Forebay can keep");
        return std::nullopt;
      }
      text = *duration;
    }
    if (option.kind == Kind::boolean) text = is_true(value) ? "true" : "false";
    if (option.kind == Kind::file) text = source_.absolute(value);
    if (option.kind == Kind::names) return list_of(split_list(value));
    if (option.kind == Kind::text || option.kind == Kind::secret || option.kind == Kind::file) {
      return yaml_text(text);
    }
    return readable(option, text, what) ? std::optional(text) : std::nullopt;
  }

  bool readable(const Option& option, const std::string& text, std::string_view what) {
    Blank blank;
    std::vector<std::string> complaints;
    option.store(blank.place(), text, complaints);
    for (const std::string& complaint : complaints) notes_.tell_lost(what, complaint);
    return complaints.empty();
  }

  static std::string list_of(const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items) {
      if (!item.empty()) text += (text.empty() ? "" : ", ") + yaml_text(item);
    }
    return "[" + text + "]";
  }

  static std::vector<std::string> path_of(std::string_view key) {
    std::vector<std::string> path;
    for (auto dot = key.find('.'); dot != std::string_view::npos; dot = key.find('.')) {
      path.emplace_back(key.substr(0, dot));
      key.remove_prefix(dot + 1);
    }
    path.emplace_back(key);
    return path;
  }

  /// Writes a global option: what the ini says, or PgBouncer's default when it differs from Forebay's.
  void write(const Option& option, const std::string& value) {
    const auto text = value.empty() ? std::nullopt : converted(option, value, option.pgbouncer);
    if (!text) return;
    Settings defaults;
    const bool in_ini = source_.given(option.pgbouncer);
    if (!in_ini && *text == option.show({.settings = &defaults, .base = {}})) return;
    yaml_.put(path_of(option.key), *text, in_ini ? "" : "PgBouncer's default");
  }

  void write_option(std::string_view key) {
    const Option& option = *find_option(Scope::global, key);
    write(option, source_.global(option.pgbouncer));
  }

  /// Every option of a section that PgBouncer has under another name.
  void write_section(std::string_view section, std::string_view except = {}) {
    for (const Option& option : options()) {
      const bool here = option.scope == Scope::global && option.key.starts_with(fmt::format("{}.", section));
      if (here && !option.pgbouncer.empty() && option.key != except) {
        write(option, source_.global(option.pgbouncer));
      }
    }
  }

  // The parts of the file

  void write_target(std::vector<std::string> path, const ImportTarget& target) {
    const auto put = [&](std::string_view key, const std::string& value, std::string_view comment = {}) {
      std::vector<std::string> full = path;
      for (const std::string& part : path_of(key)) full.push_back(part);
      yaml_.put(full, value, comment);
    };
    put("host", yaml_text(target.host));
    if (is_name(target.host)) tell_resolving();
    if (const auto port = converted(*find_option(Scope::upstream, "port"), target.port, "port")) {
      put("port", *port);
    }
    if (!target.user.empty()) put("user", yaml_text(target.user), "looks up who may log in");
    if (!target.password.empty()) put("password", yaml_text(target.password));
    for (const Option& option : options()) {
      if (option.scope != Scope::upstream || !option.pgbouncer.starts_with("server_tls_")) continue;
      if (!source_.given(option.pgbouncer) || source_.global(option.pgbouncer).empty()) continue;
      if (option.key == "tls.ca" && source_.global("server_tls_sslmode") == "require") {
        notes_.tell_lost("server_tls_ca_file",
                         "with require PgBouncer does not use it; with verify-ca both do");
      } else if (const auto text = converted(option, source_.global(option.pgbouncer), option.pgbouncer)) {
        put(option.key, *text);
      }
    }
  }

  /// PgBouncer looks a name up again every 15 seconds without being told to; who relies on it has to know.
  void tell_resolving() {
    if (std::exchange(resolving_told_, true) || source_.global("dns_max_ttl") != "15") return;
    notes_.tell_lost("dns_max_ttl = 15, the default", kResolving);
  }

  void write_upstream() {
    if (const auto main = source_.main_target()) write_target({"upstream"}, *main);
  }

  void write_listen() {
    const std::string port = source_.global("listen_port");
    std::vector<std::string> addresses;
    for (const std::string& host : split_list(source_.global("listen_addr"))) {
      if (host.empty()) continue;
      if (host == "*") {
        notes_.tell_lost("listen_addr = * on IPv6",
                         fmt::format("add \"[::]:{}\" to listen where there is IPv6", port));
      }
      const bool ipv6 = host.find(':') != std::string::npos;
      const std::string written = host == "*" ? "0.0.0.0" : ipv6 ? "[" + host + "]" : host;
      addresses.push_back(fmt::format("{}:{}", written, port));
    }
    const std::string directory = source_.global("unix_socket_dir");
    if (directory.starts_with('/')) {
      addresses.push_back(fmt::format("unix:{}{}", directory, port == "6432" ? "" : ":" + port));
    } else if (!directory.empty()) {
      notes_.tell_lost("unix_socket_dir = " + directory, "only directories are supported");
    }
    for (const std::string& address : addresses) {
      const auto parsed = parse_listen_address(address);
      parsed ? listen_.push_back(*parsed) : notes_.tell_lost("listen_addr", parsed.error().text);
    }
    std::vector<std::string> texts;
    for (const ListenAddress& address : listen_) texts.push_back(to_text(address));
    if (!texts.empty()) yaml_.put({"listen"}, list_of(texts));
    write_option("unix_socket_mode");
  }

  void write_pool() {
    write_option("pool.mode");
    write_option("pool.size");
    yaml_.put({"pool", "overflow"}, "0", "PgBouncer has none");
    write_min_size();
    const bool reserve_off = duration_from_seconds(source_.global("reserve_pool_timeout")) == "0";
    if (reserve_off) {
      if (source_.global("reserve_pool_size") != "0") {
        notes_.tell_lost("reserve_pool_size", "reserve_pool_timeout = 0 turns it off");
      }
    } else {
      write_option("pool.reserve_size");
      write_option("pool.reserve_after");
    }
    if (source_.global("max_prepared_statements") == "0") {
      notes_.tell_unneeded("max_prepared_statements = 0", "prepared statements are always carried");
    } else {
      write_option("pool.max_prepared_statements");
    }
  }

  static std::uint32_t number(const std::string& text) {
    const auto value = parse_count(text, {0, 100'000});
    return value ? *value : 0;
  }

  /// PgBouncer caps the minimum at the pool's size without a word.
  void write_min_size() {
    const std::uint32_t least =
        std::min(number(source_.global("min_pool_size")), number(source_.global("default_pool_size")));
    if (least > 0) yaml_.put({"pool", "min_size"}, std::to_string(least));
  }

  void write_timeouts() {
    for (const Option& option : options()) {
      if (option.scope != Scope::global || !option.key.starts_with("timeouts.") || option.pgbouncer.empty()) {
        continue;
      }
      const bool zero = duration_from_seconds(source_.global(option.pgbouncer)) == "0";
      if (option.key == "timeouts.recycle" && zero) {
        yaml_.put(path_of(option.key), "1ms", "server_lifetime = 0: used once");
      } else if (option.key == "timeouts.test_after" && source_.global("server_check_query").empty()) {
        yaml_.put(path_of(option.key), "0", "server_check_query is empty: no test");
      } else if (option.key == "timeouts.test_after" && zero) {
        yaml_.put(path_of(option.key), "1ms", "server_check_delay = 0: always");
      } else {
        write(option, source_.global(option.pgbouncer));
      }
    }
    const std::string test = source_.global("server_check_query");
    if (!test.empty() && test != "<empty>") {
      notes_.tell_unneeded("server_check_query = " + test, "Forebay's own test of a backend does");
    }
  }

  void write_auth() {
    yaml_.put({"auth", "mode"}, auth_mode(), source_.given("auth_type") ? "" : "PgBouncer's default");
    write_option("auth.file");
    write_option("auth.query");
    for (const ImportDatabase& entry : source_.databases()) {
      if (entry.keys.contains("auth_query")) {
        notes_.tell_lost(fmt::format("database {}: auth_query", entry.name),
                         "auth.query holds for all databases");
      }
    }
  }

  bool all_local() const {
    return std::all_of(listen_.begin(), listen_.end(),
                       [](const ListenAddress& address) { return is_local(address); });
  }

  std::string auth_mode() {
    const std::string type = source_.global("auth_type");
    if (type == "md5") return source_.only_scram_secrets() ? "scram" : "md5";
    if (type == "scram-sha-256") return "scram";
    if (type == "plain") return "password";
    if (type == "cert") {
      const std::string mode = source_.global("client_tls_sslmode");
      if (mode == "verify-ca" || mode == "verify-full") return "cert";
      notes_.tell_lost("auth_type = cert", "it needs client_tls_sslmode = verify-full");
      return "scram";
    }
    if (type == "any") notes_.tell_lost("auth_type = any", "the name of a client is never ignored");
    if (type == "trust" || type == "any") {
      if (all_local()) return "trust";
      notes_.tell_lost("auth_type = " + type,
                       "trust is refused on addresses that other machines may reach; scram is set");
      return "scram";
    }
    notes_.tell_lost("auth_type = " + type, "not supported; scram is set");
    return "scram";
  }

  void write_tls() {
    if (!source_.given("client_tls_sslmode") && source_.given("client_tls_cert_file")) {
      yaml_.put({"tls", "mode"}, "disable", "PgBouncer's default");
      write_section("tls", "tls.mode");
    } else {
      write_section("tls");
    }
  }

  void write_log() {
    if (number(source_.global("verbose")) > 0) {
      yaml_.put({"log", "level"}, "debug", "verbose = " + source_.global("verbose"));
    }
    const bool logged =
        is_true(source_.global("log_connections")) || is_true(source_.global("log_disconnections"));
    if (logged) {
      yaml_.put({"log", "connections"}, "true",
                source_.given("log_connections") ? "" : "PgBouncer's default");
    }
  }

  void write_databases() {
    const auto& entries = source_.databases();
    const bool all_alike = entries.size() == 1 && entries[0].name == "*" && entries[0].keys.empty();
    if (all_alike) return;
    for (const ImportDatabase& entry : entries) {
      const std::vector<std::string> path = {"databases", entry.name};
      const bool elsewhere = entry.target != source_.main_target();
      const bool empty = !write_entry(Scope::database, path, entry.keys) && !elsewhere;
      if (elsewhere) write_target({"databases", entry.name, "upstream"}, entry.target);
      if (empty) yaml_.put(path, "{}");
    }
  }

  void write_users() {
    for (const auto& [name, keys] : source_.users()) {
      if (!write_entry(Scope::user, {"users", name}, keys)) yaml_.put({"users", name}, "{}");
    }
  }

  /// The options of one entry, in the order of the table. False when there is none.
  bool write_entry(Scope scope, const std::vector<std::string>& entry, const IniKeys& given_keys) {
    const IniKeys keys = with_capped_min_size(given_keys);
    const std::string what =
        fmt::format("{} {}", scope == Scope::database ? "database" : "user", entry.back());
    bool any = false;
    for (const Option& option : options()) {
      const auto found = keys.find(option.pgbouncer);
      if (option.scope != scope || option.pgbouncer.empty() || found == keys.end()) continue;
      const auto text = converted(option, found->second, fmt::format("{}: {}", what, option.pgbouncer));
      if (!text) continue;
      any = true;
      put_under(entry, option.key, *text);
    }
    for (const auto& [key, value] : keys) {
      if (!carried(scope, key)) {
        notes_.tell_lost(fmt::format("{}: {}={}", what, key, value),
                         fmt::format("there is nothing like it for one {}",
                                     scope == Scope::database ? "database" : "user"));
      }
    }
    return any;
  }

  static bool carried(Scope scope, const std::string& key) {
    if (key == "auth_query") return true;  // told with auth
    return std::any_of(options().begin(), options().end(), [&](const Option& option) {
      return option.scope == scope && option.pgbouncer == key;
    });
  }

  void put_under(std::vector<std::string> path, std::string_view key, const std::string& text) {
    for (const std::string& part : path_of(key)) path.push_back(part);
    yaml_.put(path, text);
  }

  /// PgBouncer caps a minimum at the pool's size without a word.
  IniKeys with_capped_min_size(IniKeys keys) const {
    const auto least = keys.find("min_pool_size");
    if (least == keys.end()) return keys;
    const auto own = keys.find("pool_size");
    const std::string size = own == keys.end() ? source_.global("default_pool_size") : own->second;
    if (number(least->second) > number(size)) least->second = size;
    return keys;
  }

  const std::string file_;
  ImportNotes notes_;
  const PgbouncerSource source_;
  YamlWriter yaml_;
  std::vector<ListenAddress> listen_;
  bool resolving_told_ = false;
};

}  // namespace

PgbouncerImport import_pgbouncer(const std::string& ini_file) {
  return Importer(ini_file).run();
}

}  // namespace forebay::config
