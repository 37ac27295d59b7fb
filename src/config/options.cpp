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
  if (scope == Scope::global && prefix.empty()) {
    for (const Section& section : sections()) add(section.key);
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

std::vector<std::string> restart_needed(const Settings& old, const Settings& now) {
  const auto before = list_settings(old);
  const auto after = list_settings(now);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (!before[i].changeable && before[i].value != after[i].value) keys.push_back(before[i].key);
  }
  return keys;
}

}  // namespace forebay::config
