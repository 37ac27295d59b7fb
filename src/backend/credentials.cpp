#include "backend/credentials.hpp"

#include "wire/secret.hpp"

namespace forebay::backend {

Credentials configured_credentials(const config::Settings& settings, const std::string& user) {
  if (const auto entry = settings.users.find(user); entry != settings.users.end()) {
    const auto secret = wire::Secret::parse(entry->second.password);
    if (secret && secret->plain() != nullptr) return *secret->plain();
  }
  const config::Upstream& upstream = settings.upstream;
  if (user == upstream.user && !upstream.password.empty()) return wire::SecretText(upstream.password);
  return {};
}

}  // namespace forebay::backend
