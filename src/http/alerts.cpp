// Alerts by HTTP: which there are, and what administrators do with them.

#include "http/alert_json.hpp"
#include "http/alert_watch.hpp"
#include "http/handlers.hpp"
#include "http/json.hpp"

namespace forebay::http::handlers {

namespace {

namespace json = boost::json;

template <class List>
json::array array_of(const List& list) {
  json::array all;
  for (const auto& each : list) all.push_back(http::to_json(each));
  return all;
}

}  // namespace

void alerts(const CallPtr& call, const Done& done) {
  const alert::Board& board = call->watch.board();
  done(data_reply(json::object{{"active", array_of(board.active())},
                               {"resolved", array_of(board.resolved())},
                               {"rules", array_of(board.rules())},
                               {"pending", board.pending()},
                               {"may_change", call->person.role == Role::admin}}));
}

}  // namespace forebay::http::handlers
