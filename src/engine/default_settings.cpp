#include "engine/default_settings.hpp"

#include <map>
#include <mutex>
#include <utility>

namespace forebay::engine {

namespace {

/// Then what is known of roles is forgotten, as at the start.
constexpr std::size_t kMostRoles = 10'000;

std::mutex mutex;
std::map<std::string, std::string> defaults;                     // by server; guarded by mutex
std::map<std::pair<std::string, std::string>, RoleFound> roles;  // by entry and name; guarded by mutex

}  // namespace

bool are_new_defaults(const std::string& server, const std::string& fingerprint) {
  const std::lock_guard lock(mutex);
  const auto [at, is_first] = defaults.try_emplace(server, fingerprint);
  if (is_first || at->second == fingerprint) return false;
  at->second = fingerprint;
  return true;
}

bool is_another_role(const std::string& entry, const std::string& role, RoleFound found) {
  const std::lock_guard lock(mutex);
  if (roles.size() >= kMostRoles) roles.clear();
  RoleFound& known = roles.try_emplace({entry, role}, found).first->second;
  const RoleFound before = std::exchange(known, std::move(found));
  return before.server == known.server && before.oid != known.oid;
}

}  // namespace forebay::engine
