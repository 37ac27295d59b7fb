#include "sql/equalities.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "sql/tree.hpp"

namespace forebay::sql {
namespace {

using Object = boost::json::object;
using Value = boost::json::value;

/// What is joined by AND at the top of WHERE.
std::vector<const Object*> conditions(const Object& statement) {
  std::vector<const Object*> found;
  std::vector<const Value*> pending;
  if (const Value* where = statement.if_contains("whereClause")) pending.push_back(where);
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

}  // namespace

bool read_value(const Value& value, const ShapeText& text, KeyPredicate& key) {
  if (const Object* parameter = tree::node(value, "ParamRef")) {
    const auto number = tree::number(*parameter, "number");
    key.parameter = number >= 1 && number <= 65535 ? static_cast<int>(number) : 0;
    // Where it stands twice, the other place may have decided its type.
    const auto places = std::ranges::equal_range(text.parameters, key.parameter);
    return key.parameter != 0 && places.size() == 1;
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

std::vector<Equality> equalities(const Object& statement, const ShapeText& text) {
  std::vector<Equality> found;
  const auto add = [&](const Value& column, const Value& value) {
    const Object* reference = tree::node(column, "ColumnRef");
    KeyPredicate key;
    if (reference == nullptr || !read_value(value, text, key)) return;
    found.push_back({&tree::list(*reference, "fields"), std::move(key)});
  };
  for (const Object* expression : conditions(statement)) {
    const Value* left = expression->if_contains("lexpr");
    const Value* right = expression->if_contains("rexpr");
    if (!is_equality(*expression) || left == nullptr || right == nullptr) continue;
    add(*left, *right);
    add(*right, *left);
  }
  return found;
}

}  // namespace forebay::sql
