#include "sql/read_shape_keys.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sql/tree.hpp"

namespace forebay::sql {
namespace {

using Object = boost::json::object;
using Value = boost::json::value;
using KeyPredicate = ReadShape::KeyPredicate;

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

/// What is joined by AND at the top of WHERE.
std::vector<const Object*> conditions(const Object& select) {
  std::vector<const Object*> found;
  std::vector<const Value*> pending;
  if (const Value* where = select.if_contains("whereClause")) pending.push_back(where);
  while (!pending.empty()) {
    const Value& next = *pending.back();
    pending.pop_back();
    if (const Object* both = tree::node(next, "BoolExpr")) {
      if (tree::text(*both, "boolop") != "AND_EXPR") continue;
      const auto& parts = tree::list(*both, "args");
      for (auto part = parts.rbegin(); part != parts.rend(); ++part) pending.push_back(&*part);
    } else if (const Object* expression = tree::node(next, "A_Expr")) {
      found.push_back(expression);
    }
  }
  return found;
}

bool is_equality(const Object& expression) {
  const auto& names = tree::list(expression, "name");
  return tree::text(expression, "kind") == "AEXPR_OP" && names.size() == 1 && tree::name(names[0]) == "=";
}

/// Which literal stands at `offset`, if it is one whose value is what it looks like. A negative number begins
/// with its sign, where no literal is.
std::optional<int> literal_at(const ShapeText& text, std::int64_t offset) {
  for (std::size_t i = 0; i < text.literals.size(); ++i) {
    const auto& literal = text.literals[i];
    if (static_cast<std::int64_t>(literal.offset) != offset) continue;
    if (literal.kind != TokenKind::integer && literal.kind != TokenKind::decimal &&
        literal.kind != TokenKind::string) {
      return std::nullopt;
    }
    return static_cast<int>(i);
  }
  return std::nullopt;
}

/// Whether `value` is a parameter or a literal; if so, `key` says which.
bool read_value(const Value& value, const ShapeText& text, KeyPredicate& key) {
  if (const Object* parameter = tree::node(value, "ParamRef")) {
    const auto number = tree::number(*parameter, "number");
    key.parameter = number >= 1 && number <= 65535 ? static_cast<int>(number) : 0;
    return key.parameter != 0;
  }
  const Object* constant = tree::node(value, "A_Const");
  if (constant == nullptr ||
      !(constant->contains("ival") || constant->contains("fval") || constant->contains("sval"))) {
    return false;
  }
  const auto literal = literal_at(text, tree::number(*constant, "location"));
  if (literal) key.literal = *literal;
  return literal.has_value();
}

std::optional<KeyPredicate> predicate(const Value& column, const Value& value, const Sources& sources,
                                      const ShapeText& text, const ReadShapeWalk& walk) {
  const Object* reference = tree::node(column, "ColumnRef");
  if (reference == nullptr) return std::nullopt;
  const auto& parts = tree::list(*reference, "fields");
  const Source* source = sources.of(parts);
  if (source == nullptr || walk.times_named(source->relation) != 1 || walk.is_given_name(source->relation)) {
    return std::nullopt;
  }
  KeyPredicate key;
  key.relation = source->relation;
  key.column = tree::name(parts[parts.size() - 1]);
  if (key.column.empty() || !read_value(value, text, key)) return std::nullopt;
  return key;
}

}  // namespace

std::vector<KeyPredicate> key_predicates(const Object& select, const ShapeText& text,
                                         const ReadShapeWalk& walk) {
  std::vector<KeyPredicate> keys;
  if (tree::text(select, "op") != "SETOP_NONE") return keys;
  const Sources sources(tree::list(select, "fromClause"));
  for (const Object* expression : conditions(select)) {
    const Value* left = expression->if_contains("lexpr");
    const Value* right = expression->if_contains("rexpr");
    if (!is_equality(*expression) || left == nullptr || right == nullptr) continue;
    auto key = predicate(*left, *right, sources, text, walk);
    if (!key) key = predicate(*right, *left, sources, text, walk);
    if (key) keys.push_back(std::move(*key));
  }
  return keys;
}

}  // namespace forebay::sql
