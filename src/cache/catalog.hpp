#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cache/relation.hpp"
#include "sql/read_shape.hpp"
#include "wire/data_row.hpp"

namespace forebay::cache {

/// What has to be known of a database to tell whether a statement's result may be kept and what changes it.
///
/// Names stand for things: schemas are left out, and what shares a name is taken together, so that it errs to
/// the side of caution whatever the search_path. Immutable; safe to share between threads.
class Catalog {
 public:
  /// All relations of one name.
  struct Named {
    std::string refusal;           ///< why nothing that reads it may be kept, in plain words; empty: it may
    std::vector<Relation*> reads;  ///< what a reader depends on: itself, its partitions and children, and what
                                   ///< is behind it when it is a view
    KeyKind key_kind = KeyKind::none;  ///< of the one column of its replica identity (the primary key)
    std::string key_column;
    bool writes_known = false;      ///< what a plain INSERT, UPDATE or DELETE of it can change is `writes`
    std::vector<Relation*> writes;  ///< itself, its partitions, and what foreign keys cascade to
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

  /// Finds or makes the object for a relation by the name that the change stream prints.
  using Intern = std::function<Relation*(const std::string& qualified_name)>;
  static std::shared_ptr<const Catalog> make(const std::vector<wire::Row>& rows, const Intern& intern);

  Judgement judge(const sql::ReadShape& shape) const;
  /// Null when there is no relation of that name.
  const Named* find(std::string_view name) const;
};

}  // namespace forebay::cache
