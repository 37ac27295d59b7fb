#include "http/access.hpp"

#include <algorithm>
#include <string_view>

#include <arpa/inet.h>

#include "base/ascii.hpp"
#include "wire/scram_text.hpp"

namespace forebay::http {

namespace {

constexpr std::string_view kBearer = "bearer ";
constexpr std::string_view kBasic = "basic ";

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

/// Looks at all of them, so that time does not tell which was nearly right.
bool knows(const config::Tokens& tokens, std::string_view word) {
  bool found = false;
  for (const std::string& token : tokens.words) found = wire::SecretText(token).equals(word) || found;
  return found;
}

Role role_of(const config::Settings& settings, const std::string& name) {
  const auto& admins = settings.admin_users;
  const bool is_upstreams_own = admins.empty() && !name.empty() && name == settings.upstream.user;
  if (is_upstreams_own || contains(admins, name)) return Role::admin;
  return contains(settings.stats_users, name) ? Role::viewer : Role::none;
}

bool is_password(const config::Settings& settings, const wire::SecretList* user_list, const std::string& name,
                 std::string_view password) {
  if (const auto at = settings.users.find(name); at != settings.users.end() && !at->second.password.empty()) {
    const auto secret = wire::Secret::parse(at->second.password);
    return secret && secret->matches(name, password);
  }
  if (user_list != nullptr) {
    if (const auto at = user_list->find(name); at != user_list->end())
      return at->second.matches(name, password);
  }
  return name == settings.upstream.user && !settings.upstream.password.empty() &&
         wire::SecretText(settings.upstream.password).equals(password);
}

Person by_password(std::string_view encoded, const config::Settings& settings,
                   const wire::SecretList* user_list) {
  Person impostor{.is_impostor = true};
  const auto decoded = wire::from_base64(encoded);
  if (!decoded) return impostor;
  const auto colon = decoded->find(':');
  if (colon == std::string::npos) return impostor;
  const std::string name = decoded->substr(0, colon);
  impostor.said = name;
  const Role role = role_of(settings, name);
  const std::string_view password = std::string_view(*decoded).substr(colon + 1);
  if (password.empty() || role == Role::none || !is_password(settings, user_list, name, password))
    return impostor;
  return {.role = role, .name = name};
}

/// The host of an authority, without its port; brackets go.
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

/// Nobody can point an address at another place.
bool is_address(std::string_view host) {
  const std::string text(host);
  in6_addr bytes{};
  return inet_pton(AF_INET, text.c_str(), &bytes) == 1 || inet_pton(AF_INET6, text.c_str(), &bytes) == 1;
}

bool is_safe_host(std::string_view authority) {
  const std::string host = lower_case(host_of(authority));
  return is_address(host) || host == "localhost";
}

bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return lower_case(type) == "application/json";
}

/// A browser compares a page's origin to the address that it asks, as it knows both itself; what a proxy in
/// between makes of scheme and host does not count (W3C, Fetch Metadata Request Headers, Sec-Fetch-Site).
bool is_of_other_site(const Request& request) {
  return !request.fetch_site.empty() && request.fetch_site != "same-origin" && request.fetch_site != "none";
}

/// Browsers say Sec-Fetch-Site only by TLS and on their own machine; elsewhere the origin is held against
/// Host.
bool is_same_origin(const Request& request) {
  if (!request.fetch_site.empty()) return !is_of_other_site(request);
  if (request.origin.empty()) return true;
  const std::string_view scheme = request.is_private ? "https://" : "http://";
  return request.origin.starts_with(scheme) &&
         lower_case(request.origin.substr(scheme.size())) == lower_case(request.host);
}

std::string scheme_of(std::string_view authorization) {
  return lower_case(authorization.substr(0, authorization.find(' ') + 1));
}

}  // namespace

bool says_password(const Request& request) {
  return (request.is_private || request.is_local) && scheme_of(request.authorization) == kBasic;
}

Person identify(const Request& request, const config::Settings& settings, const wire::SecretList* user_list) {
  const std::string_view told = request.authorization;
  if (told.empty()) {
    if (!request.is_local || settings.http.anonymous == config::Anonymous::none) return {};
    return {.role = settings.http.anonymous == config::Anonymous::admin ? Role::admin : Role::viewer};
  }
  const std::string scheme = scheme_of(told);
  const std::string_view rest = told.substr(scheme.size());
  if (scheme == kBearer) {
    if (knows(settings.http.admins, rest)) return {.role = Role::admin, .name = "http.admin_tokens"};
    if (knows(settings.http.viewers, rest)) return {.role = Role::viewer, .name = "http.viewer_tokens"};
  } else if (says_password(request)) {
    return by_password(rest, settings, user_list);
  }
  return {.is_impostor = true};
}

std::string foreign(const Request& request, const Person& person, bool changes, bool is_for_all) {
  if (request.is_local && person.name.empty() && !is_safe_host(request.host)) {
    return "the field Host names neither localhost nor an address, so that the name may be somebody else's; "
           "ask by http://127.0.0.1 or http://localhost";
  }
  if (person.name.empty() && !is_for_all && is_of_other_site(request))
    return "the request comes from a page of another origin";
  if (!changes) return {};
  if (!is_json(request.content_type))
    return "what changes something is sent with Content-Type: application/json";
  if (!is_same_origin(request)) return "the request comes from a page of another origin";
  return {};
}

}  // namespace forebay::http
