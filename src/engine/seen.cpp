#include "engine/seen.hpp"

#include <algorithm>

namespace forebay::engine {

namespace {

/// More than this, and it counts as having seen anything.
constexpr std::size_t kMost = 32;

}  // namespace

/// What rows a dependency stands for; unkeyed() stands beside a bucket and adds none.
const cache::ChangeMark* Seen::mark_of(const cache::Dependency& dependency) {
  return dependency.mark == &dependency.relation->whole() ? nullptr : dependency.mark;
}

void Seen::add(std::vector<Rows>& to, const Rows& rows) {
  for (Rows& known : to) {
    if (known.relation != rows.relation || known.mark != rows.mark) continue;
    if (known.at <= rows.at) known = rows;
    return;
  }
  if (to.size() < kMost) {
    to.push_back(rows);
  } else if (&to == &reading_) {
    reading_anything_ = true;
  } else {
    anything_seen_ = std::max(anything_seen_, rows.at);
  }
}

void Seen::reading(const std::vector<cache::Dependency>& dependencies) {
  for (const cache::Dependency& dependency : dependencies) {
    if (dependency.mark == &dependency.relation->unkeyed()) continue;
    add(reading_, {dependency.relation, mark_of(dependency), {}, nullptr});
  }
}

void Seen::reading(cache::Relation& relation) {
  add(reading_, {&relation, nullptr, {}, nullptr});
}

void Seen::note_answer(TimePoint now) {
  if (reading_anything_) anything_seen_ = now;
  for (const Rows& rows : reading_) add(seen_, {rows.relation, rows.mark, now, nullptr});
}

void Seen::end_answers() {
  reading_.clear();
  reading_anything_ = false;
}

void Seen::note_hit(const cache::EntryPtr& entry, TimePoint lease) {
  if (entry->filled() <= lease) return;
  for (const cache::Dependency& dependency : entry->dependencies()) {
    if (dependency.mark == &dependency.relation->unkeyed()) continue;
    add(seen_, {dependency.relation, mark_of(dependency), entry->filled(), entry});
  }
}

void Seen::forget_before(TimePoint lease) {
  std::erase_if(seen_, [lease](const Rows& rows) { return rows.at <= lease; });
}

bool Seen::is_beyond(const cache::Entry& entry, TimePoint lease) {
  if (anything_seen_ > lease && entry.begun() < anything_seen_) return true;
  if (seen_.empty()) return false;
  forget_before(lease);
  return std::ranges::any_of(seen_, [&entry](const Rows& rows) {
    const bool is_as_new = rows.entry.get() == &entry || entry.begun() >= rows.at;
    return !is_as_new &&
           std::ranges::any_of(entry.dependencies(), [&rows](const cache::Dependency& dependency) {
             if (dependency.relation != rows.relation) return false;
             const cache::ChangeMark* mark = mark_of(dependency);
             return mark == nullptr || rows.mark == nullptr || mark == rows.mark;
           });
  });
}

}  // namespace forebay::engine
