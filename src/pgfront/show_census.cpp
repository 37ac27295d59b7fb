#include "pgfront/show_census.hpp"

#include "pgfront/front.hpp"

namespace forebay::pgfront {

Census::Census(Worker& worker, TimePoint now)
    : clients_(worker.clients()), pools_(worker.front().directory().all()) {
  std::unordered_map<const backend::Backend*, const Client*> clients_of;
  for (const Client* client : clients_) {
    if (const auto* session = client->session(); session != nullptr && session->lent_backend() != nullptr) {
      clients_of[session->lent_backend()] = client;
    }
  }
  for (const auto& pool : pools_) {
    for (const backend::Backend* each : pool->backends_here()) {
      const auto at = clients_of.find(each);
      const Client* client = at == clients_of.end() ? nullptr : at->second;
      backends_.push_back({each, client, state_of(*each, client != nullptr, now)});
    }
  }
}

BackendState Census::state_of(const backend::Backend& backend, bool has_client, TimePoint now) {
  switch (backend.state()) {
    case backend::Backend::State::lent:
      return has_client ? BackendState::active : BackendState::tested;
    case backend::Backend::State::idle: {
      if (backend.has_cancel_in_flight()) return BackendState::being_canceled;
      const Duration test_after = backend.pool().rules().test_after;
      const bool tested_first = test_after.count() > 0 && now - backend.changed_at() >= test_after;
      return tested_first ? BackendState::used : BackendState::idle;
    }
    default:
      return BackendState::login;
  }
}

}  // namespace forebay::pgfront
