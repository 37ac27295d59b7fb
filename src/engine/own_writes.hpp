#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "cache/freshness.hpp"
#include "cache/relation.hpp"

namespace forebay::engine {

/// What the statements of one client's transaction may have changed, to be announced before the client is
/// told that they have.
class OwnWrites {
 public:
  /// To be called before anything is added: the number of the catalog that it is judged by. When it becomes
  /// another one before all is announced, what was judged may have changed more.
  void note_catalog(std::uint64_t number);
  void add_anything() { anything_ = true; }
  /// The schema, and so anything.
  void add_schema() { schema_ = anything_ = true; }
  void add(cache::Relation& relation);
  void add(cache::Relation& relation, cache::Relation::Bucket rows);

  bool is_empty() const { return !anything_ && relations_.empty() && rows_.empty(); }
  bool is_anything() const { return anything_; }
  void announce(cache::Freshness& freshness, TimePoint now) const;
  void clear() { *this = {}; }
  /// They were made on another server than `relations` are of.
  void forget_relations();

 private:
  using Rows = std::pair<cache::Relation*, cache::Relation::Bucket>;

  std::uint64_t catalog_ = 0;
  bool anything_ = false;
  bool schema_ = false;
  std::vector<cache::Relation*> relations_;
  std::vector<Rows> rows_;
};

}  // namespace forebay::engine
