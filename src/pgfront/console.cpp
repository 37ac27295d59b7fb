#include "pgfront/console.hpp"

#include "pgfront/client.hpp"

namespace forebay::pgfront {

Console::Console(Client& client, std::string user, bool may_administer)
    : client_(client), user_(std::move(user)), may_administer_(may_administer) {}

std::size_t Console::on_input(const std::byte*, std::size_t size) {
  client_.finish(nullptr);
  return size;
}

}  // namespace forebay::pgfront
