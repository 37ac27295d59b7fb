#include "engine/default_settings.hpp"

#include <map>
#include <mutex>

namespace forebay::engine {

namespace {

std::mutex mutex;
std::map<std::string, std::string> known;  // by server; guarded by mutex

}  // namespace

bool are_new_defaults(const std::string& server, const std::string& fingerprint) {
  const std::lock_guard lock(mutex);
  const auto [at, is_first] = known.try_emplace(server, fingerprint);
  if (is_first || at->second == fingerprint) return false;
  at->second = fingerprint;
  return true;
}

}  // namespace forebay::engine
