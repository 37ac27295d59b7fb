#include "config/summary.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "config/options.hpp"
#include "config/problem.hpp"
#include "config/values.hpp"

namespace forebay::config {
namespace {

constexpr std::size_t kMost = 12;

std::string line(std::string_view name, std::string_view text) {
  return fmt::format("  {:<10} {}\n", name, text);
}

std::string upstream_line(const Settings& settings) {
  return fmt::format("{}{}", masked_upstream(settings.upstream),
                     settings.upstream.database.empty() ? ", the database that each client asks for" : "");
}

std::string replicas_line(const Settings& settings) {
  std::vector<std::string> parts;
  parts.reserve(settings.replicas.size());
  for (const Replica& replica : settings.replicas) parts.push_back(to_text(replica));
  return fmt::format("{}; no read is more than {} old", joined(parts), to_text(settings.routing.max_lag));
}

std::string listen_line(const Settings& settings) {
  const std::vector<ListenAddress> listen =
      settings.listen.empty() ? std::vector<ListenAddress>{{.host = "127.0.0.1", .unix_directory = {}}}
                              : settings.listen;
  std::vector<std::string> parts;
  parts.reserve(listen.size());
  for (const ListenAddress& address : listen) parts.push_back(to_text(address));
  return joined(parts);
}

std::string pool_line(const Settings& settings) {
  const Limits& limits = settings.limits;
  std::string text =
      fmt::format("{} mode; for each user and database {} backend{}", to_text(settings.pool_mode),
                  limits.pool_size, limits.pool_size == 1 ? "" : "s");
  if (limits.pool_overflow > 0) text += fmt::format(", {} more under load", limits.pool_overflow);
  if (limits.pool_min_size > 0) text += fmt::format(", {} kept when idle", limits.pool_min_size);
  if (limits.reserve_size > 0) {
    text += fmt::format(", {} in reserve after {}", limits.reserve_size,
                        to_text(settings.timeouts.reserve_after));
  }
  return text;
}

std::string clients_line(const Settings& settings) {
  const std::uint32_t most = settings.limits.max_clients;
  return fmt::format(
      "{} at a time, waiting {} for a backend", most == 0 ? "any number" : fmt::format("at most {}", most),
      settings.timeouts.wait.count() == 0 ? "without end" : "at most " + to_text(settings.timeouts.wait));
}

std::string login_line(const Settings& settings) {
  std::vector<std::string> sources;
  const auto has_secret = [](const auto& user) { return !user.second.password.empty(); };
  if (std::any_of(settings.users.begin(), settings.users.end(), has_secret)) sources.emplace_back("users");
  if (!settings.auth_file.empty()) sources.push_back(settings.auth_file);
  if (!settings.upstream.user.empty()) {
    sources.emplace_back(settings.auth_query.empty() ? "pg_authid" : "auth.query");
  }
  const bool looked_up =
      settings.auth != AuthMode::trust && settings.auth != AuthMode::cert && !sources.empty();
  return to_text(settings.auth) + (looked_up ? "; secrets from " + joined(sources, ", then ") : "");
}

/// At most so many names, and how many there are.
std::string some_of(std::vector<std::string> names) {
  if (names.size() > kMost) {
    const std::string more = fmt::format("… ({} in all)", names.size());
    names.resize(kMost);
    names.push_back(more);
  }
  return joined(names);
}

template <class Entries>
std::vector<std::string> names_of(const Entries& entries) {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries) names.push_back(name);
  return names;
}

/// Who may use the console.
std::string console_line(const Settings& settings) {
  const std::string& upstreams = settings.upstream.user;
  const std::string own = upstreams.empty() ? "whoever logs in" : upstreams;
  std::string text = settings.admin_users.empty() ? own : some_of(settings.admin_users);
  if (!settings.stats_users.empty()) text += "; to look only: " + some_of(settings.stats_users);
  return text;
}

std::string names_of_databases(const Settings& settings) {
  if (settings.databases.empty()) return "all";
  std::vector<std::string> names;
  for (const auto& [name, database] : settings.databases) {
    if (name != "*") names.push_back(name);
  }
  const bool others = settings.databases.contains("*");
  if (others) names.emplace_back("all others");
  return some_of(std::move(names)) + (others ? "" : "; others are refused");
}

}  // namespace

std::string cache_line(const Cache& cache) {
  if (cache.enabled == CacheUse::off) return "off";
  const std::string bound =
      cache.level == CacheLevel::ttl ? "" : fmt::format(", staleness {}", to_text(cache.staleness));
  if (cache.enabled == CacheUse::automatic && cache.level == CacheLevel::best) {
    return fmt::format("where the server allows the level bounded, {}{}", to_text(cache.size), bound);
  }
  return fmt::format("on, {}, level {}{}", to_text(cache.size), to_text(cache.level), bound);
}

std::string summary(const Settings& settings) {
  std::string text = line("upstream", upstream_line(settings));
  if (!settings.replicas.empty()) text += line("replicas", replicas_line(settings));
  text += line("listen", listen_line(settings));
  for (const HttpAddress& address : settings.http.listen) text += line("http", to_text(address));
  text += line("threads", settings.threads == 0 ? "chosen from the number of processors"
                                                : std::to_string(settings.threads));
  text += line("pools", pool_line(settings));
  text += line("clients", clients_line(settings));
  text += line("login", login_line(settings));
  text +=
      line("tls", settings.tls.mode == TlsMode::disable ? "off towards clients"
                                                        : to_text(settings.tls.mode) + " towards clients");
  text += line("cache", cache_line(settings.cache));
  if (!settings.policies.empty()) text += line("policies", some_of(names_of(settings.policies)));
  text += line("databases", names_of_databases(settings));
  if (!settings.users.empty())
    text += line("users", some_of(names_of(settings.users)) + "; others may log in too");
  text += line("console", console_line(settings));
  return text;
}

}  // namespace forebay::config
