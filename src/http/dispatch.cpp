#include "http/dispatch.hpp"

#include "http/asset.hpp"
#include "http/json.hpp"

namespace forebay::http {

namespace {

Reply unauthorized(const Request& request, bool is_impostor) {
  Reply reply = error_reply(
      401, "unauthorized",
      is_impostor ? "the token, or the name and the password, are not right" : "this is not for everybody",
      "Send a token of http.viewer_tokens or http.admin_tokens, or, by TLS or from this "
      "machine, name and password of a user that may use the console.");
  const bool may_send_password = request.is_private || request.is_local;
  reply.fields.emplace_back("WWW-Authenticate", may_send_password
                                                    ? R"(Basic realm="forebay", charset="UTF-8")"
                                                    : R"(Bearer realm="forebay")");
  return reply;
}

Reply no_route(const std::string& allowed) {
  if (allowed.empty()) {
    return error_reply(404, "not_found", "there is nothing by this path",
                       "/api/v1/openapi.json lists what there is.");
  }
  Reply reply = error_reply(405, "method_not_allowed", "this path takes " + allowed);
  reply.fields.emplace_back("Allow", allowed);
  return reply;
}

}  // namespace

Dispatch dispatch(const Request& request, const Person& person) {
  Dispatch found{.person = person};
  std::string allowed;
  const Route* route = find_route(request, allowed);
  const bool changes = route != nullptr && route->method == "POST";
  const bool is_for_all = route == nullptr || route->role == Role::none;
  if (const std::string why = foreign(request, found.person, changes, is_for_all); !why.empty()) {
    found.reply = error_reply(403, "foreign", why);
  } else if (found.person.is_impostor) {
    found.reply = unauthorized(request, true);
  } else if (const Asset* asset = find_asset(request); asset != nullptr) {
    found.reply = asset_reply(*asset, request);
  } else if (route == nullptr) {
    found.reply = no_route(allowed);
  } else if (found.person.role >= route->role) {
    found.route = route;
  } else if (found.person.role == Role::none || found.person.name.empty()) {
    found.reply = unauthorized(request, false);
  } else {
    found.reply = error_reply(403, "forbidden", "this is for administrators");
  }
  return found;
}

}  // namespace forebay::http
