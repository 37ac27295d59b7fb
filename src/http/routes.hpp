#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "http/access.hpp"
#include "http/message.hpp"
#include "http/query_keys.hpp"
#include "monitor/watched.hpp"
#include "pgfront/facts.hpp"
#include "pgfront/front.hpp"

namespace forebay::http {

class Adviser;
class AlertWatch;

/// A request that is let in, on its way.
struct Call {
  pgfront::Front& front;
  monitor::Watched& watched;
  pgfront::Post here;  ///< back to the thread that serves HTTP
  Request request;
  Person person;
  TimePoint now;
  AlertWatch& watch;
  Adviser& adviser;
  std::weak_ptr<void> asker;  ///< whoever waits for the reply

  pgfront::Inquiry inquiry() const { return {front, asker, here, now}; }
};
using CallPtr = std::shared_ptr<const Call>;
/// On the thread that serves HTTP, at once or later.
using Done = std::function<void(Reply reply)>;

/// What the JSON that is sent may have.
struct BodyKey {
  BodyKey(const char* key, const char* type_in_json = "string") : name(key), type(type_in_json) {}

  std::string_view name;
  std::string_view type;
};

/// What can be asked for: a method and a path, who may, and who answers.
struct Route {
  std::string_view method;  ///< GET (and so HEAD), or POST, which changes something
  std::string_view path;    ///< `{id}` in it stands for what one thing is called
  Role role;                ///< the least that is needed
  std::string_view summary;
  std::string_view answers;  ///< the type of what is told: JSON's word for `data`, or a media type
  void (*run)(const CallPtr&,
              const Done&);  ///< null: events, which the server sends for as long as somebody reads
  std::vector<BodyKey> body = {};
  std::span<const QueryKey> query = {};
};

/// All of them; the document /api/v1/openapi.json is made from this table.
const std::vector<Route>& routes();

/// The route of a request (HEAD is answered as GET); null when there is none. `allowed` gets the methods of
/// the path, empty when nothing is there at all.
const Route* find_route(const Request& request, std::string& allowed);
/// What stands in a path in the place of `{id}`; nothing where the route's has none, or the paths do not fit.
std::optional<std::string_view> id_in(std::string_view path, std::string_view of_route);

}  // namespace forebay::http
