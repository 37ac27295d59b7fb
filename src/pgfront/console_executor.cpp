#include "pgfront/console_executor.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "config/nearest.hpp"
#include "config/problem.hpp"
#include "observe/log.hpp"
#include "pgfront/administration.hpp"
#include "pgfront/front.hpp"

namespace forebay::pgfront {

namespace {

/// How often a condition is looked at that a command waits for.
constexpr Duration kLookInterval{20};

constexpr std::string_view kSeeHelp = "SHOW HELP lists all commands.";

std::string did_you_mean(const std::optional<std::string>& candidate) {
  return candidate ? fmt::format("Did you mean {}? {}", *candidate, kSeeHelp) : std::string(kSeeHelp);
}

std::vector<std::string_view> words_of(std::string_view name) {
  std::vector<std::string_view> words;
  while (true) {
    const auto blank = name.find(' ');
    words.push_back(name.substr(0, blank));
    if (blank == name.npos) return words;
    name.remove_prefix(blank + 1);
  }
}

bool starts_with(const std::vector<ConsoleWord>& words, const std::vector<std::string_view>& parts) {
  return words.size() >= parts.size() &&
         std::equal(parts.begin(), parts.end(), words.begin(),
                    [](std::string_view part, const ConsoleWord& word) { return word.is_keyword(part); });
}

wire::ErrorMessage misuse(std::string_view verb, std::string_view usage) {
  return console_error(wire::sqlstate::kSyntaxError,
                       fmt::format("{} is used as: {}", upper_case(verb),
                                   usage.empty() ? upper_case(verb) : std::string(usage)),
                       "Names with blanks in them go between double quotes.");
}

/// Clients that open transactions by themselves need to hear that it worked. The console has none.
struct TransactionVerb {
  std::string_view name;
  std::string_view tag;
  char status;
};
constexpr TransactionVerb kTransactionVerbs[] = {
    {"begin", "BEGIN", 'T'}, {"start", "START TRANSACTION", 'T'}, {"commit", "COMMIT", 'I'},
    {"end", "COMMIT", 'I'},  {"rollback", "ROLLBACK", 'I'},       {"abort", "ROLLBACK", 'I'},
};

}  // namespace

wire::ErrorMessage console_error(std::string_view sqlstate, std::string message, std::string hint) {
  return {wire::Severity::error, std::string(sqlstate), std::move(message), {}, std::move(hint)};
}

ConsoleExecutor::ConsoleExecutor(Front& front, const ConsoleIdentity& identity,
                                 std::function<bool()> peer_is_there)
    : front_(front),
      identity_(identity),
      peer_is_there_(std::move(peer_is_there)),
      application_name_(identity.application_name),
      look_timer_([this] { look_again(); }) {}

ConsoleExecutor::~ConsoleExecutor() = default;

backend::PoolDirectory& ConsoleExecutor::directory() const {
  return front_.directory();
}

// --- understanding commands
// --------------------------------------------------------------------------------------

const std::vector<ConsoleExecutor::Verb>& ConsoleExecutor::verbs() {
  using E = ConsoleExecutor;
  static const std::vector<Verb> all = {
      {"pause", "PAUSE [db]", Argument::optional_database, &E::pause},
      {"resume", "RESUME [db]", Argument::optional_database, &E::resume},
      {"disable", "DISABLE db", Argument::database, &E::disable},
      {"enable", "ENABLE db", Argument::database, &E::enable},
      {"reconnect", "RECONNECT [db]", Argument::optional_database, &E::reconnect},
      {"wait_close", "WAIT_CLOSE [db]", Argument::optional_database, &E::wait_close},
      {"kill", "KILL [db]", Argument::optional_database, &E::kill},
      {"kill_client", "KILL_CLIENT id", Argument::client_id, &E::kill_client},
      {"cache clear tag", "CACHE CLEAR TAG pattern", Argument::text, &E::clear_cache_of_tag},
      {"cache clear", "CACHE CLEAR [relation]", Argument::optional_text, &E::clear_cache},
      {"reset statements", "RESET STATEMENTS", Argument::none, &E::reset_statements},
      {"reload", "RELOAD", Argument::none, &E::reload},
      {"shutdown", "SHUTDOWN [WAIT_FOR_SERVERS|WAIT_FOR_CLIENTS]", Argument::shutdown_mode, &E::shut_down},
      {"suspend", "", Argument::none, &E::suspend},
  };
  return all;
}

ConsolePlan ConsoleExecutor::plan(const ConsoleStatement& statement) {
  const ConsoleWord& first = statement.words.front();
  if (first.is_keyword("show")) return plan_show(statement);
  if (first.is_keyword("set")) return plan_set(statement);
  if (const Verb* verb = find_verb(statement.words)) return plan_verb(*verb, statement);
  for (const TransactionVerb& verb : kTransactionVerbs) {
    if (!first.is_keyword(verb.name)) continue;
    return {.error = {}, .columns = {}, .run = [this, &verb](const ResultFormats&) {
              ConsoleAnswer answer;
              answer.tag = verb.tag;
              answer.transaction_status = verb.status;
              finish(std::move(answer));
            }};
  }
  return ConsolePlan::refusal(unknown_command(statement));
}

wire::ErrorMessage ConsoleExecutor::unknown_command(const ConsoleStatement& statement) const {
  std::vector<std::string> known = {"SHOW", "SET"};
  for (const Verb& verb : verbs()) known.push_back(upper_case(verb.name));
  return console_error(
      wire::sqlstate::kSyntaxError,
      fmt::format("{} is no command of the console", config::in_quotes(to_string(statement))),
      did_you_mean(config::nearest(statement.words.front().text, known)));
}

wire::ErrorMessage ConsoleExecutor::permission_denied(std::string_view command) const {
  return console_error(
      wire::sqlstate::kInsufficientPrivilege,
      fmt::format("permission denied: user {} may only use SHOW", config::in_quotes(identity_.user)),
      fmt::format("{} is for the users listed under admin.users.", command));
}

ConsolePlan ConsoleExecutor::plan_show(const ConsoleStatement& statement) {
  const auto& words = statement.words;
  const bool isolation = words.size() == 4 && words[1].is_keyword("transaction") &&
                         words[2].is_keyword("isolation") && words[3].is_keyword("level");
  if (isolation) return plan_client_setting("transaction_isolation");
  if (words.size() != 2) {
    return ConsolePlan::refusal(console_error(
        wire::sqlstate::kSyntaxError, "SHOW needs the name of one thing to show", std::string(kSeeHelp)));
  }
  const std::string name = lower_case(words[1].text);
  if (name == "help")
    return {.error = {}, .columns = {}, .run = [this](const ResultFormats&) { show_help(); }};
  if (name == "fds") {
    return ConsolePlan::refusal(
        console_error(wire::sqlstate::kFeatureNotSupported, "file descriptors are not shown",
                      "PgBouncer hands its sockets over by SHOW FDS; Forebay has another way to restart."));
  }
  if (const ShowCommand* command = find_show_command(name)) {
    return {.error = {},
            .columns = command->columns(identity_.view()),
            .run = [this, command](const ResultFormats& formats) { show_table(*command, formats); }};
  }
  if (ConsolePlan setting = plan_client_setting(name); setting.run != nullptr) return setting;
  std::vector<std::string> known = {"HELP"};
  for (const ShowCommand& command : show_commands()) known.push_back(upper_case(command.name));
  auto near = config::nearest(name, known);
  if (near) near = "SHOW " + *near;
  return ConsolePlan::refusal(console_error(
      wire::sqlstate::kUndefinedObject,
      fmt::format("there is no {} to show", config::in_quotes(words[1].text)), did_you_mean(near)));
}

/// The verb whose words all stand there, of several the one with most; otherwise the last one that begins so,
/// which is the shortest.
const ConsoleExecutor::Verb* ConsoleExecutor::find_verb(const std::vector<ConsoleWord>& words) {
  const Verb* found = nullptr;
  std::size_t most = 0;
  for (const Verb& verb : verbs()) {
    const auto parts = words_of(verb.name);
    if (!words.front().is_keyword(parts.front())) continue;
    const bool is_whole = starts_with(words, parts);
    if (is_whole ? parts.size() > most : most == 0) found = &verb;
    if (is_whole) most = std::max(most, parts.size());
  }
  return found;
}

ConsolePlan ConsoleExecutor::plan_verb(const Verb& verb, const ConsoleStatement& statement) {
  if (!identity_.may_administer) {
    return ConsolePlan::refusal(permission_denied(upper_case(verb.name)));
  }
  const auto parts = words_of(verb.name);
  if (!starts_with(statement.words, parts)) return ConsolePlan::refusal(misuse(verb.name, verb.usage));
  const std::vector<ConsoleWord> arguments(
      statement.words.begin() + static_cast<std::ptrdiff_t>(parts.size()), statement.words.end());
  if (auto error = check_argument(verb, arguments)) return ConsolePlan::refusal(std::move(*error));
  std::string argument = arguments.empty() ? std::string() : arguments.front().text;
  return {
      .error = {}, .columns = {}, .run = [this, &verb, argument = std::move(argument)](const ResultFormats&) {
        log_command(upper_case(verb.name) + (argument.empty() ? "" : " " + argument));
        (this->*verb.run)(argument);
      }};
}

void ConsoleExecutor::log_command(const std::string& command) const {
  observe::Event("console command").with("command", command).with("user", identity_.user).info();
}

std::optional<wire::ErrorMessage> ConsoleExecutor::check_argument(
    const Verb& verb, const std::vector<ConsoleWord>& arguments) const {
  const bool optional = verb.argument == Argument::optional_database ||
                        verb.argument == Argument::optional_text || verb.argument == Argument::shutdown_mode;
  const std::size_t most = verb.argument == Argument::none ? 0 : 1;
  const std::size_t least = optional ? 0 : most;
  if (arguments.size() < least || arguments.size() > most) return misuse(verb.name, verb.usage);
  if (arguments.empty()) return std::nullopt;
  const std::string& argument = arguments.front().text;
  switch (verb.argument) {
    case Argument::client_id: {
      std::uint64_t id = 0;
      const auto [end, error] = std::from_chars(argument.data(), argument.data() + argument.size(), id);
      if (error == std::errc() && end == argument.data() + argument.size()) return std::nullopt;
      return console_error(console_sqlstate::kInvalidValue,
                           fmt::format("{} is no client's number", config::in_quotes(argument)),
                           "It is the id that SHOW CLIENTS tells.");
    }
    case Argument::text:
    case Argument::optional_text:
      return std::nullopt;
    case Argument::shutdown_mode:
      if (arguments.front().is_keyword("wait_for_servers") ||
          arguments.front().is_keyword("wait_for_clients"))
        return std::nullopt;
      return misuse(verb.name, verb.usage);
    default:
      return check_database(argument);
  }
}

std::optional<wire::ErrorMessage> ConsoleExecutor::check_database(const std::string& name) const {
  if (name == "forebay" || name == "pgbouncer") {
    return console_error(wire::sqlstate::kFeatureNotSupported, "this cannot be done to the console itself");
  }
  const auto unknown = pgfront::check_database(front_, name);
  if (!unknown) return std::nullopt;
  return console_error(wire::sqlstate::kInvalidCatalogName, unknown->why,
                       unknown->hint.empty() ? "SHOW DATABASES lists them." : unknown->hint);
}

// --- running
// -----------------------------------------------------------------------------------------------------

void ConsoleExecutor::run(const ConsolePlan& plan, const ResultFormats& formats, Done done) {
  done_ = std::move(done);
  asker_ = std::make_shared<char>();
  if (plan.error) return fail(*plan.error);
  plan.run(formats);
}

void ConsoleExecutor::show_table(const ShowCommand& command, const ResultFormats& formats) {
  const auto request = std::make_shared<const ShowRequest>(
      ShowRequest{front_, identity_.view(), command.columns(identity_.view()), formats,
                  net::Loop::current()->now(), asker_});
  command.run(request, [this](std::string rows) {
    ConsoleAnswer answer;
    answer.rows = std::move(rows);
    answer.tag = "SHOW";
    finish(std::move(answer));
  });
}

void ConsoleExecutor::show_help() {
  std::string shows = "HELP";
  for (const ShowCommand& command : show_commands()) shows += "|" + upper_case(command.name);
  std::string text = "\n\tSHOW " + shows;
  text += "\n\tSET key = value";
  for (const Verb& verb : verbs()) {
    if (!verb.usage.empty()) text += fmt::format("\n\t{}", verb.usage);
  }
  ConsoleAnswer answer;
  answer.notice = wire::ErrorMessage{wire::Severity::notice, "00000", "Console usage", std::move(text), {}};
  answer.tag = "SHOW";
  finish(std::move(answer));
}

void ConsoleExecutor::cancel() {
  if (look_ == nullptr) return;
  fail(console_error(wire::sqlstate::kQueryCanceled, "canceling statement due to user request", what_stays_));
}

void ConsoleExecutor::wait(std::function<void()> look, std::string_view what_stays) {
  look_ = std::move(look);
  what_stays_ = what_stays;
  look_timer_.start(*net::Loop::current(), Duration(0));
}

void ConsoleExecutor::look_again() {
  if (!peer_is_there_()) return;
  look_timer_.start(*net::Loop::current(), kLookInterval);
  const auto look = look_;
  look();
}

void ConsoleExecutor::succeed(std::string tag, std::optional<wire::ErrorMessage> notice) {
  ConsoleAnswer answer;
  answer.notice = std::move(notice);
  answer.tag = std::move(tag);
  finish(std::move(answer));
}

void ConsoleExecutor::fail(wire::ErrorMessage error) {
  ConsoleAnswer answer;
  answer.error = std::move(error);
  finish(std::move(answer));
}

void ConsoleExecutor::finish(ConsoleAnswer answer) {
  asker_.reset();
  look_ = nullptr;
  look_timer_.cancel();
  const Done done = std::move(done_);
  done_ = nullptr;
  done(std::move(answer));
}

}  // namespace forebay::pgfront
