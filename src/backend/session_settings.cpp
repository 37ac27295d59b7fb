#include "backend/session_settings.hpp"

#include <algorithm>

namespace forebay::backend {

namespace {

auto position_of(const SessionSettings& settings, std::string_view name) {
  return std::ranges::lower_bound(settings, name, {}, &wire::Parameter::first);
}

/// A role may be needed to set what follows, or lost by it: it is left first and entered last.
constexpr std::string_view kRole = "role";

}  // namespace

const std::string* find_setting(const SessionSettingsPtr& settings, std::string_view name) {
  if (settings == nullptr) return nullptr;
  const auto at = position_of(*settings, name);
  return at != settings->end() && at->first == name ? &at->second : nullptr;
}

SessionSettingsPtr with_setting(const SessionSettingsPtr& settings, std::string_view name,
                                const std::string* value) {
  SessionSettings changed = settings == nullptr ? SessionSettings() : *settings;
  const auto at = changed.begin() + (position_of(changed, name) - changed.cbegin());
  const bool known = at != changed.end() && at->first == name;
  if (value == nullptr) {
    if (known) changed.erase(at);
  } else if (known) {
    at->second = *value;
  } else {
    changed.emplace(at, name, *value);
  }
  if (changed.empty()) return nullptr;
  return std::make_shared<const SessionSettings>(std::move(changed));
}

std::string settings_change(const SessionSettingsPtr& from, const SessionSettingsPtr& to) {
  std::string resets;
  std::string sets;
  if (find_setting(from, kRole) != nullptr) resets += "RESET role;";
  if (from != nullptr) {
    for (const auto& [name, value] : *from) {
      if (name != kRole && find_setting(to, name) == nullptr)
        resets += "RESET " + quote_setting_name(name) + ";";
    }
  }
  const auto set = [&sets](const std::string& name, const std::string& value) {
    sets += sets.empty() ? "SELECT " : ",";
    sets += "pg_catalog.set_config(" + quote_literal(name) + "," + quote_literal(value) + ",false)";
  };
  if (to != nullptr) {
    for (const auto& [name, value] : *to) {
      const std::string* present = find_setting(from, name);
      if (name != kRole && (present == nullptr || *present != value)) set(name, value);
    }
    if (const std::string* role = find_setting(to, kRole)) set(std::string(kRole), *role);
  }
  return resets + sets;
}

bool leaves_placeholders(const SessionSettingsPtr& from, const SessionSettingsPtr& to) {
  if (from == nullptr || from == to) return false;
  return std::ranges::any_of(*from, [&to](const auto& setting) {
    return setting.first.find('.') != std::string::npos && find_setting(to, setting.first) == nullptr;
  });
}

std::string quote_literal(std::string_view text) {
  std::string quoted = text.find('\\') == std::string_view::npos ? "'" : " E'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted.push_back(c);
    quoted.push_back(c);
  }
  quoted.push_back('\'');
  return quoted;
}

std::string quote_setting_name(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '.') {
      quoted += "\".\"";
    } else {
      if (c == '"') quoted.push_back('"');
      quoted.push_back(c);
    }
  }
  return quoted + "\"";
}

}  // namespace forebay::backend
