#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "config/values.hpp"

namespace forebay::config {

/// What an option's value looks like.
enum class Kind { text, secret, file, count, duration, size, boolean, choice, names, addresses, upstream };

/// In what kind of mapping an option stands.
enum class Scope {
  global,    ///< the file itself
  database,  ///< an entry of `databases`
  user,      ///< an entry of `users`
  policy,    ///< an entry of `policies`
  rule,      ///< an entry of `alerts.rules`
  alias,     ///< an entry of `http.aliases`: a plain value, without options
  upstream,  ///< an upstream that is written as a mapping
};

/// The thing whose options are being read. Only the pointer that belongs to the option's scope is used.
struct Place {
  Settings* settings = nullptr;
  Database* database = nullptr;
  User* user = nullptr;
  CachePolicy* policy = nullptr;
  AlertRule* rule = nullptr;
  Upstream* upstream = nullptr;
  std::filesystem::path base;  ///< what relative file names start from
};

/// Things with nothing but defaults in them, to read a value into or to show.
struct Blank {
  Settings settings = {};
  Database database = {};
  User user = {};
  CachePolicy policy = {};
  AlertRule rule = {};
  Upstream upstream = {};

  Place place() { return {&settings, &database, &user, &policy, &rule, &upstream, {}}; }
};

/// One setting: all that is known of it. Reading files and flags, the suggestions for a mistyped key, the
/// JSON Schema, the reference documentation and the flags' help are all derived from the table of these.
struct Option {
  Scope scope = Scope::global;
  std::string key = {};            ///< `section.name` or `name`, within the scope
  std::string help = {};           ///< one or two sentences
  std::string flag = {};           ///< such as --pool-size; empty: only --set reaches it
  std::string url_parameter = {};  ///< upstream: its name in a URL's query; empty: not allowed there
  std::string pgbouncer = {};      ///< PgBouncer's name for the same thing; empty: none
  bool needs_restart = false;
  Kind kind = Kind::text;                 ///< follows from the field, but for secret and file
  Range range = {};                       ///< of counts, durations and sizes
  std::vector<std::string> choices = {};  ///< of a choice

  /// Reads a value and stores it. Mistakes are added to `complaints`, without the option's name. Lists
  /// append.
  std::function<void(const Place&, std::string_view text, std::vector<std::string>& complaints)> store =
      nullptr;
  /// Puts the default back.
  std::function<void(const Place&)> reset = nullptr;
  /// Takes the value over from another place.
  std::function<void(const Place& to, const Place& from)> copy = nullptr;
  /// The value as text; empty when it is not set. Secrets in clear.
  std::function<std::string(const Place&)> show = nullptr;
  /// Kind::upstream: the upstream itself, made when there was none.
  std::function<Upstream*(const Place&)> open = nullptr;
};

/// A group of options in the file.
struct Section {
  std::string key;  ///< the last part of it is below the section of the others, such as alerts.rules
  std::string help;
  std::optional<Scope>
      entries;  ///< set: the section's keys are names of the user's, each a mapping of this scope
};

/// Every option, in the order of the documentation. Built once; thread safe.
const std::vector<Option>& options();

/// The sections of the file, in the order of the documentation.
const std::vector<Section>& sections();

/// The option of this scope and key, or null.
const Option* find_option(Scope scope, std::string_view key);

/// The keys that may stand under `prefix` (empty, or a section's name) in this scope, in order.
std::vector<std::string> keys_under(Scope scope, std::string_view prefix);

/// Reads an upstream's URL into `upstream`, which is reset first.
void store_upstream_url(std::string_view url, Upstream& upstream, const std::filesystem::path& base,
                        std::vector<std::string>& complaints);

/// The upstream as a URL, with its password in clear; `masked_upstream` writes *** in its place.
std::string upstream_url(const Upstream& upstream);
std::string masked_upstream(const Upstream& upstream);

/// One line of SHOW CONFIG.
struct SettingLine {
  std::string key;
  std::string value;  ///< secrets as ***
  std::string default_value;
  bool changeable = true;  ///< takes effect at a reload
};

/// The global options with their values, in the order of the documentation.
std::vector<SettingLine> list_settings(const Settings& settings);

/// What stands beside them: the TLS of the upstream, and what the entries of `databases`, `users`, `policies`
/// and `alerts.rules` set, under keys such as databases.shop.pool.size.
std::vector<SettingLine> list_entries(const Settings& settings);

/// The keys of the settings that differ and that a reload cannot change.
std::vector<std::string> restart_needed(const Settings& running, const Settings& wanted);

/// `wanted` with the running values of what a reload cannot change: what is in use after it.
Settings until_restart(const Settings& running, const Settings& wanted);

}  // namespace forebay::config
