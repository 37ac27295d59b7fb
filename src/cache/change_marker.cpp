#include "cache/change_marker.hpp"

#include <algorithm>

namespace forebay::cache {

bool ChangeMarker::note(std::string_view line) {
  const auto change = parse_decoded_change(line);
  if (!change) return false;
  switch (change->kind) {
    case ChangeKind::begin:
      return note_begin(change->transaction);
    case ChangeKind::commit:
      return note_commit(change->transaction);
    case ChangeKind::truncate:
      return note_truncate(change->relations);
    case ChangeKind::insert:
    case ChangeKind::update:
    case ChangeKind::remove:
      return note_row(*change);
    case ChangeKind::message:
      if (expected_.empty() || change->prefix != kPrefix || change->content != expected_) return true;
      expected_.clear();
      is_ours_ = true;
      return true;
  }
  return false;
}

Relation* ChangeMarker::intern(const std::string& name) {
  Relation* relation = freshness_.find_relation(name);
  if (relation != nullptr && !is_first_catalog_) return relation;
  relation = freshness_.intern_relation(name);
  relation->note_change(newest_);
  last_relation_ = nullptr;
  last_name_.clear();
  return relation;
}

void ChangeMarker::begin_first_catalog(TransactionId newest) {
  newest_ = std::max(newest_, newest);
  newest_other_ = newest_;
  is_first_catalog_ = true;
}

bool ChangeMarker::note_begin(std::uint32_t transaction) {
  if (transaction_ != 0) return false;
  transaction_ = widened(transaction, newest_);
  newest_ = std::max(newest_, transaction_);
  is_ours_ = false;
  rows_.clear();
  return true;
}

bool ChangeMarker::note_commit(std::uint32_t transaction) {
  if (transaction_ == 0 || static_cast<std::uint32_t>(transaction_) != transaction) return false;
  if (!is_ours_) {
    ++others_;
    newest_other_ = std::max(newest_other_, transaction_);
  }
  transaction_ = 0;
  return true;
}

bool ChangeMarker::note_truncate(std::string_view relations) {
  if (transaction_ == 0) return false;
  for (auto name = next_relation(relations); !name.empty(); name = next_relation(relations)) {
    freshness_.stream_tally().note_change();
    if (Relation* relation = find(name)) relation->note_change(transaction_);
  }
  return true;
}

bool ChangeMarker::note_row(const DecodedChange& change) {
  if (transaction_ == 0) return false;
  freshness_.stream_tally().note_change();
  Relation* relation = find(change.relations);
  if (relation == nullptr) return true;
  std::size_t& rows = rows_[relation];
  // One mark for all rows is enough: a fill that begins behind it is kept only when it sees the transaction.
  if (rows > kRowsByKey) return true;
  if (++rows <= kRowsByKey && relation->key().kind != KeyKind::none) return note_by_key(*relation, change);
  rows = kRowsByKey + 1;
  relation->note_change(transaction_);
  return true;
}

bool ChangeMarker::note_by_key(Relation& relation, const DecodedChange& change) {
  const RelationKey& key = relation.key();
  const auto touched = touched_keys(change, key.column);
  if (!touched) return false;
  bool known = !touched->values().empty();
  std::string buffer;
  for (const PrintedValue& value : touched->values()) {
    const std::string_view canonical = canonical_key(key.kind, value.plain(buffer));
    if (canonical.empty()) {
      known = false;
    } else {
      relation.note_change(transaction_, canonical);
    }
  }
  if (!known) relation.note_change(transaction_);
  return true;
}

Relation* ChangeMarker::find(std::string_view name) {
  if (name != last_name_) {
    last_relation_ = freshness_.find_relation(name);
    last_name_ = name;
  }
  return last_relation_;
}

}  // namespace forebay::cache
