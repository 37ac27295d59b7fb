#include "engine/own_writes.hpp"

#include <algorithm>

namespace forebay::engine {

namespace {

/// Each piece of an answer announces them all; beyond, whole relations are.
constexpr std::size_t kMostRows = 64;

}  // namespace

void OwnWrites::note_catalog(std::uint64_t number) {
  if (!is_empty() && number != catalog_) anything_ = true;
  catalog_ = number;
}

void OwnWrites::add(cache::Relation& relation) {
  if (anything_ || std::ranges::find(relations_, &relation) != relations_.end()) return;
  relations_.push_back(&relation);
  std::erase_if(rows_, [&relation](const Rows& rows) { return rows.first == &relation; });
}

void OwnWrites::add(cache::Relation& relation, cache::Relation::Bucket rows) {
  if (anything_ || std::ranges::find(relations_, &relation) != relations_.end()) return;
  const Rows added(&relation, rows);
  if (std::ranges::find(rows_, added) != rows_.end()) return;
  if (rows_.size() >= kMostRows) return add(relation);
  rows_.push_back(added);
}

void OwnWrites::announce(cache::Freshness& freshness, TimePoint now) const {
  if (schema_) freshness.note_own_schema_change(now);
  // A trigger, a key, a foreign key that was not there when the statement was judged, but when it ran.
  if (anything_ || catalog_ != freshness.catalog_number()) return freshness.note_own_write(now);
  for (cache::Relation* relation : relations_) freshness.note_own_write(*relation, now);
  for (const auto& [relation, rows] : rows_) freshness.note_own_write(*relation, rows, now);
}

void OwnWrites::forget_relations() {
  relations_.clear();
  rows_.clear();
  anything_ = true;
}

}  // namespace forebay::engine
