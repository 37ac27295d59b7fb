#include "outbox.hpp"

#include <ostream>

#include "backend/outbox_tool.hpp"
#include "config/options.hpp"

namespace forebay {

int outbox(const OutboxOptions& options, std::ostream& out, std::ostream& err) {
  using Action = backend::OutboxOrder::Action;
  backend::OutboxOrder order{.action = options.action == "install"  ? Action::install
                                       : options.action == "remove" ? Action::remove
                                                                    : Action::status,
                             .upstream = {},
                             .relations = options.relations,
                             .dry_run = options.dry_run};
  std::vector<std::string> complaints;
  config::store_upstream_url(options.upstream, order.upstream, ".", complaints);
  if (order.upstream.database.empty()) complaints.emplace_back("the URL names no database");
  for (const std::string& complaint : complaints) err << "forebay: --upstream: " << complaint << '\n';
  return complaints.empty() ? backend::run_outbox(order, out, err) : 1;
}

}  // namespace forebay
