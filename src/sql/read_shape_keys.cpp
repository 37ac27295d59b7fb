#include "sql/read_shape_keys.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "sql/equalities.hpp"
#include "sql/tree.hpp"

namespace forebay::sql {
namespace {

using Object = boost::json::object;
using Value = boost::json::value;

/// A table in FROM that no join fills up with NULLs.
struct Source {
  std::string_view alias;
  std::string_view relation;
};

/// What stands in the FROM of the outermost SELECT.
class Sources {
 public:
  explicit Sources(const boost::json::array& from) {
    for (const Value& item : from) add(item, true);
  }

  /// The table that a column reference means; null when that is not certain. A join's own alias hides what is
  /// in it, so nothing in such a join is a source.
  const Source* of(const boost::json::array& reference) const {
    if (reference.size() == 1) return tables_ == 1 && sources_.size() == 1 ? sources_.data() : nullptr;
    if (reference.size() != 2) return nullptr;
    const std::string_view alias = tree::name(reference[0]);
    if (std::count(aliases_.begin(), aliases_.end(), alias) != 1) return nullptr;
    const auto found = std::find_if(sources_.begin(), sources_.end(),
                                    [alias](const Source& source) { return source.alias == alias; });
    return found != sources_.end() ? &*found : nullptr;
  }

 private:
  void add(const Value& item, bool certain) {
    if (const Object* table = tree::node(item, "RangeVar")) return add_table(*table, certain);
    ++tables_;
    const Object* join = tree::node(item, "JoinExpr");
    if (join == nullptr) {
      for (const char* kind : {"RangeSubselect", "RangeFunction"}) {
        if (const Object* other = tree::node(item, kind)) add_alias(*other, "alias");
      }
      return;
    }
    add_alias(*join, "alias");
    add_alias(*join, "join_using_alias");
    certain = certain && !join->contains("alias") && !join->contains("join_using_alias");
    const auto type = tree::text(*join, "jointype");
    const bool inner = type == "JOIN_INNER";
    if (const Value* left = join->if_contains("larg")) add(*left, certain && (inner || type == "JOIN_LEFT"));
    if (const Value* right = join->if_contains("rarg"))
      add(*right, certain && (inner || type == "JOIN_RIGHT"));
  }

  void add_table(const Object& table, bool certain) {
    ++tables_;
    const Object& alias = tree::object(table, "alias");
    const auto relation = tree::text(table, "relname");
    const auto name = alias.empty() ? relation : tree::text(alias, "aliasname");
    aliases_.push_back(name);
    if (certain && !alias.contains("colnames")) sources_.push_back({name, relation});
  }

  void add_alias(const Object& body, std::string_view field) {
    if (body.contains(field)) aliases_.push_back(tree::text(tree::object(body, field), "aliasname"));
  }

  int tables_ = 0;  ///< and all other things in FROM, joins too
  std::vector<Source> sources_;
  std::vector<std::string_view> aliases_;
};

}  // namespace

std::vector<KeyPredicate> key_predicates(const Object& select, const ShapeText& text,
                                         const ReadShapeWalk& walk) {
  std::vector<KeyPredicate> keys;
  if (tree::text(select, "op") != "SETOP_NONE") return keys;
  const Sources sources(tree::list(select, "fromClause"));
  for (Equality& equality : equalities(select, text)) {
    const Source* source = sources.of(*equality.column);
    if (source == nullptr || walk.times_named(source->relation) != 1 ||
        walk.is_given_name(source->relation)) {
      continue;
    }
    KeyPredicate& key = keys.emplace_back(std::move(equality.predicate));
    key.relation = source->relation;
    key.column = tree::name(equality.column->back());
    if (key.column.empty()) keys.pop_back();
  }
  return keys;
}

}  // namespace forebay::sql
