#include "backend/profile.hpp"

#include <algorithm>
#include <mutex>

namespace forebay::backend {

ProfilePtr intern(Profile profile) {
  static std::mutex mutex;
  static std::vector<std::weak_ptr<const Profile>> profiles;

  const std::lock_guard lock(mutex);
  std::erase_if(profiles, [](const auto& known) { return known.expired(); });
  for (const auto& known : profiles) {
    if (auto shared = known.lock(); shared != nullptr && *shared == profile) return shared;
  }
  auto shared = std::make_shared<const Profile>(std::move(profile));
  profiles.push_back(shared);
  return shared;
}

}  // namespace forebay::backend
