#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/loop.hpp"
#include "pgfront/console_statement.hpp"
#include "pgfront/console_table.hpp"
#include "pgfront/show_commands.hpp"
#include "wire/error_message.hpp"

namespace forebay::backend {
class PoolDirectory;
}

namespace forebay::pgfront {

class Front;

/// Who talks to a console, and how it was reached.
struct ConsoleIdentity {
  std::string user;
  std::string database;  ///< "forebay" or "pgbouncer"
  std::string application_name;
  bool may_administer = false;  ///< false: SHOW only

  ConsoleView view() const { return database == "pgbouncer" ? ConsoleView::pgbouncer : ConsoleView::forebay; }
};

/// What a command answers.
struct ConsoleAnswer {
  std::optional<wire::ErrorMessage> error;  ///< set: the rest does not count
  std::optional<wire::ErrorMessage> notice;
  std::string rows;                        ///< DataRow messages
  std::string tag;                         ///< of CommandComplete
  std::optional<char> transaction_status;  ///< the new one, when it changes
};

/// A command that is understood: what it will answer with, and how to run it.
struct ConsolePlan {
  std::optional<wire::ErrorMessage> error;  ///< set: it cannot be run
  Columns columns;                          ///< none: no rows
  std::function<void(const ResultFormats& formats)> run;

  static ConsolePlan refusal(wire::ErrorMessage error) {
    return {.error = std::move(error), .columns = {}, .run = {}};
  }
};

/// Runs a console's commands, one after another. Used by the client's thread; it never blocks that.
class ConsoleExecutor {
 public:
  using Done = std::function<void(ConsoleAnswer answer)>;

  /// `front` and `identity` outlive the executor. `peer` tells whether the client is still there.
  ConsoleExecutor(Front& front, const ConsoleIdentity& identity, std::function<bool()> peer_is_there);
  ~ConsoleExecutor();

  ConsolePlan plan(const ConsoleStatement& statement);
  /// `done` may be called at once. One at a time.
  void run(const ConsolePlan& plan, const ResultFormats& formats, Done done);
  bool is_running() const { return done_ != nullptr; }
  /// Ends a command that waits, with an error. Others are not worth it.
  void cancel();

  const std::string& application_name() const { return application_name_; }

 private:
  using Run = void (ConsoleExecutor::*)(const std::string& argument);
  enum class Argument : std::uint8_t {
    none,
    database,
    optional_database,
    client_id,
    text,
    optional_text,
    shutdown_mode
  };
  struct Verb {
    std::string_view name;   ///< one or several words, in lower case
    std::string_view usage;  ///< what SHOW HELP says
    Argument argument;
    Run run;
  };
  static const std::vector<Verb>& verbs();

  // console_executor.cpp: understanding commands
  ConsolePlan plan_show(const ConsoleStatement& statement);
  ConsolePlan plan_verb(const Verb& verb, const ConsoleStatement& statement);
  static const Verb* find_verb(const std::vector<ConsoleWord>& words);
  std::optional<wire::ErrorMessage> check_argument(const Verb& verb,
                                                   const std::vector<ConsoleWord>& arguments) const;
  std::optional<wire::ErrorMessage> check_database(const std::string& name) const;
  wire::ErrorMessage unknown_command(const ConsoleStatement& statement) const;
  wire::ErrorMessage permission_denied(std::string_view command) const;
  void show_table(const ShowCommand& command, const ResultFormats& formats);
  void show_help();
  void log_command(const std::string& command) const;

  // console_set.cpp: SET, and SHOW of what clients ask of every server
  ConsolePlan plan_set(const ConsoleStatement& statement);
  ConsolePlan plan_client_setting(const std::string& name);
  void set(const std::string& key, const std::string& value);

  // console_commands.cpp: what administrators may do
  void pause(const std::string& database);
  void resume(const std::string& database);
  void clear_cache(const std::string& relation);
  wire::ErrorMessage forgotten(std::size_t count, const std::string& which) const;
  void clear_cache_of_tag(const std::string& pattern);
  void kill(const std::string& database);
  void kill_client(const std::string& id);
  void reconnect(const std::string& database);
  void wait_close(const std::string& database);
  void disable(const std::string& database);
  void enable(const std::string& database);
  void reset_statements(const std::string&);
  void reload(const std::string&);
  void shut_down(const std::string& mode);
  void suspend(const std::string&);
  void look_at_outdated(const std::string& database);

  // the end of a command
  void succeed(std::string tag, std::optional<wire::ErrorMessage> notice = {});
  void fail(wire::ErrorMessage error);
  void finish(ConsoleAnswer answer);
  /// Calls `look` now and then, until the command is finished.
  void wait(std::function<void()> look, std::string_view what_stays);
  void look_again();

  backend::PoolDirectory& directory() const;

  Front& front_;
  const ConsoleIdentity& identity_;
  const std::function<bool()> peer_is_there_;
  std::string application_name_;

  Done done_;                    ///< null: nothing runs
  std::shared_ptr<void> asker_;  ///< lives as long as the command: answers that come later are dropped
  std::function<void()> look_;   ///< null: the command does not wait for anything that time brings
  std::string what_stays_;       ///< what a cancel does not undo
  net::Timer look_timer_;
};

wire::ErrorMessage console_error(std::string_view sqlstate, std::string message, std::string hint = {});

/// SQLSTATEs that only consoles report (https://www.postgresql.org/docs/15/errcodes-appendix.html).
namespace console_sqlstate {
inline constexpr std::string_view kWarning = "01000", kInvalidValue = "22023", kCannotChangeNow = "55P02",
                                  kConfigurationFile = "F0000", kInvalidCursorName = "34000",
                                  kDuplicateCursor = "42P03";
}

}  // namespace forebay::pgfront
