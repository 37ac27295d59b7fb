#include "engine/warming.hpp"

#include <ranges>
#include <set>
#include <utility>
#include <variant>

#include "backend/credentials.hpp"
#include "base/utf8.hpp"
#include "cache/best_entries.hpp"
#include "engine/warm_file.hpp"
#include "observe/log.hpp"

namespace forebay::engine {

namespace {

constexpr std::size_t kMostQuestions = 1000;
constexpr Duration kSaveInterval{60'000};
/// So long after the start, databases are followed for the sake of clients that have not come yet.
constexpr Duration kHeld{600'000};
/// What has not been asked for by then is not among what is asked for most.
constexpr Duration kForgotten{3'600'000};

void complain(std::string_view about, const std::string& path, const Error& error) {
  observe::Event(about).with("file", path).with("why", error.text).warning();
}

}  // namespace

void Warming::sweep(TimePoint now) {
  if (!std::exchange(has_begun_, true)) begin(now);
  if (path_.empty()) return;
  for (auto& [role, waiting] : waiting_) ask(role, waiting);
  std::erase_if(waiting_, [](const auto& one) { return one.second.questions.empty(); });
  if (now >= let_go_at_) held_.clear();
  if (now >= forget_at_) forget();
  if (now < next_save_) return;
  next_save_ = now + kSaveInterval;
  save();
}

void Warming::begin(TimePoint now) {
  path_ = pools_.settings()->cache.warm_file;
  next_save_ = now + kSaveInterval;
  let_go_at_ = now + kHeld;
  forget_at_ = now + kForgotten;
  if (path_.empty()) return;
  auto questions = read_warm_file(path_, kMostQuestions);
  if (!questions) return complain("cannot read cache.warm_file", path_, questions.error());
  loaded_ = std::move(*questions);
  for (const WarmQuestion& warm : loaded_ | std::views::reverse)
    waiting_[{warm.question.user, warm.database}].questions.push_back(warm.question);
  for (auto& [role, waiting] : waiting_) log_in(role, waiting);
  if (!loaded_.empty())
    observe::Event("questions are asked again to warm the cache up").with("questions", loaded_.size()).info();
}

/// Nobody whom the configuration does not let us log in. With a backend in it, the pool is not forgotten
/// before a client comes.
void Warming::log_in(const Role& role, Waiting& waiting) {
  const auto& [user, database] = role;
  auto pool = pools_.find_or_create(user, database);
  if (!pool) return;
  auto credentials = backend::configured_credentials(*pools_.settings(), (*pool)->target()->upstream(), user);
  if (std::holds_alternative<std::monostate>(credentials)) return;
  (*pool)->set_credentials(std::move(credentials));
  if (auto cache = caches_.find_or_create(**pool); cache != nullptr) held_.push_back(std::move(cache));
  const auto profile =
      backend::intern({.parameters = waiting.questions.front().parameters, .replication = {}});
  waiting.opening = std::make_unique<Errand>(
      *pool, profile, std::string(),
      [&waiting](const Errand::Outcome& outcome) { waiting.is_open = outcome.refusal == nullptr; });
  waiting.opening->start();
}

void Warming::ask(const Role& role, Waiting& waiting) {
  // A client of the role may know better.
  const auto pool = find_pool(role);
  if (pool == nullptr || (waiting.opening != nullptr && !waiting.is_open && pool->clients() == 0)) return;
  const auto cache = caches_.find(*pool);
  if (cache == nullptr) return;
  cache->freshness().note_use(Clock::now());
  if (cache->freshness().fence().all_visible_below == 0) return;
  const std::uint64_t generation = pool->generation();
  while (!waiting.questions.empty()) {
    const Question& question = waiting.questions.back();
    auto profile = backend::intern({.parameters = question.parameters, .replication = {}});
    backend::SessionSettingsPtr settings;
    if (!question.settings.empty()) settings = std::make_shared<backend::SessionSettings>(question.settings);
    const std::string context =
        context_bytes(cache->id(), pool->defaults_generation(), pool->user(), *profile, settings);
    std::string key;
    write_key(key, context, request_of(question));
    const std::uint64_t hash = question_hash(cache::key_hash(context), request_of(question));
    const Asker asker{&loop_, pool, generation, std::move(profile), std::move(settings)};
    if (!cache->refills().ask_for(asker, std::move(key), hash)) return;
    waiting.questions.pop_back();
  }
}

std::shared_ptr<backend::Pool> Warming::find_pool(const Role& role) const {
  for (const auto& pool : pools_.of_database(role.second)) {
    if (pool->user() == role.first) return pool;
  }
  return nullptr;
}

void Warming::forget() {
  loaded_.clear();
  waiting_.clear();
}

void Warming::save() const {
  if (path_.empty()) return;
  const std::vector<std::string> lines = hottest();
  if (lines.empty()) return;
  if (const auto written = write_warm_file(path_, lines); !written)
    complain("cannot write cache.warm_file", path_, written.error());
}

/// Behind what has been hit, what the list held: after a start it takes a while until everybody has come
/// back.
std::vector<std::string> Warming::hottest() const {
  std::map<std::pair<std::uint64_t, std::string>, std::string> databases;  // by cache and role
  for (const auto& pool : pools_.all()) {
    if (const auto cache = caches_.find(*pool); cache != nullptr)
      databases[{cache->id(), pool->user()}] = pool->database();
  }
  std::vector<std::string> lines;
  std::set<std::string> known;
  const auto add = [&](const WarmQuestion& warm) {
    std::string line = to_text(warm);
    // JSON is UTF-8.
    if (lines.size() < kMostQuestions && is_utf8(line) && known.insert(line).second)
      lines.push_back(std::move(line));
  };
  const auto hits = [](const cache::Entry&, std::uint64_t count) { return count; };
  for (const auto& ranked : cache::best_entries(caches_.store(), kMostQuestions, hits)) {
    if (ranked.hits == 0) break;
    Question question = question_of(ranked.entry->key());
    const auto database = databases.find({question.cache, question.user});
    if (database != databases.end()) add({database->second, std::move(question)});
  }
  if (lines.empty()) return {};
  for (const WarmQuestion& warm : loaded_) add(warm);
  return lines;
}

}  // namespace forebay::engine
