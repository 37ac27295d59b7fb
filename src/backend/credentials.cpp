#include "backend/credentials.hpp"

#include "wire/secret.hpp"

namespace forebay::backend {

Credentials configured_credentials(const config::Settings& settings, const config::Upstream& upstream,
                                   const std::string& user) {
  if (user == upstream.user && !upstream.password.empty()) return wire::SecretText(upstream.password);
  if (const auto entry = settings.users.find(user); entry != settings.users.end()) {
    const auto secret = wire::Secret::parse(entry->second.password);
    if (secret && secret->plain() != nullptr) return *secret->plain();
  }
  return {};
}

}  // namespace forebay::backend
