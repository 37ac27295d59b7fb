#include "config/values.hpp"
#include "pgfront/facts.hpp"
#include "pgfront/show_commands.hpp"

namespace forebay::pgfront::show {

namespace {

void write_row(RowWriter& rows, const ShowRequest& request, const PoolFacts& pool) {
  rows.text(pool.database).text(pool.user).number(pool.clients).number(pool.waiting);
  rows.number(pool.cancels).number(0).number(pool.active).number(pool.cancels).number(pool.being_canceled);
  rows.number(pool.idle).number(pool.used).number(pool.tested).number(pool.login);
  rows.number(pool.longest_wait_ms / 1000).number(pool.longest_wait_ms % 1000 * 1000);
  rows.text(config::to_text(pool.mode)).null();
  if (request.shows_own_columns()) {
    rows.number(pool.held).number(pool.most_backends).number(pool.is_paused ? 1 : 0).text(pool.server);
  }
}

}  // namespace

/// PgBouncer knows one pool for a user and a database; those on replicas count there with the primary's.
void pools(const ShowRequestPtr& request, ShowDone done) {
  gather_pools(request->inquiry(), !request->shows_own_columns(),
               [request, done = std::move(done)](const std::vector<PoolFacts>& pools) {
                 RowWriter rows(request->columns, request->formats);
                 for (const PoolFacts& pool : pools) write_row(rows, *request, pool);
                 done(std::string(as_text(rows.bytes())));
               });
}

}  // namespace forebay::pgfront::show
