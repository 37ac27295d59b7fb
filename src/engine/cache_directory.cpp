#include "engine/cache_directory.hpp"

#include <fmt/format.h>

namespace forebay::engine {

CacheDirectory::CacheDirectory() : store_(std::make_shared<cache::Store>(config::Cache().size.bytes)) {}

void CacheDirectory::configure(const config::SettingsPtr& settings) {
  const std::lock_guard lock(mutex_);
  rules_ = settings->cache;
  store_->set_capacity(rules_.size.bytes);
}

std::shared_ptr<DatabaseCache> CacheDirectory::find_or_create(const backend::Pool& pool) {
  const config::Upstream& upstream = pool.target()->upstream();
  const std::string database = upstream.database.empty() ? pool.database() : upstream.database;
  const std::string name = fmt::format("{}/{}", pool.target()->name(), database);
  const std::lock_guard lock(mutex_);
  if (!rules_.enabled) return nullptr;
  auto& cache = by_name_[name];
  if (cache == nullptr) cache = std::make_shared<DatabaseCache>(store_, pool.target(), database, rules_);
  return cache;
}

std::vector<std::shared_ptr<DatabaseCache>> CacheDirectory::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<DatabaseCache>> caches;
  caches.reserve(by_name_.size());
  for (const auto& [name, cache] : by_name_) caches.push_back(cache);
  return caches;
}

}  // namespace forebay::engine
