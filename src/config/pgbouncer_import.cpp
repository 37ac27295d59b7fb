#include "config/pgbouncer_import.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "config/checks.hpp"
#include "config/options.hpp"
#include "config/pgbouncer_ini.hpp"
#include "config/pgbouncer_parameters.hpp"
#include "config/yaml_writer.hpp"

namespace forebay::config {
namespace {

namespace fs = std::filesystem;

/// What an entry of [databases] says, by key.
using Keys = std::map<std::string, std::string>;

/// The server of a database entry.
struct Target {
  std::string host;
  std::string port = "5432";
  std::string user;
  std::string password;

  bool operator==(const Target&) const = default;
};

struct DatabaseEntry {
  std::string name;
  Keys keys;
  Target target;
};

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

class Importer {
 public:
  explicit Importer(const std::string& file) : file_(file) {}

  PgbouncerImport run() {
    for (const IniLine& line : read_pgbouncer_ini(file_, result_.problems)) sort_line(line);
    read_users_file();
    tell_dropped();
    find_targets();

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
    result_.yaml = yaml_.take() + body;
    return std::move(result_);
  }

 private:
  // Reading

  void sort_line(const IniLine& line) {
    if (line.section == "pgbouncer") {
      globals_[line.key == "reserve_pool" ? "reserve_pool_size" : line.key] = line.value;
    } else if (line.section == "databases") {
      add_database(line);
    } else if (line.section == "users") {
      users_.emplace_back(line.key, keys_of(line));
    } else if (line.section == "peers") {
      unneeded("[peers]", "one Forebay uses all processors, and finds the backend of a cancel itself");
    } else {
      lost(fmt::format("[{}] {}", line.section, line.key), "not a section of PgBouncer");
    }
  }

  Keys keys_of(const IniLine& line) {
    const auto pairs = parse_connection_string(line.value);
    if (!pairs) {
      result_.problems.push_back({line.where, fmt::format("{} is no list of key=value", line.key)});
      return {};
    }
    Keys keys;
    for (const auto& [key, value] : *pairs) keys[key == "reserve_pool" ? "reserve_pool_size" : key] = value;
    return keys;
  }

  void add_database(const IniLine& line) {
    if (line.key == "pgbouncer" || line.key == "forebay") {
      lost("database " + line.key, "that is the name of the console");
    } else {
      databases_.push_back({line.key, keys_of(line), {}});
    }
  }

  std::string global(const std::string& name) const {
    if (const auto given = globals_.find(name); given != globals_.end()) return given->second;
    const PgbouncerParameter* parameter = find_pgbouncer_parameter(name);
    return parameter == nullptr ? "" : std::string(parameter->default_value);
  }

  bool given(const std::string& name) const { return globals_.contains(name); }

  /// PgBouncer takes relative names from where it was started; that may have been the ini's directory.
  std::string absolute(const std::string& name) const {
    std::error_code error;
    if (name.empty() || fs::path(name).is_absolute()) return name;
    const fs::path here = fs::absolute(name, error);
    const fs::path there = fs::absolute(fs::path(file_).parent_path() / name, error);
    return (fs::exists(here, error) ? here : there).lexically_normal().string();
  }

  void read_users_file() {
    if (!given("auth_file")) return;
    const std::string file = absolute(global("auth_file"));
    if (const auto users = read_user_list(file)) {
      secrets_ = *users;
    } else {
      lost("auth_file", fmt::format("{} cannot be read here; `forebay check` says so until it can", file));
    }
  }

  // Telling

  void lost(std::string_view what, std::string_view why) {
    add_once(result_.lost, fmt::format("{}: {}", what, why));
  }
  void unneeded(std::string_view what, std::string_view why) {
    add_once(result_.unneeded, fmt::format("{}: {}", what, why));
  }
  static void add_once(std::vector<std::string>& list, std::string text) {
    if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
  }

  void tell_dropped() {
    for (const auto& [name, value] : globals_) {
      const PgbouncerParameter* parameter = find_pgbouncer_parameter(name);
      const std::string what = value.empty() ? name : fmt::format("{} = {}", name, value);
      if (parameter == nullptr) {
        lost(what, "not a parameter of PgBouncer 1.25");
      } else if (parameter->fate != Fate::carried && value != parameter->default_value) {
        parameter->fate == Fate::lost ? lost(what, parameter->why) : unneeded(what, parameter->why);
      }
    }
  }

