#include "engine/reading.hpp"

#include <algorithm>
#include <optional>

#include "backend/session_settings.hpp"
#include "sql/first_word.hpp"

namespace forebay::engine {

namespace {

/// By these the scanner, the grammar, parse analysis and the input functions of PostgreSQL's own types read:
/// src/backend/utils/misc/guc.c. What functions do when they run is no matter of the Parse.
constexpr std::string_view kReading[] = {"array_nulls",
                                         "backslash_quote",
                                         "client_encoding",
                                         "datestyle",
                                         "intervalstyle",
                                         "lc_monetary",
                                         "standard_conforming_strings",
                                         "timezone",
                                         "timezone_abbreviations",
                                         "transform_null_equals",
                                         "xmloption"};

struct Setting {
  std::string_view name;
  std::string_view value;

  friend bool operator==(const Setting&, const Setting&) = default;
};

/// The next of parsing_settings(): name and value, each with a NUL behind it.
std::optional<Setting> take_setting(std::string_view& bytes) {
  if (bytes.empty()) return std::nullopt;
  const auto take = [&bytes] {
    const std::size_t end = bytes.find('\0');
    const std::string_view taken = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    return taken;
  };
  const std::string_view name = take();
  return Setting{name, take()};
}

std::optional<std::string_view> value_of(std::string_view bytes, std::string_view name) {
  while (const auto setting = take_setting(bytes)) {
    if (setting->name == name) return setting->value;
  }
  return std::nullopt;
}

bool is_reading(const Setting& setting) {
  return std::ranges::find(kReading, setting.name) != std::end(kReading);
}

std::optional<Setting> take_other(std::string_view& bytes) {
  auto setting = take_setting(bytes);
  while (setting && is_reading(*setting)) setting = take_setting(bytes);
  return setting;
}

/// SQL that gives the rest of a transaction what differs in `to`, in a session that has `from`.
std::string change(std::string_view from, std::string_view to) {
  std::string sql;
  for (const std::string_view name : kReading) {
    const auto wanted = value_of(to, name);
    if (value_of(from, name) == wanted) continue;
    // As a condition that is never true, the call has no rows to show. NULL: what RESET would give.
    sql += sql.empty() ? "SELECT WHERE " : " OR ";
    sql += "pg_catalog.set_config(" + backend::quote_literal(name) + "," +
           (wanted ? backend::quote_literal(*wanted) : "NULL") + ",true) IS NULL";
  }
  return sql;
}

/// Where names mean something else, PostgreSQL itself parses a prepared statement anew when it is used, under
/// the settings of the moment (RevalidateCachedQuery in src/backend/utils/cache/plancache.c).
bool is_parsed_anew(std::string_view then, std::string_view now) {
  constexpr std::string_view kPath = "search_path";
  return value_of(then, kPath) != value_of(now, kPath);
}

bool are_others_alike(std::string_view one, std::string_view other) {
  while (true) {
    const auto mine = take_other(one);
    if (mine != take_other(other)) return false;
    if (!mine) return true;
  }
}

/// The server keeps other commands as they were written, and reads their values when they run. Nothing of
/// ours may run before some of them in a transaction.
bool is_query(std::string_view text) {
  const std::string word = sql::first_word(text);
  return sql::is_about_rows(word) || word == "explain" || word == "declare";
}

}  // namespace

Reading reading_as_then(const PreparedStatement& statement, std::string_view now) {
  if (!statement.settings || statement.settings == now) return {};
  const std::string_view then = *statement.settings;
  if (!statement.are_settings_certain || is_parsed_anew(then, now) || !is_query(statement.text))
    return {.there = {}, .back = {}, .is_as_then = false};
  return {change(now, then), change(then, now), are_others_alike(now, then)};
}

}  // namespace forebay::engine
