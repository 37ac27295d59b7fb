// The small tables: VERSION, LISTS, MEM, STATE, and those that are always empty here.

#include <fstream>

#include <unistd.h>

#include "pgfront/facts.hpp"
#include "pgfront/show_commands.hpp"

namespace forebay::pgfront::show {

namespace {

/// Counts clients on all threads, then fills a table on the one that asked.
template <class Fill>
void with_clients(const ShowRequestPtr& request, ShowDone done, Fill fill) {
  gather_clients(request->inquiry(), [request, done, fill](const ClientFacts& clients) {
    RowWriter rows(request->columns, request->formats);
    fill(rows, *request, clients);
    done(std::string(as_text(rows.bytes())));
  });
}

void fill_lists(RowWriter& rows, const ShowRequest& request, const ClientFacts& clients) {
  const Lists lists = lists_of(request.front);
  rows.text("databases").number(lists.databases).text("users").number(lists.users);
  rows.text("peers").number(0).text("pools").number(lists.pools).text("peer_pools").number(0);
  rows.text("free_clients").number(0).text("used_clients").number(clients.all);
  rows.text("login_clients").number(clients.logging_in);
  rows.text("free_servers").number(0).text("used_servers").number(lists.backends);
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
void fill_memory(RowWriter& rows, const ShowRequest& request, const ClientFacts& clients) {
  const auto objects = [&rows](const std::string& name, std::uint64_t size, std::uint64_t used) {
    rows.text(name).number(size).number(used).number(0).number(size * used);
  };
  for (const ObjectFacts& facts : object_facts(request.front, clients))
    objects(std::string(facts.name) + "_cache", facts.size, facts.used);
  objects("process", static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)), resident_pages());
}

}  // namespace

void lists(const ShowRequestPtr& request, ShowDone done) {
  with_clients(request, std::move(done), fill_lists);
}

void mem(const ShowRequestPtr& request, ShowDone done) {
  with_clients(request, std::move(done), fill_memory);
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

/// Names are looked up at start and at a reload, those of servers beside replicas all the time; what comes of
/// it is told by SHOW TOPOLOGY. There are no peers.
void nothing(const ShowRequestPtr&, ShowDone done) {
  done({});
}

}  // namespace forebay::pgfront::show
