#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cache/catalog.hpp"
#include "cache/catalog_vocabulary.hpp"
#include "sql/read_shape.hpp"
#include "wire/data_row.hpp"

namespace forebay::cache {

/// The relations of a database and what leads from one to another: partitions, inheritance, views, foreign
/// keys. Makes a Catalog's Named of them.
class CatalogGraph {
 public:
  CatalogGraph(const CatalogVocabulary& vocabulary, Level level) : vocabulary_(vocabulary), level_(level) {}

  /// A row of catalog_question(). False when it is of a kind that is not for this, or not understood.
  bool add(const wire::Row& row);

  /// To be called once, after all rows have been added, here and to the vocabulary.
  std::map<std::string, Catalog::Named, std::less<>> names(const Catalog::Intern& intern);

 private:
  using Index = std::size_t;

  struct Node {
    std::string name;
    std::string qualified;
    std::string marks;  ///< see catalog_question()
    RelationKey key;
    sql::ReadShape definition;  ///< of a view
    std::string refusal;        ///< of this relation alone
    Relation* relation = nullptr;
    std::vector<Index> children;
    std::vector<Index> parents;
    std::vector<Index> removed_with;  ///< changed when a row that they refer to is removed
    std::vector<Index> updated_with;  ///< or gets another key

    char kind() const { return marks[0]; }
    bool has(char mark) const { return marks.find(mark, 2) != marks.npos; }
    bool is_stored() const { return (kind() == 'r' || kind() == 'p') && !has('s'); }
  };
  struct Edge {
    std::string from;
    std::string to;
    std::string marks;  ///< of a foreign key, see catalog_question(); empty: of a child
  };
  enum class Write : std::uint8_t { update, any };

  bool add_relation(const wire::Row& row);
  void connect();
  std::string refusal_of(const Node& node) const;
  std::string view_refusal(const Node& node) const;
  std::vector<Index> with_ancestors(std::vector<Index> nodes) const;
  std::vector<Index> read_by(const std::vector<Index>& same_name) const;
  std::vector<Index> written_with(const std::vector<Index>& same_name, Write write) const;
  static bool removes(const Node& node, Write write);
  Catalog::Reach reach(const std::vector<Index>& same_name, Write write) const;
  Catalog::Named named(const std::vector<Index>& same_name) const;
  std::pair<KeyKind, std::string> common_key(const std::vector<Index>& same_name) const;
  bool turns_times_to_zones(const std::vector<Index>& nodes) const;
  /// `from` and all that `next` leads to, each once.
  template <typename Next>
  std::vector<Index> closure(std::vector<Index> from, const Next& next) const;

  const CatalogVocabulary& vocabulary_;
  const Level level_;
  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
  std::unordered_map<std::string, Index> by_oid_;
  std::map<std::string, std::vector<Index>, std::less<>> by_name_;
};

}  // namespace forebay::cache
