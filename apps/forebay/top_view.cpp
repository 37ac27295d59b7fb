#include "top_view.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace forebay {

namespace {

/// Of one table, so that there is room for the next.
constexpr std::size_t kMostServers = 8;
constexpr std::size_t kMostPools = 6;
constexpr std::size_t kMostAlerts = 3;
constexpr std::size_t kMostAdvice = 3;

/// 1 to 4 digits and a unit: what can be read at a glance.
std::string short_number(double value) {
  if (value < 10) return fmt::format("{:.3g}", value);
  if (value < 10'000) return fmt::format("{:.0f}", value);
  return value < 10'000'000 ? fmt::format("{:.0f}k", value / 1e3) : fmt::format("{:.0f}M", value / 1e6);
}

std::string milliseconds(double value) {
  if (value == 0) return "0";
  if (value < 0.01) return "<0.01 ms";
  if (value < 1'000) return fmt::format("{:.3g} ms", value);
  return value < 100'000 ? fmt::format("{:.3g} s", value / 1e3) : fmt::format("{:.0f} s", value / 1e3);
}

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

/// Counters begin anew with a restart: then there is nothing to compare.
double since(double before, double now) {
  return now >= before ? now - before : 0;
}

/// Cut to the width, and nothing in it that a terminal would obey. UTF-8 is not cut within a character.
std::string shown(std::string_view text, std::size_t width) {
  std::string line;
  std::size_t used = 0;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool is_inner = (byte & 0xC0) == 0x80;
    if (!is_inner && ++used > width) break;
    line += byte < 0x20 || byte == 0x7F ? ' ' : letter;
  }
  return line;
}

void add_summary(std::vector<std::string>& lines, const TopSample& before, const TopSample& now,
                 double seconds) {
  const double queries = since(before.queries, now.queries);
  const double asked = since(before.assignments, now.assignments);
  const double calls = since(before.calls, now.calls);
  // What memory answers takes no time worth telling, and would hide what servers take.
  const std::string mean =
      calls == 0 ? ""
                 : "   mean of servers " + milliseconds(ratio(since(before.call_time, now.call_time), calls));
  lines.push_back(fmt::format("queries {}/s{}   transactions {}/s", short_number(ratio(queries, seconds)),
                              mean,
                              short_number(ratio(since(before.transactions, now.transactions), seconds))));
  TopSample::Pool all;
  for (const TopSample::Pool& pool : now.pools) {
    all.clients += pool.clients;
    all.waiting += pool.waiting;
    all.longest_wait = std::max(all.longest_wait, pool.longest_wait);
    all.busy += pool.busy;
    all.open += pool.open;
  }
  lines.push_back(
      fmt::format("clients {:.0f}, {:.0f} waiting (longest {})   backends {:.0f} open, {:.0f} busy   "
                  "mean wait {}",
                  all.clients + all.waiting, all.waiting, milliseconds(all.longest_wait), all.open, all.busy,
                  milliseconds(ratio(since(before.wait_time, now.wait_time), asked))));
  if (!now.has_cache) return;
  const double hits = since(before.hits, now.hits);
  const double misses = since(before.misses, now.misses);
  lines.push_back(
      hits + misses == 0
          ? std::string("memory  nothing asked that can be kept")
          : fmt::format("memory  {:.1f} % of what can be kept, {}/s   saves servers {} each second",
                        100 * ratio(hits, hits + misses), short_number(ratio(hits, seconds)),
                        milliseconds(ratio(since(before.saved, now.saved), seconds))));
}

void add_list(std::vector<std::string>& lines, std::string_view name, const std::vector<std::string>& list,
              std::size_t most) {
  for (std::size_t at = 0; at < std::min(list.size(), most); ++at)
    lines.push_back(fmt::format("{:<8}{}", name, list[at]));
  if (list.size() > most) lines.push_back(fmt::format("{:<8}and {} more", "", list.size() - most));
}

void add_servers(std::vector<std::string>& lines, const TopSample& before, const TopSample& now,
                 double seconds) {
  if (now.servers.empty()) return;
  lines.push_back({});
  lines.push_back(fmt::format("{:<28}{:<9}{:<9}{:>9}{:>10}{:>12}", "SERVER", "ROLE", "STATE", "LAG",
                              "BACKENDS", "LENT/S"));
  for (std::size_t at = 0; at < std::min(now.servers.size(), kMostServers); ++at) {
    const TopSample::Server& server = now.servers[at];
    const bool is_same = at < before.servers.size() && before.servers[at].name == server.name;
    const double lent = is_same ? since(before.servers[at].assignments, server.assignments) : 0;
    lines.push_back(fmt::format("{:<28}{:<9}{:<9}{:>9}{:>10.0f}{:>12}", shown(server.name, 27), server.role,
                                server.state, server.lag.empty() ? "" : server.lag + " ms", server.backends,
                                short_number(ratio(lent, seconds))));
  }
}

void add_pools(std::vector<std::string>& lines, const TopSample& now) {
  if (now.pools.empty()) return;
  std::vector<TopSample::Pool> pools = now.pools;
  std::ranges::stable_sort(pools, std::ranges::greater(),
                           [](const TopSample::Pool& pool) { return std::pair(pool.waiting, pool.busy); });
  lines.push_back({});
  lines.push_back(fmt::format("{:<44}{:>9}{:>9}{:>10}{:>6}{:>6}{:>6}", "POOL", "CLIENTS", "WAITING",
                              "LONGEST", "BUSY", "OPEN", "MOST"));
  for (std::size_t at = 0; at < std::min(pools.size(), kMostPools); ++at) {
    const TopSample::Pool& pool = pools[at];
    const std::string name =
        fmt::format("{} {}{}{}", pool.database, pool.user, pool.server.empty() ? "" : " on ", pool.server);
    lines.push_back(fmt::format("{:<44}{:>9.0f}{:>9.0f}{:>10}{:>6.0f}{:>6.0f}{:>6.0f}", shown(name, 43),
                                pool.clients, pool.waiting, milliseconds(pool.longest_wait), pool.busy,
                                pool.open, pool.most));
  }
}

void add_statements(std::vector<std::string>& lines, const TopSample& before, const TopSample& now,
                    const TopScreen& screen, double seconds) {
  struct Row {
    const std::string* text;
    TopSample::Statement done;
  };
  std::vector<Row> rows;
  double all_time = 0;
  for (const auto& [key, statement] : now.statements) {
    const auto was = before.statements.find(key);
    // One that was not told before may have been there, below those that were: what it did meanwhile is not
    // known.
    if (was == before.statements.end() || statement.calls < was->second.calls) continue;
    const TopSample::Statement& old = was->second;
    const TopSample::Statement done{.calls = statement.calls - old.calls,
                                    .time = since(old.time, statement.time),
                                    .rows = since(old.rows, statement.rows),
                                    .hits = since(old.hits, statement.hits),
                                    .errors = since(old.errors, statement.errors)};
    all_time += done.time;
    if (done.calls > 0 || done.errors > 0) rows.push_back({&key.second, done});
  }
  std::ranges::stable_sort(rows, std::ranges::greater(),
                           [](const Row& row) { return std::pair(row.done.time, row.done.calls); });
  lines.push_back({});
  lines.push_back(fmt::format("{:>6}{:>9}{:>11}{:>9}{:>8}{:>8}  {}", "TIME", "CALLS/S", "MEAN", "ROWS/S",
                              "MEMORY", "ERRORS", "STATEMENT"));
  constexpr std::size_t text_at = 53;
  const std::size_t room = screen.columns > text_at ? screen.columns - text_at : 1;
  for (const Row& row : rows) {
    if (lines.size() >= screen.rows) return;
    const TopSample::Statement& done = row.done;
    const std::string mean = done.calls > done.hits ? milliseconds(done.time / (done.calls - done.hits)) : "";
    lines.push_back(fmt::format("{:>4.0f} %{:>9}{:>11}{:>9}{:>6.0f} %{:>8.0f}  {}",
                                100 * ratio(done.time, all_time), short_number(ratio(done.calls, seconds)),
                                mean, short_number(ratio(done.rows, seconds)),
                                100 * ratio(done.hits, done.calls), done.errors, shown(*row.text, room)));
  }
}

}  // namespace

std::vector<std::string> top_lines(const TopSample& before, const TopSample& now, const TopScreen& screen) {
  const double seconds = std::chrono::duration<double>(now.taken - before.taken).count();
  std::vector<std::string> lines;
  lines.push_back(screen.trouble.empty()
                      ? fmt::format("forebay {}   the last {:.1f} s   q: leave", screen.place, seconds)
                      : fmt::format("forebay {}   NO ANSWER: {}", screen.place, screen.trouble));
  add_summary(lines, before, now, seconds);
  add_list(lines, "ALERT", now.alerts, kMostAlerts);
  add_list(lines, "next", now.advice, kMostAdvice);
  add_servers(lines, before, now, seconds);
  add_pools(lines, now);
  add_statements(lines, before, now, screen, seconds);
  if (lines.size() > screen.rows) lines.resize(screen.rows);
  for (std::string& line : lines) line = shown(line, screen.columns);
  return lines;
}

}  // namespace forebay
