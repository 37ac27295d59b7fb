// What administrators may do: PAUSE, RESUME, KILL and the like.

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "config/problem.hpp"
#include "observe/log.hpp"
#include "pgfront/administration.hpp"
#include "pgfront/console_executor.hpp"
#include "pgfront/console_gather.hpp"
#include "pgfront/console_service.hpp"
#include "pgfront/statement_report.hpp"

namespace forebay::pgfront {

namespace {

/// What is said of settings that a reload has left as they were.
std::optional<wire::ErrorMessage> needs_restart(const std::vector<std::string>& keys) {
  if (keys.empty()) return std::nullopt;
  return wire::ErrorMessage{wire::Severity::warning,
                            std::string(console_sqlstate::kWarning),
                            fmt::format("only a restart can change {}", config::joined(keys)),
                            "The running values stay until then; SHOW CONFIG shows them.",
                            {}};
}

/// Of one database, or of all when it is empty.
std::string scope(const std::string& database) {
  return database.empty() ? "all databases" : fmt::format("database \"{}\"", database);
}

bool kill_clients_here(Worker& worker, const std::string& database) {
  const auto error = administrator_command();
  for (Client* client : worker.clients()) {
    const auto* session = client->session();
    if (session == nullptr || (!database.empty() && session->pool().database() != database)) continue;
    client->finish(&error);
  }
  return true;
}

bool kill_client_here(Worker& worker, std::uint64_t id) {
  const auto error = administrator_command();
  for (Client* client : worker.clients()) {
    if (client->id() != id || client->is_ending()) continue;
    client->finish(&error);
    return true;
  }
  return false;
}

/// Where the configuration lists no databases every name is right, a mistyped one as well.
std::optional<wire::ErrorMessage> nobody_there(backend::PoolDirectory& directory,
                                               const std::string& database) {
  if (database.empty() || !directory.of_database(database).empty()) return std::nullopt;
  return wire::ErrorMessage{wire::Severity::notice,
                            "00000",
                            fmt::format("nobody uses {} at present", scope(database)),
                            {},
                            "SHOW DATABASES lists those that are used."};
}

/// Backends that RECONNECT, RELOAD or PAUSE condemned, and all that there are.
struct Outdated {
  std::size_t outdated = 0;
  std::size_t seen = 0;
};

Outdated outdated_here(const std::vector<std::shared_ptr<backend::Pool>>& pools) {
  Outdated count;
  for (const auto& pool : pools) {
    for (const backend::Backend* each : pool->backends_here()) {
      ++count.seen;
      if (each->generation() != pool->generation()) ++count.outdated;
    }
  }
  return count;
}

}  // namespace

void ConsoleExecutor::pause(const std::string& database) {
  pgfront::pause(front_, database);
  wait(
      [this, database] {
        if (!directory().is_paused(database)) {
          return fail(console_error(wire::sqlstate::kQueryCanceled, "RESUME came before PAUSE was complete"));
        }
        if (open_backends(front_, database) != 0) return;
        succeed("PAUSE", nobody_there(directory(), database));
      },
      "The pause stays, until RESUME.");
}

void ConsoleExecutor::resume(const std::string& database) {
  const Resumed resumed = pgfront::resume(front_, database);
  if (resumed == Resumed::yes) return succeed("RESUME");
  if (resumed == Resumed::paused_with_all) {
    return fail(console_error(wire::sqlstate::kNotInThatState, "all databases are paused together",
                              "RESUME without a name resumes them."));
  }
  fail(console_error(
      wire::sqlstate::kNotInThatState,
      database.empty() ? "nothing is paused" : fmt::format("{} is not paused", scope(database))));
}

/// What a CACHE CLEAR has come to. `which` says of a kept result that it was meant; empty: all were.
wire::ErrorMessage ConsoleExecutor::forgotten(std::size_t count, const std::string& which) const {
  std::string text = fmt::format("{} kept result{} forgotten", count, count == 1 ? " was" : "s were");
  if (front_.settings()->cache.enabled == config::CacheUse::off) {
    text = "the cache is off: nothing is kept";
  } else if (count == 0) {
    text = which.empty() ? "no result was kept" : fmt::format("no kept result {}", which);
  }
  return {wire::Severity::notice, "00000", std::move(text), {}, {}};
}

void ConsoleExecutor::clear_cache(const std::string& relation) {
  const std::string which = relation.empty() ? "" : fmt::format("depends on {}", config::in_quotes(relation));
  succeed("CACHE CLEAR", forgotten(pgfront::clear_cache(front_, relation), which));
}

void ConsoleExecutor::clear_cache_of_tag(const std::string& pattern) {
  succeed("CACHE CLEAR TAG", forgotten(pgfront::clear_cache_of_tag(front_, pattern),
                                       fmt::format("has a tag that {} fits", config::in_quotes(pattern))));
}

void ConsoleExecutor::kill(const std::string& database) {
  pgfront::pause(front_, database);
  gather(
      front_, asker_, [database](Worker& worker) { return kill_clients_here(worker, database); },
      [this, database](const std::vector<bool>&) { succeed("KILL", nobody_there(directory(), database)); });
}

void ConsoleExecutor::kill_client(const std::string& id) {
  std::uint64_t number = 0;
  std::from_chars(id.data(), id.data() + id.size(), number);
  gather(
      front_, asker_, [number](Worker& worker) { return kill_client_here(worker, number); },
      [this, number](const std::vector<bool>& threads) {
        if (std::ranges::none_of(threads, [](bool found) { return found; })) {
          return fail(console_error(wire::sqlstate::kUndefinedObject,
                                    fmt::format("there is no client {}", number),
                                    "SHOW CLIENTS tells the ids."));
        }
        succeed("KILL_CLIENT");
      });
}

void ConsoleExecutor::reconnect(const std::string& database) {
  for (const auto& pool : directory().of_database(database)) pool->reconnect();
  succeed("RECONNECT");
}

void ConsoleExecutor::wait_close(const std::string& database) {
  wait([this, database] { look_at_outdated(database); }, "");
}

void ConsoleExecutor::look_at_outdated(const std::string& database) {
  const auto pools = directory().of_database(database);
  gather(
      front_, asker_, [pools](Worker&) { return outdated_here(pools); },
      [this, pools](const std::vector<Outdated>& threads) {
        Outdated sum;
        for (const Outdated& count : threads) {
          sum.outdated += count.outdated;
          sum.seen += count.seen;
        }
        std::size_t open = 0;
        for (const auto& pool : pools) open += pool->open_backends();
        // A backend on its way from one thread to another is seen by neither.
        if (sum.outdated == 0 && sum.seen == open) succeed("WAIT_CLOSE");
      });
}

void ConsoleExecutor::disable(const std::string& database) {
  directory().set_disabled(database, true);
  succeed("DISABLE", nobody_there(directory(), database));
}

void ConsoleExecutor::enable(const std::string& database) {
  directory().set_disabled(database, false);
  succeed("ENABLE");
}

void ConsoleExecutor::reset_statements(const std::string&) {
  pgfront::reset_statements({front_, asker_, post_here(), Clock::now()},
                            [this] { succeed("RESET STATEMENTS"); });
}

void ConsoleExecutor::reload(const std::string&) {
  const std::weak_ptr<void> asker = asker_;
  front_.console_service().reload([this, asker](const Result<std::vector<std::string>>& result) {
    if (asker.expired()) return;
    if (result) return succeed("RELOAD", needs_restart(*result));
    fail({wire::Severity::error,
          std::string(console_sqlstate::kConfigurationFile),
          "the configuration was not reloaded, the old one stays in use",
          result.error().text,
          {}});
  });
}

void ConsoleExecutor::shut_down(const std::string& mode) {
  const std::string how = lower_case(mode);
  succeed("SHUTDOWN");
  front_.close_listeners();
  if (how == "wait_for_clients") return front_.console_service().shut_down_without_clients();
  if (how.empty()) return front_.shut_down(Duration(0));
  front_.shut_down_in_order();
}

void ConsoleExecutor::suspend(const std::string&) {
  fail(console_error(
      wire::sqlstate::kFeatureNotSupported, "SUSPEND is not supported",
      "It belongs to PgBouncer's way of restarting. PAUSE lets transactions finish and holds clients."));
}

}  // namespace forebay::pgfront
