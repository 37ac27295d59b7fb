#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/catalog.hpp"
#include "cache/entry.hpp"
#include "engine/read_request.hpp"
#include "sql/fingerprint.hpp"

namespace forebay::engine {

/// What has to be known of a statement to keep its results, or to know what it changes: made from its text
/// and the catalog once, used for every set of parameters. Immutable.
struct StatementPlan {
  /// Rows of a relation that the statement reads or writes.
  struct Rows {
    cache::Relation* relation = nullptr;
    cache::KeyKind key = cache::KeyKind::none;  ///< not none: only rows with the key that is given here
    int parameter = 0;                          ///< its number, or 0:
    int literal = -1;                           ///< the place of the literal in the text
  };
  struct Write {
    std::optional<Rows> rows;                 ///< it names a relation, and changes only these of it, if any
    std::vector<cache::Relation*> relations;  ///< of which it may change any row
    bool tells_of_others = false;             ///< its client may learn of other rows of the relation
  };

  std::uint64_t catalog = 0;  ///< number of the catalog that it was made from
  sql::Fingerprint text;      ///< of all texts that it is for
  sql::Fingerprint told;      ///< of the one that people are told, with parameters in the place of literals
  std::string refusal;        ///< why results are not kept; empty: they are
  std::vector<Rows> reads;
  std::vector<std::string> names;  ///< of what it reads as it names it, views too, without schemas
  std::optional<Write> write;      ///< of a plain write that reaches nothing but what the catalog knows

  static std::shared_ptr<const StatementPlan> make(std::string_view text, const sql::Fingerprint& fingerprint,
                                                   const cache::Catalog& catalog,
                                                   std::uint64_t catalog_number);

  /// What the result of `request` depends on, with the changes up to now, is put into `found`.
  void find_dependencies(const ReadRequest& request, std::vector<cache::Dependency>& found) const;
};

/// The key that `request` gives for `rows`, see cache::canonical_key; empty: none, or not certain. A view
/// into the request or `buffer`.
std::string_view key_of(const StatementPlan::Rows& rows, const ReadRequest& request, std::string& buffer);

/// Why this request's values forbid to keep its result, in plain words; empty: they do not.
std::string_view refusal_of_values(const ReadRequest& request);

}  // namespace forebay::engine
