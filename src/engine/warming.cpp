#include "engine/warming.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <utility>
#include <variant>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "backend/credentials.hpp"
#include "net/socket.hpp"
#include "observe/log.hpp"

namespace forebay::engine {

namespace {

constexpr std::size_t kMostQuestions = 1000;
constexpr Duration kSaveInterval{60'000};
/// So long after the start, databases are used without a client.
constexpr Duration kBeginnings{30'000};

/// In one step, so that whoever reads it gets all of it. With values of clients in it: nobody else may read
/// it.
bool replace_file(const std::string& path, std::string_view text) {
  const std::string next = path + ".new";
  const net::Fd file(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return false;
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return std::rename(next.c_str(), path.c_str()) == 0;
}

void complain(std::string_view about, const std::string& path) {
  observe::Event(about).with("file", path).with("why", std::strerror(errno)).warning();
}

}  // namespace

void Warming::sweep(TimePoint now) {
  const std::string path = pools_.settings()->cache.warm_file;
  if (path.empty()) return;
  if (!std::exchange(is_loaded_, true)) {
    load(path);
    next_save_ = now + kSaveInterval;
    begin_until_ = now + kBeginnings;
  }
  // Later a database is followed only as long as somebody uses it.
  const bool may_begin = now < begin_until_;
  if (!may_begin) openings_.clear();
  left_.remove_if([this, may_begin](const WarmQuestion& warm) { return ask_for(warm, may_begin); });
  if (now < next_save_) return;
  next_save_ = now + kSaveInterval;
  save();
}

void Warming::load(const std::string& path) {
  errno = 0;
  std::ifstream file(path);
  std::string line;
  for (int number = 1; left_.size() < kMostQuestions && std::getline(file, line); ++number) {
    if (line.empty()) continue;
    auto question = parse_warm_question(line);
    if (question) {
      left_.push_back(std::move(*question));
    } else {
      observe::Event("a line of cache.warm_file is left out")
          .with("at", fmt::format("{}:{}", path, number))
          .with("why", question.error().text)
          .warning();
    }
  }
  const bool is_first_start = !file.is_open() && errno == ENOENT;
  if (is_first_start) return;
  if (!file.is_open() || file.bad()) return complain("cannot read cache.warm_file", path);
  observe::Event("questions are asked again to warm the cache up").with("questions", left_.size()).info();
}

/// False: later.
bool Warming::ask_for(const WarmQuestion& warm, bool may_begin) {
  const auto pool = pool_for(warm, may_begin);
  if (pool == nullptr) return false;
  const auto cache = may_begin ? caches_.find_or_create(*pool) : caches_.find(*pool);
  if (cache == nullptr) return false;
  cache->freshness().note_use(Clock::now());
  if (cache->freshness().fence().all_visible_below == 0) return false;
  const Question& question = warm.question;
  auto profile = backend::intern({.parameters = question.parameters, .replication = {}});
  backend::SessionSettingsPtr settings;
  if (!question.settings.empty()) settings = std::make_shared<backend::SessionSettings>(question.settings);
  std::string key;
  const std::string context =
      context_bytes(cache->id(), pool->defaults_generation(), pool->user(), *profile, settings);
  write_key(key, context, request_of(question));
  return cache->refills().ask_for({pool, std::move(profile), std::move(settings)}, std::move(key));
}

/// Nobody is logged in whom we could not log in ourselves.
std::shared_ptr<backend::Pool> Warming::pool_for(const WarmQuestion& warm, bool may_begin) {
  for (const auto& pool : pools_.of_database(warm.database)) {
    if (pool->user() == warm.question.user) return pool;
  }
  if (!may_begin) return nullptr;
  auto credentials = backend::configured_credentials(*pools_.settings(), warm.question.user);
  if (std::holds_alternative<std::monostate>(credentials)) return nullptr;
  auto pool = pools_.find_or_create(warm.question.user, warm.database);
  if (!pool) return nullptr;
  (*pool)->set_credentials(std::move(credentials));
  // With a connection in it, it is not forgotten before somebody uses it.
  openings_.push_back(std::make_unique<Errand>(
      *pool, backend::intern({.parameters = warm.question.parameters, .replication = {}}), std::string(),
      [](const Errand::Outcome&) {}));
  openings_.back()->start();
  return *pool;
}

void Warming::save() const {
  const std::string path = pools_.settings()->cache.warm_file;
  if (path.empty()) return;
  std::string text;
  for (const WarmQuestion& warm : hottest()) text += to_text(warm) + "\n";
  if (!text.empty() && !replace_file(path, text)) complain("cannot write cache.warm_file", path);
}

std::vector<WarmQuestion> Warming::hottest() const {
  std::vector<std::pair<std::uint64_t, cache::EntryPtr>> found;
  caches_.store().visit([&found](const cache::EntryPtr& entry, std::uint64_t hits) {
    if (hits > 0) found.emplace_back(hits, entry);
  });
  std::ranges::sort(found, std::greater(), [](const auto& one) { return one.first; });
  found.resize(std::min(found.size(), kMostQuestions));

  std::map<std::pair<std::uint64_t, std::string>, std::string> databases;  // by cache and role
  for (const auto& pool : pools_.all()) {
    if (const auto cache = caches_.find(*pool); cache != nullptr)
      databases[{cache->id(), pool->user()}] = pool->database();
  }
  std::vector<WarmQuestion> questions;
  for (const auto& [hits, entry] : found) {
    Question question = question_of(entry->key());
    const auto database = databases.find({question.cache, question.user});
    if (database != databases.end()) questions.push_back({database->second, std::move(question)});
  }
  return questions;
}

}  // namespace forebay::engine