  void write_top() {
    yaml_.comment("yaml-language-server: $schema=forebay.schema.json");
    yaml_.comment(fmt::format("Forebay's configuration, imported from {}", file_));
    write_list("Could not be carried over:", result_.lost);
    write_list("Not needed:", result_.unneeded);
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
        lost(fmt::format("{} = {}", what, value), "not a number of seconds that Forebay can keep");
        return std::nullopt;
      }
      text = *duration;
    }
    if (option.kind == Kind::boolean) text = is_true(value) ? "true" : "false";
    if (option.kind == Kind::file) text = absolute(value);
    if (option.kind == Kind::names) return list_of(split_list(value));
    if (option.kind == Kind::text || option.kind == Kind::secret || option.kind == Kind::file)
      return yaml_text(text);
    return readable(option, text, what) ? std::optional(text) : std::nullopt;
  }

  bool readable(const Option& option, const std::string& text, std::string_view what) {
    Settings settings;
    Database database;
    User user;
    Upstream upstream;
    std::vector<std::string> complaints;
    option.store({&settings, &database, &user, &upstream, {}}, text, complaints);
    for (const std::string& complaint : complaints) lost(what, complaint);
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
    const bool in_ini = given(option.pgbouncer);
    if (!in_ini && *text == option.show({.settings = &defaults, .base = {}})) return;
    yaml_.put(path_of(option.key), *text, in_ini ? "" : "PgBouncer's default");
  }

  void write_option(std::string_view key) {
    const Option& option = *find_option(Scope::global, key);
    write(option, global(option.pgbouncer));
  }

  /// Every option of a section that PgBouncer has under another name.
  void write_section(std::string_view section, std::string_view except = {}) {
    for (const Option& option : options()) {
      const bool here = option.scope == Scope::global && option.key.starts_with(fmt::format("{}.", section));
      if (here && !option.pgbouncer.empty() && option.key != except) write(option, global(option.pgbouncer));
    }
  }

  // The parts of the file

  std::string default_host() const {
    const std::string directory = global("unix_socket_dir");
    return directory.starts_with('/') ? directory : "127.0.0.1";
  }

  /// The password of `user` in the auth_file, when it is plain: only that can log in elsewhere.
  std::string plain_password(const std::string& user) const {
    for (const auto& [name, secret] : secrets_) {
      if (name == user && !is_md5_hash(secret) && !looks_like_scram(secret)) return secret;
    }
    return {};
  }

  void find_targets() {
    for (DatabaseEntry& entry : databases_) entry.target = target_of(entry);
    const auto fallback = std::find_if(databases_.begin(), databases_.end(),
                                       [](const DatabaseEntry& entry) { return entry.name == "*"; });
    if (fallback != databases_.end()) {
      main_ = fallback->target;
    } else if (!databases_.empty()) {
      main_ = databases_.front().target;
    } else {
      lost("[databases]", "the ini has none, so no server is known; add upstream:");
    }
  }

  Target target_of(DatabaseEntry& entry) {
    Target target;
    const auto take = [&entry](const std::string& key) {
      auto node = entry.keys.extract(key);
      return node.empty() ? std::string() : node.mapped();
    };
    const std::string hosts = take("host");
    target.host = hosts.substr(0, hosts.find(','));
    if (target.host != hosts)
      lost(fmt::format("database {}: host={}", entry.name, hosts), "only the first host is used");
    if (target.host.starts_with('@')) {
      lost(fmt::format("database {}: host={}", entry.name, hosts), "abstract Unix sockets are not supported");
      target.host.clear();
    }
    if (target.host.empty()) target.host = default_host();
    if (const std::string port = take("port"); !port.empty()) target.port = port;

    const std::string user = take("user");
    const std::string password = take("password");
    const std::string auth_user = take("auth_user");
    if (!user.empty()) {
      lost(fmt::format("database {}: user={}", entry.name, user),
           "every client logs in to the server as itself, not as one user for all");
    }
    target.user = !auth_user.empty() ? auth_user : given("auth_user") ? global("auth_user") : user;
    target.password = target.user == user && !password.empty() ? password : plain_password(target.user);
    return target;
  }

  void write_target(std::vector<std::string> path, const Target& target) {
    const auto put = [&](std::string_view key, const std::string& value, std::string_view comment = {}) {
      std::vector<std::string> full = path;
      for (const std::string& part : path_of(key)) full.push_back(part);
      yaml_.put(full, value, comment);
    };
    put("host", yaml_text(target.host));
    if (const auto port = converted(*find_option(Scope::upstream, "port"), target.port, "port"))
      put("port", *port);
    if (!target.user.empty()) put("user", yaml_text(target.user), "looks up who may log in");
    if (!target.password.empty()) put("password", yaml_text(target.password));
    for (const Option& option : options()) {
      if (option.scope != Scope::upstream || !option.pgbouncer.starts_with("server_tls_")) continue;
      if (!given(option.pgbouncer) || global(option.pgbouncer).empty()) continue;
      if (option.key == "tls.ca" && global("server_tls_sslmode") == "require") {
        lost("server_tls_ca_file", "with require PgBouncer does not use it; with verify-ca both do");
      } else if (const auto text = converted(option, global(option.pgbouncer), option.pgbouncer)) {
        put(option.key, *text);
      }
    }
  }

