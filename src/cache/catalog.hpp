#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cache/catalog_vocabulary.hpp"
#include "cache/level.hpp"
#include "cache/relation.hpp"
#include "sql/read_shape.hpp"
#include "wire/data_row.hpp"

namespace forebay::cache {

/// What has to be known of a database to tell whether a statement's result may be kept and what changes it.
///
/// Names stand for things: schemas are left out, and what shares a name is taken together, so that it errs to
/// the side of caution whatever the search_path. Temporary relations are left out: whoever has some must not
/// use the cache. What is kept by its judgement depends on the data, on this catalog, and on settings:
/// TimeZone, DateStyle, IntervalStyle, extra_float_digits, bytea_output, default_text_search_config, lc_* …
/// Immutable; safe to share between threads.
class Catalog {
 public:
  /// What a plain write of rows of one name can change.
  struct Reach {
    std::vector<Relation*> relations;  ///< itself, its partitions, and what foreign keys cascade to
    bool leads_back = false;           ///< through foreign keys, to other rows of itself
  };

  /// All relations of one name.
  struct Named {
    std::string refusal;           ///< why nothing that reads it may be kept, in plain words; empty: it may
    std::vector<Relation*> reads;  ///< what a reader depends on: itself, its partitions and children, and
                                   ///< what is behind it when it is a view
    KeyKind key_kind =
        KeyKind::none;  ///< of the one column of its replica identity (the primary key); none
                        ///< when those of one name differ, or a view or partitions are among them
    std::string key_column;
    bool has_times = false;     ///< a column of type time is in what it reads
    bool writes_known = false;  ///< nothing but what follows
    Reach writes;               ///< of any plain INSERT, UPDATE or DELETE
    Reach updates;              ///< of those that remove no row
    /// Whoever writes one row of it may learn of others: by unique indexes beside the primary key, exclusion
    /// constraints, foreign keys to itself.
    bool connects_rows = false;
  };

  /// What may be kept of a statement: the relations that it depends on, or why not.
  struct Judgement {
    std::string refusal;
    std::vector<const Named*> relations;  ///< in the order of sql::ReadShape::relations
  };

  /// SQL that answers with one row and one column that changes whenever anything changes that a Catalog is
  /// made from, or that decides who may read what: schema, privileges, roles, policies, defaults, a reload of
  /// the server's configuration. To be asked every few hundred milliseconds.
  static std::string_view fingerprint_question();
  /// SQL whose rows make a Catalog.
  static std::string_view question();
  /// SQL for the triggers by which relations are followed at the level outbox: relid, trigger.
  static std::string_view outbox_triggers();

  /// Finds or makes the object for a relation by the name that the change stream prints.
  using Intern = std::function<Relation*(const std::string& qualified_name)>;
  /// Also tells every relation its key (Relation::set_key). Rows that are not understood make a Catalog that
  /// refuses everything. At the level outbox it refuses relations without a trigger.
  static std::shared_ptr<const Catalog> make(const std::vector<wire::Row>& rows, const Intern& intern,
                                             Level level);

  Judgement judge(const sql::ReadShape& shape) const;
  /// Null when there is no relation of that name.
  const Named* find(std::string_view name) const;

 private:
  CatalogVocabulary vocabulary_;
  std::map<std::string, Named, std::less<>> relations_;  ///< by name
};

}  // namespace forebay::cache
