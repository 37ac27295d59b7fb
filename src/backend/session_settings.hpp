#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wire/startup.hpp"

namespace forebay::backend {

/// Run-time settings of a session that differ from what its start-up packet gave it: name and value, sorted
/// by name. Immutable; sessions and backends share one object, so "are they alike" is usually one comparison
/// of addresses.
using SessionSettings = std::vector<wire::Parameter>;
using SessionSettingsPtr = std::shared_ptr<const SessionSettings>;  ///< null: none

inline bool same_settings(const SessionSettingsPtr& a, const SessionSettingsPtr& b) {
  if (a == b) return true;
  return a != nullptr && b != nullptr && *a == *b;
}

/// The value of `name`, or null.
const std::string* find_setting(const SessionSettingsPtr& settings, std::string_view name);

/// A copy with `name` set, or without it when `value` is null. An empty result is null.
SessionSettingsPtr with_setting(const SessionSettingsPtr& settings, std::string_view name,
                                const std::string* value);

/// SQL that turns a session that has `from` into one that has `to`. Empty when nothing is to be done.
std::string settings_change(const SessionSettingsPtr& from, const SessionSettingsPtr& to);

/// Whether a session that goes from `from` to `to` keeps a trace: a setting with a dot in its name, once set,
/// does not become unknown again when it is reset.
bool leaves_placeholders(const SessionSettingsPtr& from, const SessionSettingsPtr& to);

/// `text` as an SQL string constant, right under either standard_conforming_strings.
std::string quote_literal(std::string_view text);
/// `name` as a quoted identifier; a dotted setting name is quoted part by part.
std::string quote_setting_name(std::string_view name);

}  // namespace forebay::backend