  void write_upstream() {
    if (main_) write_target({"upstream"}, *main_);
  }

  void write_listen() {
    const std::string port = global("listen_port");
    std::vector<std::string> addresses;
    for (const std::string& host : split_list(global("listen_addr"))) {
      if (host.empty()) continue;
      if (host == "*")
        lost("listen_addr = * on IPv6", fmt::format("add \"[::]:{}\" to listen where there is IPv6", port));
      const bool ipv6 = host.find(':') != std::string::npos;
      addresses.push_back(fmt::format("{}:{}",
                                      host == "*" ? "0.0.0.0"
                                      : ipv6      ? "[" + host + "]"
                                                  : host,
                                      port));
    }
    const std::string directory = global("unix_socket_dir");
    if (directory.starts_with('/')) {
      addresses.push_back(fmt::format("unix:{}{}", directory, port == "6432" ? "" : ":" + port));
    } else if (!directory.empty()) {
      lost("unix_socket_dir = " + directory, "only directories are supported");
    }
    for (const std::string& address : addresses) {
      const auto parsed = parse_listen_address(address);
      parsed ? listen_.push_back(*parsed) : lost("listen_addr", parsed.error().text);
    }
    std::vector<std::string> texts;
    for (const ListenAddress& address : listen_) texts.push_back(to_text(address));
    if (!texts.empty()) yaml_.put({"listen"}, list_of(texts));
  }

