#include "engine/default_settings.hpp"

#include <map>
#include <mutex>
#include <utility>

namespace forebay::engine {

namespace {

std::mutex mutex;
std::map<std::string, std::string> defaults;                       // by server; guarded by mutex
std::map<std::pair<std::string, std::string>, std::string> roles;  // by server and name; guarded by mutex

/// False when nothing was known.
template <class Known>
bool has_changed(Known& known, const typename Known::key_type& of, const std::string& now) {
  const std::lock_guard lock(mutex);
  const auto [at, is_first] = known.try_emplace(of, now);
  return !is_first && std::exchange(at->second, now) != now;
}

}  // namespace

bool are_new_defaults(const std::string& server, const std::string& fingerprint) {
  return has_changed(defaults, server, fingerprint);
}

bool is_new_role(const std::string& server, const std::string& role, const std::string& oid) {
  return has_changed(roles, {server, role}, oid);
}

}  // namespace forebay::engine
