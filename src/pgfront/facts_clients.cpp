#include <set>

#include "pgfront/console.hpp"
#include "pgfront/facts.hpp"

namespace forebay::pgfront {

namespace {

ClientFacts count_here(Worker& worker) {
  ClientFacts count;
  for (const Client* client : worker.clients()) {
    ++count.all;
    if (client->is_counted()) ++count.counted;
    if (client->is_logging_in()) ++(client->awaited_pool() != nullptr ? count.waiting : count.logging_in);
    if (client->console() != nullptr) ++count.consoles;
    const auto* session = client->session();
    if (session == nullptr) continue;
    ++count.sessions;
    if (client->awaited_pool() != nullptr) {
      ++count.waiting;
    } else if (session->lent_backend() != nullptr || session->is_waiting()) {
      ++count.active;
    } else {
      ++count.idle;
    }
  }
  return count;
}

}  // namespace

void gather_clients(const Inquiry& inquiry, std::function<void(ClientFacts)> done) {
  gather(inquiry.front, inquiry.asker, inquiry.here, count_here,
         [done = std::move(done)](const std::vector<ClientFacts>& threads) {
           ClientFacts sum;
           for (const ClientFacts& count : threads) {
             for (const auto figure :
                  {&ClientFacts::all, &ClientFacts::counted, &ClientFacts::logging_in, &ClientFacts::sessions,
                   &ClientFacts::idle, &ClientFacts::active, &ClientFacts::waiting, &ClientFacts::consoles}) {
               sum.*figure += count.*figure;
             }
           }
           done(sum);
         });
}

Lists lists_of(Front& front) {
  const auto settings = front.settings();
  const auto pools = front.directory().all();
  std::set<std::string> databases;
  std::set<std::string> users;
  for (const auto& [name, entry] : settings->databases) databases.insert(name);
  for (const auto& [name, entry] : settings->users) users.insert(name);
  Lists lists;
  for (const auto& pool : pools) {
    databases.insert(pool->database());
    users.insert(pool->user());
    lists.backends += pool->open_backends();
  }
  databases.erase("*");
  lists.databases = databases.size();
  lists.users = users.size();
  lists.pools = pools.size();
  return lists;
}

std::vector<ObjectFacts> object_facts(Front& front, const ClientFacts& clients) {
  const Lists lists = lists_of(front);
  return {{"client", sizeof(Client), clients.all},
          {"session", sizeof(engine::Session), clients.sessions},
          {"server", sizeof(backend::Backend), lists.backends},
          {"pool", sizeof(backend::Pool), lists.pools}};
}

}  // namespace forebay::pgfront
