#include "sql/write_shape.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "sql/equalities.hpp"
#include "sql/parse.hpp"
#include "sql/read_shape_text.hpp"
#include "sql/tree.hpp"

namespace forebay::sql {
namespace {

using Object = boost::json::object;
using Value = boost::json::value;
using Kind = WriteShape::Kind;

/// Whether a sub-select stands anywhere in it. Trees can be deep, so the stack is our own.
bool has_sub_select(const Object& statement) {
  std::vector<const Object*> objects{&statement};
  std::vector<const boost::json::array*> arrays;
  const auto visit = [&](const Value& value) {
    if (const Object* object = value.if_object()) objects.push_back(object);
    if (const auto* array = value.if_array()) arrays.push_back(array);
  };
  while (!objects.empty() || !arrays.empty()) {
    if (!arrays.empty()) {
      const auto& array = *arrays.back();
      arrays.pop_back();
      for (const Value& value : array) visit(value);
      continue;
    }
    const Object& object = *objects.back();
    objects.pop_back();
    if (object.contains("SubLink")) return true;
    for (const auto& member : object) visit(member.value());
  }
  return false;
}

std::vector<std::string> target_columns(const Object& body, std::string_view field) {
  std::vector<std::string> columns;
  for (const Value& item : tree::list(body, field)) {
    if (const Object* target = tree::node(item, "ResTarget"))
      columns.emplace_back(tree::text(*target, "name"));
  }
  return columns;
}

/// What WHERE says of the rows of the one relation.
std::vector<KeyPredicate> keys_of_where(const Object& body, const ShapeText& text) {
  const Object& relation = tree::object(body, "relation");
  const Object& alias = tree::object(relation, "alias");
  const auto name = alias.empty() ? tree::text(relation, "relname") : tree::text(alias, "aliasname");
  std::vector<KeyPredicate> keys;
  for (Equality& equality : equalities(body, text)) {
    const auto& column = *equality.column;
    if (column.size() > 2 || (column.size() == 2 && tree::name(column[0]) != name)) continue;
    KeyPredicate& key = keys.emplace_back(std::move(equality.predicate));
    key.column = tree::name(column.back());
    if (key.column.empty()) keys.pop_back();
  }
  return keys;
}

/// The values of the one row that is inserted, where they are parameters or literals.
std::vector<KeyPredicate> keys_of_values(const Object& insert, const Object& select, const ShapeText& text) {
  std::vector<KeyPredicate> keys;
  const auto& rows = tree::list(select, "valuesLists");
  const auto& columns = tree::list(insert, "cols");
  // With OVERRIDING, the values that are given may not be those that are taken.
  if (rows.size() != 1 || tree::text(insert, "override") != "OVERRIDING_NOT_SET") return keys;
  const Object* row = tree::node(rows[0], "List");
  if (row == nullptr) return keys;
  const auto& values = tree::list(*row, "items");
  for (std::size_t i = 0; i < std::min(columns.size(), values.size()); ++i) {
    const Object* column = tree::node(columns[i], "ResTarget");
    KeyPredicate key;
    if (column == nullptr || column->contains("indirection") || !read_value(values[i], text, key)) continue;
    key.column = tree::text(*column, "name");
    keys.push_back(std::move(key));
  }
  return keys;
}

/// The one column that decides whether an INSERT changes a row that is there already; empty: not certain.
std::string_view conflicting_column(const Object& conflict) {
  const Object& infer = tree::object(conflict, "infer");
  const auto& elements = tree::list(infer, "indexElems");
  if (elements.size() != 1 || infer.contains("whereClause")) return {};
  const Object* element = tree::node(elements[0], "IndexElem");
  return element == nullptr ? std::string_view() : tree::text(*element, "name");
}

bool read_insert(const Object& body, const ShapeText& text, WriteShape& shape) {
  shape.kind = Kind::insert;
  const Value* source = body.if_contains("selectStmt");
  const Object* select = source == nullptr ? nullptr : tree::node(*source, "SelectStmt");
  if (select == nullptr) return source == nullptr;  // DEFAULT VALUES
  if (!select->contains("valuesLists") || select->contains("withClause")) return false;
  shape.keys = keys_of_values(body, *select, text);
  const Object& conflict = tree::object(body, "onConflictClause");
  if (tree::text(conflict, "action") != "ONCONFLICT_UPDATE") return true;
  shape.assigned = target_columns(conflict, "targetList");
  const std::string_view column = conflicting_column(conflict);
  std::erase_if(shape.keys, [column](const KeyPredicate& key) { return key.column != column; });
  return true;
}

bool read_update(const Object& body, const ShapeText& text, WriteShape& shape) {
  shape.kind = Kind::update;
  shape.assigned = target_columns(body, "targetList");
  shape.keys = keys_of_where(body, text);
  return true;
}

bool read_remove(const Object& body, const ShapeText& text, WriteShape& shape) {
  shape.kind = Kind::remove;
  shape.keys = keys_of_where(body, text);
  return true;
}

WriteShape shape_of(const Value& statement, const ShapeText& text) {
  using Read = bool (*)(const Object&, const ShapeText&, WriteShape&);
  constexpr std::pair<std::string_view, Read> kReads[] = {
      {"InsertStmt", read_insert}, {"UpdateStmt", read_update}, {"DeleteStmt", read_remove}};
  for (const auto& [kind, read] : kReads) {
    const Object* body = tree::node(statement, kind);
    if (body == nullptr) continue;
    WriteShape shape;
    shape.relation = tree::text(tree::object(*body, "relation"), "relname");
    const bool is_plain = !body->contains("withClause") && !body->contains("fromClause") &&
                          !body->contains("usingClause") && !has_sub_select(*body);
    if (!is_plain || !read(*body, text, shape)) return {};
    for (KeyPredicate& key : shape.keys) key.relation = shape.relation;
    return shape;
  }
  return {};
}

}  // namespace

WriteShape write_shape(std::string_view text) {
  try {
    const auto mine = shape_text(text);
    if (!mine) return {};
    WriteShape shape;
    int statements = 0;
    const bool parsed = parse_statements(mine->text, [&](const Value& statement) {
      if (++statements == 1) shape = shape_of(statement, *mine);
      return statements == 1;
    });
    return parsed ? shape : WriteShape();
  } catch (const std::exception&) {
    return {};
  }
}

}  // namespace forebay::sql
