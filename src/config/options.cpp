#include "config/options.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "config/option_table.hpp"

namespace forebay::config {

const std::vector<Option>& options() {
  static const std::vector<Option> all = option_rows();
  return all;
}

const std::vector<Section>& sections() {
  static const std::vector<Section> all = section_rows();
  return all;
}

const Option* find_option(Scope scope, std::string_view key) {
  const auto& all = options();
  const auto found = std::find_if(all.begin(), all.end(), [scope, key](const Option& option) {
    return option.scope == scope && option.key == key;
  });
  return found == all.end() ? nullptr : &*found;
}

std::vector<std::string> keys_under(Scope scope, std::string_view prefix) {
  std::vector<std::string> keys;
  const auto add = [&keys](std::string_view key) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.emplace_back(key);
  };
  const std::string start = prefix.empty() ? "" : fmt::format("{}.", prefix);
  for (const Option& option : options()) {
    if (option.scope != scope || !option.key.starts_with(start)) continue;
    const std::string_view rest = std::string_view(option.key).substr(start.size());
    add(rest.substr(0, rest.find('.')));
  }
  if (scope != Scope::global) return keys;
  for (const Section& section : sections()) {
    if (!section.key.starts_with(start)) continue;
    const std::string_view rest = std::string_view(section.key).substr(start.size());
    add(rest.substr(0, rest.find('.')));
  }
  return keys;
}

std::vector<SettingLine> list_settings(const Settings& settings) {
  Settings now = settings;
  Settings defaults;
  std::vector<SettingLine> lines;
  for (const Option& option : options()) {
    if (option.scope != Scope::global) continue;
    const auto value = [&option](Settings& of) {
      return option.kind == Kind::upstream ? masked_upstream(of.upstream)
                                           : option.show({.settings = &of, .base = {}});
    };
    lines.push_back({option.key, value(now), value(defaults), !option.needs_restart});
  }
  return lines;
}

namespace {

/// The lines of one thing, with what differs from the default only.
void add_entry(std::vector<SettingLine>& lines, Scope scope, const std::string& path, const Place& place) {
  for (const Option& option : options()) {
    if (option.scope != scope) continue;
    Blank blank;
    const std::string before = option.show(blank.place());
    std::string value = option.show(place);
    if (value == before) continue;
    if (option.kind == Kind::upstream) {
      value = masked_upstream(scope == Scope::upstream ? *place.upstream : *place.database->upstream);
    }
    if (option.kind == Kind::secret) value = "***";
    lines.push_back({fmt::format("{}.{}", path, option.key), std::move(value), before});
  }
}

/// The rest of an upstream is in its URL.
void add_tls(std::vector<SettingLine>& lines, const std::string& path, Upstream upstream) {
  std::vector<SettingLine> all;
  add_entry(all, Scope::upstream, path, {.upstream = &upstream, .base = {}});
  for (SettingLine& line : all) {
    if (line.key.starts_with(path + ".tls.")) lines.push_back(std::move(line));
  }
}

}  // namespace

std::vector<SettingLine> list_entries(const Settings& settings) {
  std::vector<SettingLine> lines;
  add_tls(lines, "upstream", settings.upstream);
  for (auto [name, database] : settings.databases) {
    const std::string path = "databases." + name;
    add_entry(lines, Scope::database, path, {.database = &database, .base = {}});
    if (database.upstream) add_tls(lines, path + ".upstream", *database.upstream);
  }
  for (auto [name, user] : settings.users) {
    add_entry(lines, Scope::user, "users." + name, {.user = &user, .base = {}});
  }
  for (auto [name, policy] : settings.policies) {
    add_entry(lines, Scope::policy, "policies." + name, {.policy = &policy, .base = {}});
  }
  for (const auto& [path, target] : settings.http.aliases)
    lines.push_back({"http.aliases." + path, target, ""});
  for (auto [name, rule] : settings.alerts.rules) {
    add_entry(lines, Scope::rule, "alerts.rules." + name, {.rule = &rule, .base = {}});
  }
  return lines;
}

std::vector<std::string> restart_needed(const Settings& running, const Settings& wanted) {
  const auto before = list_settings(running);
  const auto after = list_settings(wanted);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (!before[i].changeable && before[i].value != after[i].value) keys.push_back(before[i].key);
  }
  return keys;
}

Settings until_restart(const Settings& running, const Settings& wanted) {
  Settings from = running;
  Settings to = wanted;
  for (const Option& option : options()) {
    if (option.needs_restart) option.copy({.settings = &to, .base = {}}, {.settings = &from, .base = {}});
  }
  return to;
}

}  // namespace forebay::config
