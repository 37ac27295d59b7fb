// Alerts by HTTP: which there are, and what administrators do with them.

#include "http/alert_json.hpp"
#include "http/alert_watch.hpp"
#include "http/handlers.hpp"
#include "http/json.hpp"

namespace forebay::http::handlers {

namespace json = boost::json;

void alerts(const CallPtr& call, const Done& done) {
  const alert::Board& board = call->watch.board();
  done(data_reply(json::object{{"active", array_of(board.active(), to_json)},
                               {"resolved", array_of(board.resolved(), to_json)},
                               {"rules", array_of(board.rules(), to_json)},
                               {"pending", board.pending()},
                               {"may_change", call->person.role == Role::admin}}));
}

}  // namespace forebay::http::handlers
