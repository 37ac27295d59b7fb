// A session of a server that holds up others, or dead rows, by a transaction that goes on and on.

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"
#include "monitor/reading.hpp"

namespace forebay::advise {

namespace {

namespace json = boost::json;

/// Longer than what belongs into a transaction of an application; a backup or a report may well take it.
constexpr double kLongSeconds = 600;
/// Others wait for it: so long is noticed.
constexpr double kLongBlockingSeconds = 10;
constexpr std::size_t kLongestText = 120;
constexpr std::size_t kMost = 5;

std::string text(const json::object& session, std::string_view key) {
  return std::string(monitor::text_in(session, key));
}

void add(std::vector<Recommendation>& all, const monitor::Place& place, const json::object& session) {
  const double age = monitor::number_in(&session, "transaction_seconds").value_or(0);
  const bool blocks = monitor::flag_in(session, "blocks");
  if (age < (blocks ? kLongBlockingSeconds : kLongSeconds) || text(session, "kind") != "client backend")
    return;
  const double pid = monitor::number_in(&session, "pid").value_or(0);
  const std::string state = text(session, "state");
  const bool is_idle = state.starts_with("idle in transaction");
  const std::string application = text(session, "application");
  all.push_back(
      {.id = id_of(kLongTransaction.name, fmt::format("{}/{:.0f}", place.server, pid)),
       .urgency = blocks ? Urgency::now : Urgency::consider,
       .title = fmt::format("See to the transaction of {} on {}, process {:.0f}", text(session, "user"),
                            text(session, "database"), pid),
       .evidence = fmt::format(
           "It is {} old{}{}{}. Last statement: {}", duration(age),
           application.empty() ? "" : ", of " + application, state.empty() ? "" : ", " + state,
           blocks ? ", and others wait for its locks" : ", and keeps dead rows from being removed",
           shortened(text(session, "query"), kLongestText)),
       .advice = is_idle ? "If nobody needs it: this ends the session, and its transaction is rolled back."
                         : "If nobody needs it: this cancels what it runs.",
       .change = {Form::sql, fmt::format("SELECT {}({:.0f});",
                                         is_idle ? "pg_terminate_backend" : "pg_cancel_backend", pid)},
       .subject = {{"server", place.server}, {"database", text(session, "database")}},
       .area = "database"});
}

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  const Moment& now = evidence.now();
  if (now.samples == nullptr) return all;
  for (const monitor::Place& place : now.samples->places) {
    if (!place.is_of_server) continue;
    const json::object* told = place.current(monitor::Topic::activity, now.at);
    for (const json::object* session : monitor::list_in(told, "sessions")) {
      if (all.size() < kMost) add(all, place, *session);
    }
  }
  return all;
}

}  // namespace

constinit const Kind kLongTransaction = {.name = "long-transaction", .find = find};

}  // namespace forebay::advise
