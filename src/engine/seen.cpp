#include "engine/seen.hpp"

#include <algorithm>

namespace forebay::engine {

namespace {

/// More than most clients read one by one between two proofs; beyond, all of them count as anything.
constexpr std::size_t kMost = 2048;
/// More than the statements that are under way read by most clients; beyond, they count as reading anything.
/// Each piece of an answer costs a look at all of them.
constexpr std::size_t kMostReading = 256;

bool is_whole(const cache::Dependency& on) {
  return on.mark == &on.relation->whole();
}

/// It stands beside a bucket, and for no rows of its own.
bool is_unkeyed(const cache::Dependency& on) {
  return on.mark == &on.relation->unkeyed();
}

}  // namespace

void Seen::reading(const std::vector<cache::Dependency>& dependencies) {
  for (const cache::Dependency& on : dependencies) {
    if (!is_unkeyed(on)) read(*on.relation, *on.mark);
  }
}

void Seen::reading(cache::Relation& relation) {
  read(relation, relation.whole());
}

/// While nobody reads by key, nothing is known of it by key.
void Seen::reading(cache::Relation& relation, cache::Relation::Bucket rows) {
  const cache::ChangeMark* mark = relation.find_bucket(rows);
  read(relation, mark == nullptr ? relation.whole() : *mark);
}

void Seen::read(cache::Relation& relation, const cache::ChangeMark& mark) {
  if (reading_anything_) return;
  reading_.emplace(&mark, &relation);
  if (reading_.size() <= kMostReading) return;
  reading_.clear();
  reading_anything_ = true;
}

void Seen::note_answer(TimePoint now) {
  if (reading_anything_) anything_seen_ = now;
  for (const auto& [mark, relation] : reading_) see({relation, mark}, {now, 0});
}

void Seen::end_answers() {
  reading_.clear();
  reading_anything_ = false;
}

void Seen::see(const Rows& rows, const Sight& sight) {
  if (buckets_.size() >= kMost) forget_rows();
  Relation& relation = relations_[rows.relation];
  relation.any = std::max(relation.any, sight.at);
  const bool whole = rows.mark == &rows.relation->whole();
  Sight& known = whole ? relation.whole : buckets_[rows.mark];
  if (known.at <= sight.at) known = sight;
}

/// What was seen of them stands for anything from here on.
void Seen::forget_rows() {
  for (const auto& [name, relation] : relations_) anything_seen_ = std::max(anything_seen_, relation.any);
  buckets_.clear();
  relations_.clear();
}

void Seen::see(const cache::Entry& entry, TimePoint proof, std::uint64_t serial) {
  if (entry.filled() <= proof) return;
  for (const cache::Dependency& on : entry.dependencies()) {
    if (!is_unkeyed(on)) see({on.relation, on.mark}, {entry.filled(), serial});
  }
}

void Seen::shrink() {
  if (buckets_.empty()) buckets_ = {};
  if (relations_.empty()) relations_ = {};
  if (reading_.empty()) reading_ = {};
}

void Seen::forget_before(TimePoint proof) {
  if (forgotten_before_ == proof) return;
  forgotten_before_ = proof;
  erase_if(buckets_, [proof](const auto& seen) { return seen.second.at <= proof; });
  erase_if(relations_, [proof](const auto& seen) { return seen.second.any <= proof; });
}

/// What was filled after that is as new, and so is the very thing that was seen.
bool Seen::is_later(const Sight& sight, const cache::Entry& entry) {
  return entry.begun() < sight.at && entry.serial() != sight.entry;
}

bool Seen::is_beyond(const cache::Entry& entry, TimePoint proof) {
  forget_before(proof);
  if (anything_seen_ > proof && entry.begun() < anything_seen_) return true;
  if (relations_.empty()) return false;
  return std::ranges::any_of(entry.dependencies(), [&](const cache::Dependency& on) {
    const auto relation = relations_.find(on.relation);
    if (relation == relations_.end()) return false;
    if (relation->second.whole.at > proof && is_later(relation->second.whole, entry)) return true;
    // Any of its rows may have been seen later than all of them were here.
    if (is_whole(on))
      return relation->second.any > relation->second.whole.at && entry.begun() < relation->second.any;
    const auto bucket = buckets_.find(on.mark);
    return bucket != buckets_.end() && is_later(bucket->second, entry);
  });
}

}  // namespace forebay::engine
