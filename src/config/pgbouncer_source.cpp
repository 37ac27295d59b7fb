#include "config/pgbouncer_source.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "config/checks.hpp"
#include "config/pgbouncer_parameters.hpp"

namespace forebay::config {
namespace {

namespace fs = std::filesystem;

void add_once(std::vector<std::string>& list, std::string text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

/// The entry of this name: PgBouncer lets a later one replace an earlier.
template <class Entry>
Entry& entry_named(std::vector<Entry>& entries, const std::string& name) {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&name](const Entry& entry) { return entry.name == name; });
  if (found != entries.end()) return *found;
  entries.emplace_back().name = name;
  return entries.back();
}

/// Removes a key and returns its value.
std::string take(IniKeys& keys, const std::string& key) {
  auto node = keys.extract(key);
  return node.empty() ? std::string() : std::move(node.mapped());
}

}  // namespace

void ImportNotes::tell_lost(std::string_view what, std::string_view why) {
  add_once(lost, fmt::format("{}: {}", what, why));
}

void ImportNotes::tell_unneeded(std::string_view what, std::string_view why) {
  add_once(unneeded, fmt::format("{}: {}", what, why));
}

PgbouncerSource::PgbouncerSource(std::string file, ImportNotes& notes)
    : file_(std::move(file)), notes_(notes) {
  for (const IniLine& line : read_pgbouncer_ini(file_, notes_.problems)) sort_line(line);
  read_auth_file();
  tell_dropped();
  for (ImportDatabase& entry : databases_) entry.target = target_of(entry);
}

void PgbouncerSource::sort_line(const IniLine& line) {
  if (line.section == "pgbouncer") {
    globals_[line.key == "reserve_pool" ? "reserve_pool_size" : line.key] = line.value;
  } else if (line.section == "databases") {
    add_database(line);
  } else if (line.section == "users") {
    entry_named(users_, line.key).keys = keys_of(line);
  } else if (line.section == "peers") {
    notes_.tell_unneeded("[peers]",
                         "one Forebay uses all processors, and finds the backend of a cancel itself");
  } else {
    notes_.tell_lost(fmt::format("[{}] {}", line.section, line.key), "not a section of PgBouncer");
  }
}

IniKeys PgbouncerSource::keys_of(const IniLine& line) {
  const auto pairs = parse_connection_string(line.value);
  if (!pairs) {
    notes_.problems.push_back({line.where, fmt::format("{} is no list of key=value", in_quotes(line.key))});
    return {};
  }
  IniKeys keys;
  for (const auto& [key, value] : *pairs) keys[key == "reserve_pool" ? "reserve_pool_size" : key] = value;
  return keys;
}

void PgbouncerSource::add_database(const IniLine& line) {
  if (line.key == "pgbouncer" || line.key == "forebay") {
    notes_.tell_lost("database " + line.key, "that is the name of the console");
  } else {
    entry_named(databases_, line.key).keys = keys_of(line);
  }
}

std::string PgbouncerSource::global(const std::string& name) const {
  if (const auto given = globals_.find(name); given != globals_.end()) return given->second;
  const PgbouncerParameter* parameter = find_pgbouncer_parameter(name);
  return parameter == nullptr ? "" : std::string(parameter->default_value);
}

std::string PgbouncerSource::absolute(const std::string& name) const {
  std::error_code error;
  if (name.empty() || fs::path(name).is_absolute()) return name;
  const fs::path here = fs::absolute(name, error);
  const fs::path there = fs::absolute(fs::path(file_).parent_path() / name, error);
  return (fs::exists(here, error) ? here : there).lexically_normal().string();
}

std::optional<ImportTarget> PgbouncerSource::main_target() const {
  if (databases_.empty()) return std::nullopt;
  const auto fallback = std::find_if(databases_.begin(), databases_.end(),
                                     [](const ImportDatabase& entry) { return entry.name == "*"; });
  return fallback == databases_.end() ? databases_.front().target : fallback->target;
}

bool PgbouncerSource::only_scram_secrets() const {
  return !secrets_.empty() && std::all_of(secrets_.begin(), secrets_.end(),
                                          [](const auto& user) { return looks_like_scram(user.second); });
}

void PgbouncerSource::read_auth_file() {
  if (!given("auth_file")) return;
  const std::string file = absolute(global("auth_file"));
  if (const auto users = read_user_list(file)) {
    secrets_ = *users;
  } else {
    notes_.tell_lost("auth_file",
                     fmt::format("{} cannot be read here; `forebay check` says so until it can", file));
  }
}

void PgbouncerSource::tell_dropped() {
  if (databases_.empty()) {
    notes_.tell_lost("[databases]", "the ini has none, so no server is known; add upstream:");
  }
  for (const auto& [name, value] : globals_) {
    const PgbouncerParameter* parameter = find_pgbouncer_parameter(name);
    const std::string what = value.empty() ? name : fmt::format("{} = {}", name, value);
    if (parameter == nullptr) {
      notes_.tell_lost(what, "not a parameter of PgBouncer 1.25");
    } else if (parameter->fate == Fate::lost && !is_default(*parameter, value)) {
      notes_.tell_lost(what, parameter->why);
    } else if (parameter->fate == Fate::unneeded && !is_default(*parameter, value)) {
      notes_.tell_unneeded(what, parameter->why);
    }
  }
}

ImportTarget PgbouncerSource::target_of(ImportDatabase& entry) {
  ImportTarget target;
  target.host = host_of(entry, take(entry.keys, "host"));
  if (const std::string port = take(entry.keys, "port"); !port.empty()) target.port = port;

  const std::string user = take(entry.keys, "user");
  const std::string password = take(entry.keys, "password");
  const std::string auth_user = take(entry.keys, "auth_user");
  if (!user.empty()) {
    notes_.tell_lost(fmt::format("database {}: user={}", entry.name, user),
                     "every client logs in to the server as itself, not as one user for all");
  }
  target.user = !auth_user.empty() ? auth_user : given("auth_user") ? global("auth_user") : user;
  target.password = target.user == user && !password.empty() ? password : plain_password(target.user);
  return target;
}

std::string PgbouncerSource::host_of(const ImportDatabase& entry, const std::string& hosts) {
  const std::string what = fmt::format("database {}: host={}", entry.name, hosts);
  std::string first = hosts.substr(0, hosts.find(','));
  if (first != hosts) notes_.tell_lost(what, "only the first host is used");
  if (first.starts_with('@')) notes_.tell_lost(what, "abstract Unix sockets are not supported");
  if (!first.empty() && !first.starts_with('@')) return first;
  const std::string directory = global("unix_socket_dir");
  return directory.starts_with('/') ? directory : "127.0.0.1";
}

/// Only a plain password can log in elsewhere.
std::string PgbouncerSource::plain_password(const std::string& user) const {
  for (const auto& [name, secret] : secrets_) {
    if (name == user && !is_md5_hash(secret) && !looks_like_scram(secret)) return secret;
  }
  return {};
}

}  // namespace forebay::config
