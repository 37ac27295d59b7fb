// The small tables: VERSION, LISTS, MEM, STATE, and those that are always empty here.

#include <fstream>
#include <set>

#include <unistd.h>

#include "pgfront/console.hpp"
#include "pgfront/console_gather.hpp"
#include "pgfront/show_commands.hpp"

namespace forebay::pgfront::show {

namespace {

struct Count {
  std::uint64_t clients = 0;
  std::uint64_t logging_in = 0;
  std::uint64_t sessions = 0;
};

Count count_here(Worker& worker) {
  Count count;
  for (const Client* client : worker.clients()) {
    ++count.clients;
    if (client->is_logging_in()) ++count.logging_in;
    if (client->session() != nullptr) ++count.sessions;
  }
  return count;
}

/// Counts clients on all threads, then fills a table on the one that asked.
template <class Fill>
void with_count(const ShowRequestPtr& request, ShowDone done, Fill fill) {
  gather(request->front, request->asker, count_here,
         [request, done, fill](const std::vector<Count>& threads) {
           Count sum;
           for (const Count& count : threads) {
             sum.clients += count.clients;
             sum.logging_in += count.logging_in;
             sum.sessions += count.sessions;
           }
           RowWriter rows(request->columns, request->formats);
           fill(rows, *request, sum);
           done(std::string(as_text(rows.bytes())));
         });
}

void fill_lists(RowWriter& rows, const ShowRequest& request, const Count& count) {
  const auto settings = request.front.settings();
  const auto pools = request.front.directory().all();
  std::set<std::string> databases;
  std::set<std::string> users;
  for (const auto& [name, entry] : settings->databases) databases.insert(name);
  for (const auto& [name, entry] : settings->users) users.insert(name);
  std::uint64_t backends = 0;
  for (const auto& pool : pools) {
    databases.insert(pool->database());
    users.insert(pool->user());
    backends += pool->open_backends();
  }
  databases.erase("*");
  rows.text("databases").number(databases.size()).text("users").number(users.size());
  rows.text("peers").number(0).text("pools").number(pools.size()).text("peer_pools").number(0);
  rows.text("free_clients").number(0).text("used_clients").number(count.clients);
  rows.text("login_clients").number(count.logging_in);
  rows.text("free_servers").number(0).text("used_servers").number(backends);
  for (const char* name : {"dns_names", "dns_zones", "dns_queries", "dns_pending"}) rows.text(name).number(0);
}

/// Pages in memory: the second number of /proc/self/statm
/// (https://man7.org/linux/man-pages/man5/proc.5.html).
std::uint64_t resident_pages() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  statm >> total >> resident;
  return resident;
}

/// The objects themselves: what hangs on them, buffers and prepared statements, is in the process' row only.
void fill_memory(RowWriter& rows, const ShowRequest& request, const Count& count) {
  const auto pools = request.front.directory().all();
  std::uint64_t backends = 0;
  for (const auto& pool : pools) backends += pool->open_backends();
  const auto objects = [&rows](std::string_view name, std::uint64_t size, std::uint64_t used) {
    rows.text(name).number(size).number(used).number(0).number(size * used);
  };
  objects("client_cache", sizeof(Client), count.clients);
  objects("session_cache", sizeof(engine::Session), count.sessions);
  objects("server_cache", sizeof(backend::Backend), backends);
  objects("pool_cache", sizeof(backend::Pool), pools.size());
  objects("process", static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)), resident_pages());
}

}  // namespace

void lists(const ShowRequestPtr& request, ShowDone done) {
  with_count(request, std::move(done), fill_lists);
}

void mem(const ShowRequestPtr& request, ShowDone done) {
  with_count(request, std::move(done), fill_memory);
}

void state(const ShowRequestPtr& request, ShowDone done) {
  const bool paused = request->front.directory().is_paused("");
  RowWriter rows(request->columns, request->formats);
  rows.text("active").text(paused ? "no" : "yes").text("paused").text(paused ? "yes" : "no");
  rows.text("suspended").text("no");
  done(std::string(as_text(rows.bytes())));
}

void version(const ShowRequestPtr& request, ShowDone done) {
  RowWriter rows(request->columns, request->formats);
  rows.text("Forebay " FOREBAY_VERSION);
  done(std::string(as_text(rows.bytes())));
}

/// Forebay looks names up at start and at a reload and caches none; it has no peers.
void nothing(const ShowRequestPtr&, ShowDone done) {
  done({});
}

}  // namespace forebay::pgfront::show