  void write_pool() {
    write_option("pool.mode");
    write_option("pool.size");
    yaml_.put({"pool", "overflow"}, "0", "PgBouncer has none");
    write_min_size();
    const bool reserve_off = duration_from_seconds(global("reserve_pool_timeout")) == "0";
    if (reserve_off) {
      if (global("reserve_pool_size") != "0")
        lost("reserve_pool_size", "reserve_pool_timeout = 0 turns it off");
    } else {
      write_option("pool.reserve_size");
      write_option("pool.reserve_after");
    }
    if (global("max_prepared_statements") == "0") {
      unneeded("max_prepared_statements = 0", "prepared statements are always carried");
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
        std::min(number(global("min_pool_size")), number(global("default_pool_size")));
    if (least > 0) yaml_.put({"pool", "min_size"}, std::to_string(least));
  }

  void write_timeouts() {
    for (const Option& option : options()) {
      if (option.scope != Scope::global || !option.key.starts_with("timeouts.") || option.pgbouncer.empty())
        continue;
      const bool zero = duration_from_seconds(global(option.pgbouncer)) == "0";
      if (option.key == "timeouts.recycle" && zero) {
        yaml_.put(path_of(option.key), "1ms", "server_lifetime = 0: used once");
      } else if (option.key == "timeouts.test_after" && global("server_check_query").empty()) {
        yaml_.put(path_of(option.key), "0", "server_check_query is empty: no test");
      } else if (option.key == "timeouts.test_after" && zero) {
        yaml_.put(path_of(option.key), "1ms", "server_check_delay = 0: always");
      } else {
        write(option, global(option.pgbouncer));
      }
    }
    const std::string test = global("server_check_query");
    if (!test.empty() && test != "<empty>")
      unneeded("server_check_query = " + test, "Forebay's own test of a backend does");
  }

  void write_auth() {
    yaml_.put({"auth", "mode"}, auth_mode(), given("auth_type") ? "" : "PgBouncer's default");
    write_option("auth.file");
    write_option("auth.query");
    for (const DatabaseEntry& entry : databases_) {
      if (entry.keys.contains("auth_query"))
        lost(fmt::format("database {}: auth_query", entry.name), "auth.query holds for all databases");
    }
  }

  bool all_local() const {
    return std::all_of(listen_.begin(), listen_.end(),
                       [](const ListenAddress& address) { return is_local(address); });
  }

  std::string auth_mode() {
    const std::string type = global("auth_type");
    if (type == "md5") return only_scram_secrets() ? "scram" : "md5";
    if (type == "scram-sha-256") return "scram";
    if (type == "plain") return "password";
    if (type == "cert") {
      const std::string mode = global("client_tls_sslmode");
      if (mode == "verify-ca" || mode == "verify-full") return "cert";
      lost("auth_type = cert", "it needs client_tls_sslmode = verify-full");
      return "scram";
    }
    if (type == "any") lost("auth_type = any", "the name of a client is never ignored");
    if (type == "trust" || type == "any") {
      if (all_local()) return "trust";
      lost("auth_type = " + type,
           "trust is refused on addresses that other machines may reach; scram is set");
      return "scram";
    }
    lost("auth_type = " + type, "not supported; scram is set");
    return "scram";
  }

  /// PgBouncer's md5 uses SCRAM for users with a SCRAM secret.
  bool only_scram_secrets() const {
    return !secrets_.empty() && std::all_of(secrets_.begin(), secrets_.end(),
                                            [](const auto& user) { return looks_like_scram(user.second); });
  }

  void write_tls() {
    if (!given("client_tls_sslmode") && given("client_tls_cert_file")) {
      yaml_.put({"tls", "mode"}, "disable", "PgBouncer's default");
      write_section("tls", "tls.mode");
    } else {
      write_section("tls");
    }
  }

  void write_log() {
    if (number(global("verbose")) > 0) yaml_.put({"log", "level"}, "debug", "verbose = " + global("verbose"));
    const bool logged = is_true(global("log_connections")) || is_true(global("log_disconnections"));
    if (logged)
      yaml_.put({"log", "connections"}, "true", given("log_connections") ? "" : "PgBouncer's default");
  }

  void write_databases() {
    if (databases_.size() == 1 && databases_[0].name == "*" && databases_[0].keys.empty()) return;
    for (const DatabaseEntry& entry : databases_) {
      const std::vector<std::string> path = {"databases", entry.name};
      const bool elsewhere = entry.target != *main_;
      const bool empty = !write_entry(Scope::database, path, entry.keys) && !elsewhere;
      if (elsewhere) write_target({"databases", entry.name, "upstream"}, entry.target);
      if (empty) yaml_.put(path, "{}");
    }
  }

  void write_users() {
    for (const auto& [name, keys] : users_) {
      if (!write_entry(Scope::user, {"users", name}, keys)) yaml_.put({"users", name}, "{}");
    }
  }

  /// The options of one entry, in the order of the table. False when there is none.
  bool write_entry(Scope scope, const std::vector<std::string>& entry, const Keys& given_keys) {
    const Keys keys = with_capped_min_size(given_keys);
    const std::string what =
        fmt::format("{} {}", scope == Scope::database ? "database" : "user", entry.back());
    bool any = false;
    for (const Option& option : options()) {
      const auto found = keys.find(option.pgbouncer);
      if (option.scope != scope || option.pgbouncer.empty() || found == keys.end()) continue;
      if (scope == Scope::database && option.pgbouncer == "query_timeout") continue;  // of users only
      const auto text = converted(option, found->second, fmt::format("{}: {}", what, option.pgbouncer));
      if (!text) continue;
      any = true;
      put_under(entry, option.key, *text);
    }
    for (const auto& [key, value] : keys) {
      if (!carried(scope, key))
        lost(fmt::format("{}: {}={}", what, key, value), "there is nothing like it for one of them");
    }
    return any;
  }

  static bool carried(Scope scope, const std::string& key) {
    if (key == "auth_query") return true;  // told with auth
    return std::any_of(options().begin(), options().end(), [&](const Option& option) {
      return option.scope == scope && option.pgbouncer == key &&
             !(scope == Scope::database && key == "query_timeout");
    });
  }

  void put_under(std::vector<std::string> path, std::string_view key, const std::string& text) {
    for (const std::string& part : path_of(key)) path.push_back(part);
    yaml_.put(path, text);
  }

  /// PgBouncer caps a minimum at the pool's size without a word, one that is inherited as well.
  Keys with_capped_min_size(Keys keys) const {
    const auto value = [&](const std::string& key, const std::string& inherited) {
      const auto found = keys.find(key);
      return number(found == keys.end() ? global(inherited) : found->second);
    };
    const std::uint32_t size = value("pool_size", "default_pool_size");
    const bool own = keys.contains("pool_size") || keys.contains("min_pool_size");
    if (own && value("min_pool_size", "min_pool_size") > size) keys["min_pool_size"] = std::to_string(size);
    return keys;
  }

  const std::string file_;
  PgbouncerImport result_;
  YamlWriter yaml_;
  Keys globals_;
  std::vector<DatabaseEntry> databases_;
  std::vector<std::pair<std::string, Keys>> users_;
  Pairs secrets_;
  std::optional<Target> main_;
  std::vector<ListenAddress> listen_;
};

}  // namespace

PgbouncerImport import_pgbouncer(const std::string& ini_file) {
  return Importer(ini_file).run();
}

}  // namespace forebay::config
