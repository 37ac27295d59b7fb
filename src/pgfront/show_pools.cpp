#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "config/values.hpp"
#include "pgfront/console_gather.hpp"
#include "pgfront/show_census.hpp"
#include "pgfront/show_commands.hpp"

namespace forebay::pgfront::show {

namespace {

/// One pool, on one thread or on all.
struct PoolCount {
  std::uint64_t clients = 0;
  std::uint64_t waiting = 0;
  std::uint64_t cancels = 0;  ///< on their way
  std::uint64_t active = 0;
  std::uint64_t idle = 0;
  std::uint64_t used = 0;
  std::uint64_t tested = 0;
  std::uint64_t login = 0;
  std::uint64_t being_canceled = 0;
  std::uint64_t held = 0;

  void add(const PoolCount& other) {
    clients += other.clients;
    waiting += other.waiting;
    cancels += other.cancels;
    active += other.active;
    idle += other.idle;
    used += other.used;
    tested += other.tested;
    login += other.login;
    being_canceled += other.being_canceled;
    held += other.held;
  }

  void add(BackendState state) {
    switch (state) {
      case BackendState::active:
        ++active;
        return;
      case BackendState::idle:
        ++idle;
        return;
      case BackendState::used:
        ++used;
        return;
      case BackendState::tested:
        ++tested;
        return;
      case BackendState::login:
        ++login;
        return;
      case BackendState::being_canceled:
        ++being_canceled;
        return;
    }
  }
};

/// By the pool's address, which serves as its name: the pools are kept alive by whoever asks.
using PoolCounts = std::map<const backend::Pool*, PoolCount>;

PoolCounts count_here(Worker& worker, TimePoint now) {
  const Census census(worker, now);
  PoolCounts counts;
  for (const Client* client : census.clients()) {
    const auto* session = client->session();
    if (session == nullptr) continue;
    PoolCount& count = counts[&session->pool()];
    ++(session->is_waiting() ? count.waiting : count.clients);
    if (!session->held_because().empty()) ++count.held;
  }
  for (const auto& entry : census.backends()) {
    PoolCount& count = counts[&entry.backend->pool()];
    count.add(entry.state);
    count.cancels += entry.backend->cancels_in_flight();
  }
  return counts;
}

void write_row(RowWriter& rows, const ShowRequest& request, const backend::Pool& pool,
               const PoolCount& count) {
  const auto longest = static_cast<std::uint64_t>(pool.longest_wait(request.now).count());
  rows.text(pool.database()).text(pool.user()).number(count.clients).number(count.waiting);
  rows.number(count.cancels)
      .number(0)
      .number(count.active)
      .number(count.cancels)
      .number(count.being_canceled);
  rows.number(count.idle).number(count.used).number(count.tested).number(count.login);
  rows.number(longest / 1000).number(longest % 1000 * 1000);
  rows.text(config::to_text(pool.rules().mode)).null();
  if (request.shows_own_columns()) {
    rows.number(count.held).number(pool.most_backends()).number(pool.is_paused() ? 1 : 0);
    rows.text(pool.target()->name());
  }
}

/// PgBouncer knows one pool for a user and a database; those on replicas count there with the primary's.
using Rows = std::map<std::tuple<std::string, std::string, std::string>, std::vector<const backend::Pool*>>;

Rows rows_of(const std::vector<std::shared_ptr<backend::Pool>>& pools, bool has_servers) {
  Rows rows;
  for (const auto& pool : pools) {
    const std::string server = has_servers && pool->is_for_reads() ? pool->target()->name() : std::string();
    rows[{pool->user(), pool->database(), server}].push_back(pool.get());
  }
  return rows;
}

}  // namespace

void pools(const ShowRequestPtr& request, ShowDone done) {
  const auto pools = request->front.directory().all();
  gather(
      request->front, request->asker,
      [now = request->now](Worker& worker) { return count_here(worker, now); },
      [request, pools, done](const std::vector<PoolCounts>& threads) {
        RowWriter rows(request->columns, request->formats);
        for (const auto& [row, members] : rows_of(pools, request->shows_own_columns())) {
          PoolCount sum;
          for (const PoolCounts& counts : threads) {
            for (const backend::Pool* pool : members) {
              if (const auto at = counts.find(pool); at != counts.end()) sum.add(at->second);
            }
          }
          write_row(rows, *request, *members.front(), sum);
        }
        done(std::string(as_text(rows.bytes())));
      });
}

}  // namespace forebay::pgfront::show
