#include "monitor/main_server.hpp"

#include "backend/server_watch.hpp"

namespace forebay::monitor {

std::string primary_of(pgfront::Front& front, const config::Settings& settings) {
  const auto topology = front.directory().board().topology();
  return topology->primary ? topology->servers[*topology->primary].name
                           : backend::server_name(settings.upstream);
}

std::string own_database(const config::Settings& settings) {
  return settings.upstream.database.empty() ? "postgres" : settings.upstream.database;
}

}  // namespace forebay::monitor
