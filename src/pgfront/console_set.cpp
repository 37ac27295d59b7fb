// SET, and SHOW of the settings that clients ask of every server.

#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "config/checks.hpp"
#include "config/nearest.hpp"
#include "config/options.hpp"
#include "config/problem.hpp"
#include "pgfront/console_executor.hpp"
#include "pgfront/console_service.hpp"
#include "pgfront/front.hpp"

namespace forebay::pgfront {

namespace {

/// What drivers set and ask when they connect. The console shows these values and changes none.
struct ClientSetting {
  std::string_view name;
  std::string_view value;
};
constexpr ClientSetting kClientSettings[] = {
    {"application_name", ""},
    {"bytea_output", "hex"},
    {"client_encoding", "UTF8"},
    {"client_min_messages", "notice"},
    {"datestyle", "ISO, MDY"},
    {"default_transaction_isolation", "read committed"},
    {"default_transaction_read_only", "off"},
    {"extra_float_digits", "1"},
    {"idle_in_transaction_session_timeout", "0"},
    {"intervalstyle", "postgres"},
    {"lock_timeout", "0"},
    {"search_path", ""},
    {"server_encoding", "UTF8"},
    {"server_version", "15.0"},
    {"standard_conforming_strings", "on"},
    {"statement_timeout", "0"},
    {"timezone", "GMT"},
    {"transaction_isolation", "read committed"},
    {"transaction_read_only", "off"},
};

/// Forms of SET without a setting's name right behind it.
constexpr std::string_view kOtherSets[] = {"characteristics", "names", "time", "transaction"};

/// What can be changed for a while without a configuration file that says so.
constexpr std::string_view kChangeable[] = {"pool.", "limits.", "timeouts.", "log."};

const ClientSetting* find_client_setting(std::string_view name) {
  const auto* at = std::ranges::find(kClientSettings, name, &ClientSetting::name);
  return at == std::end(kClientSettings) ? nullptr : at;
}

const config::Option* find_setting(const std::string& key) {
  if (const auto* own = config::find_option(config::Scope::global, key)) return own;
  for (const config::Option& option : config::options()) {
    if (option.scope == config::Scope::global && option.pgbouncer == key) return &option;
  }
  return nullptr;
}

bool is_changeable(const config::Option& option) {
  return !option.needs_restart && std::ranges::any_of(kChangeable, [&option](std::string_view prefix) {
    return option.key.starts_with(prefix);
  });
}

/// Under PgBouncer's name a bare number is a number of seconds.
std::string own_form(const config::Option& option, const std::string& key, std::string value) {
  const bool bare = !value.empty() && value.find_first_not_of("0123456789.") == std::string::npos;
  if (key == option.pgbouncer && option.kind == config::Kind::duration && bare) value += "s";
  return value;
}

Result<config::SettingsPtr> with(const config::Settings& present, const config::Option& option,
                                 const std::string& value) {
  auto changed = std::make_shared<config::Settings>(present);
  std::vector<std::string> complaints;
  option.store({.settings = changed.get(), .base = {}}, value, complaints);
  if (!complaints.empty()) return Error{ErrorCode::configuration, config::joined(complaints, "; ")};
  std::vector<config::Problem> problems;
  const config::Location here{"SET"};
  config::check_settings(*changed, {{"upstream", here}}, here, problems);
  if (!problems.empty()) return Error{ErrorCode::configuration, problems.front().text};
  return config::SettingsPtr(std::move(changed));
}

wire::ErrorMessage unknown_setting(const std::string& key) {
  std::vector<std::string> known;
  for (const config::Option& option : config::options()) {
    if (option.scope == config::Scope::global && is_changeable(option)) known.push_back(option.key);
  }
  const auto near = config::nearest(key, known);
  return console_error(
      wire::sqlstate::kUndefinedObject, fmt::format("there is no setting {}", config::in_quotes(key)),
      near ? fmt::format("Did you mean {}? SHOW CONFIG lists all.", *near) : "SHOW CONFIG lists all.");
}

}  // namespace

ConsolePlan ConsoleExecutor::plan_client_setting(const std::string& name) {
  const ClientSetting* setting = find_client_setting(name);
  if (setting == nullptr) return {};
  const Columns columns = {{setting->name}};
  return {
      .error = {}, .columns = columns, .run = [this, columns, setting](const ResultFormats& formats) {
        RowWriter rows(columns, formats);
        rows.text(setting->name == "application_name" ? std::string_view(application_name_) : setting->value);
        ConsoleAnswer answer;
        answer.rows = as_text(rows.bytes());
        answer.tag = "SHOW";
        finish(std::move(answer));
      }};
}

ConsolePlan ConsoleExecutor::plan_set(const ConsoleStatement& statement) {
  auto words = statement.words;
  if (words.size() > 1 && (words[1].is_keyword("session") || words[1].is_keyword("local")))
    words.erase(words.begin() + 1);
  const std::string key = words.size() > 1 ? lower_case(words[1].text) : std::string();
  const bool other = std::ranges::find(kOtherSets, key) != std::end(kOtherSets);
  const bool assigns =
      words.size() >= 4 && (words[2].kind == ConsoleWord::Kind::equals || words[2].is_keyword("to"));
  const bool clients = other || (assigns && find_client_setting(key) != nullptr);
  if (!clients && (!assigns || words.size() > 4)) {
    return ConsolePlan::refusal(console_error(wire::sqlstate::kSyntaxError, "SET is used as: SET key = value",
                                              "Values with blanks in them go between single quotes."));
  }
  if (clients) {
    return {.error = {}, .columns = {}, .run = [this, key, value = words.back().text](const ResultFormats&) {
              if (key == "application_name") application_name_ = value;
              ConsoleAnswer answer;
              answer.tag = "SET";
              if (key != "application_name") {
                answer.notice = wire::ErrorMessage{wire::Severity::notice, "00000", "SET ignored", {}, {}};
              }
              finish(std::move(answer));
            }};
  }
  if (!identity_.may_administer) {
    return ConsolePlan::refusal(permission_denied("SET"));
  }
  return {.error = {}, .columns = {}, .run = [this, key, value = words[3].text](const ResultFormats&) {
            set(key, value);
          }};
}

void ConsoleExecutor::set(const std::string& key, const std::string& value) {
  const config::Option* option = find_setting(key);
  if (option == nullptr) return fail(unknown_setting(key));
  if (!is_changeable(*option)) {
    return fail(console_error(console_sqlstate::kCannotChangeNow,
                              fmt::format("{} cannot be changed by SET", option->key),
                              option->needs_restart ? "Change the configuration and restart."
                                                    : "Change the configuration and RELOAD."));
  }
  log_command(fmt::format("SET {} = {}", option->key, value));
  const std::weak_ptr<void> asker = asker_;
  const std::string own = own_form(*option, key, value);
  front_.console_service().change_settings(
      [option, own](const config::Settings& present) { return with(present, *option, own); },
      [this, asker, option, key, value](const Result<void>& result) {
        if (asker.expired()) return;
        if (result) return succeed(fmt::format("SET {}={}", key, value));
        fail(console_error(
            console_sqlstate::kInvalidValue,
            fmt::format("{} cannot be {}: {}", option->key, config::in_quotes(value), result.error().text)));
      });
}

}  // namespace forebay::pgfront
