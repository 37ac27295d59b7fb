#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "pgfront/console_table.hpp"
#include "pgfront/facts.hpp"

namespace forebay::pgfront {

/// Which columns a client of the console sees: those who connect to the database "pgbouncer" get PgBouncer's
/// and nothing else, because exporters count them; those of "forebay" get further ones of ours behind.
enum class ConsoleView : std::uint8_t { forebay, pgbouncer };

/// One SHOW on its way. Constant while it runs, so that all threads may read it.
struct ShowRequest {
  Front& front;
  ConsoleView view;
  Columns columns;
  ResultFormats formats;
  TimePoint now;
  std::weak_ptr<void> asker;  ///< whoever waits for the answer, on the thread that asked

  /// For answers on the calling thread, which is the asker's.
  Inquiry inquiry() const { return {front, asker, post_here(), now}; }
  bool shows_own_columns() const { return view == ConsoleView::forebay; }
};

using ShowRequestPtr = std::shared_ptr<const ShowRequest>;

/// Takes the rows, as DataRow messages; on the thread that asked.
using ShowDone = std::function<void(std::string rows)>;

/// A SHOW command that answers with a table.
struct ShowCommand {
  std::string_view name;  ///< in lower case
  Columns pgbouncer;      ///< PgBouncer's columns, names and types, as of 1.25
  Columns own;            ///< further ones, for ConsoleView::forebay
  /// Calls `done` at once or later, unless the asker has gone.
  void (*run)(const ShowRequestPtr& request, ShowDone done);

  Columns columns(ConsoleView view) const;
};

/// All of them, in the order in which SHOW HELP lists them.
const std::vector<ShowCommand>& show_commands();
/// Null when there is none of that name.
const ShowCommand* find_show_command(std::string_view name);

// The implementations; each is in the file show_….cpp that its name says.
namespace show {
void active_sockets(const ShowRequestPtr& request, ShowDone done);
void alerts(const ShowRequestPtr& request, ShowDone done);
void cache(const ShowRequestPtr& request, ShowDone done);
void cache_entries(const ShowRequestPtr& request, ShowDone done);
void clients(const ShowRequestPtr& request, ShowDone done);
void config(const ShowRequestPtr& request, ShowDone done);
void databases(const ShowRequestPtr& request, ShowDone done);
void latencies(const ShowRequestPtr& request, ShowDone done);
void lists(const ShowRequestPtr& request, ShowDone done);
void mem(const ShowRequestPtr& request, ShowDone done);
void nothing(const ShowRequestPtr& request, ShowDone done);
void pools(const ShowRequestPtr& request, ShowDone done);
void recommendations(const ShowRequestPtr& request, ShowDone done);
void repetitions(const ShowRequestPtr& request, ShowDone done);
void servers(const ShowRequestPtr& request, ShowDone done);
void sockets(const ShowRequestPtr& request, ShowDone done);
void statements(const ShowRequestPtr& request, ShowDone done);
void state(const ShowRequestPtr& request, ShowDone done);
void stats(const ShowRequestPtr& request, ShowDone done);
void stats_averages(const ShowRequestPtr& request, ShowDone done);
void stats_totals(const ShowRequestPtr& request, ShowDone done);
void topology(const ShowRequestPtr& request, ShowDone done);
void totals(const ShowRequestPtr& request, ShowDone done);
void users(const ShowRequestPtr& request, ShowDone done);
void version(const ShowRequestPtr& request, ShowDone done);
}  // namespace show

}  // namespace forebay::pgfront
