#include "sql/read_shape.hpp"

#include <exception>
#include <string>

#include "sql/parse.hpp"
#include "sql/read_shape_keys.hpp"
#include "sql/read_shape_text.hpp"
#include "sql/read_shape_walk.hpp"
#include "sql/tree.hpp"

namespace forebay::sql {
namespace {

ReadShape refused(std::string why) {
  ReadShape shape;
  shape.refusal = std::move(why);
  return shape;
}

ReadShape shape_of(const boost::json::value& statement, const ShapeText& text) {
  const auto* select = tree::node(statement, "SelectStmt");
  if (select == nullptr) {
    if (tree::node(statement, "ExplainStmt") != nullptr) return refused("plans differ from time to time");
    if (tree::node(statement, "VariableShowStmt") != nullptr) return refused("it shows a setting");
    return refused("it is not a read");
  }
  ReadShapeWalk walk;
  walk.read(*select);
  if (!walk.refusal().empty()) return walk.take();
  auto keys = key_predicates(*select, text, walk);
  ReadShape shape = walk.take();
  shape.keys = std::move(keys);
  return shape;
}

}  // namespace

ReadShape read_shape(std::string_view text) {
  try {
    const auto mine = shape_text(text);
    if (!mine) return refused("its text is broken or too long to be looked at");
    ReadShape shape = refused("it has no statement");
    int statements = 0;
    const bool parsed = parse_statements(mine->text, [&](const boost::json::value& statement) {
      shape = ++statements == 1 ? shape_of(statement, *mine) : refused("it has several statements");
      return statements == 1;
    });
    if (!parsed && statements < 2) return refused("PostgreSQL's grammar does not take it");
    return shape;
  } catch (const std::exception&) {
    return refused("there was no memory to look at it");
  }
}

}  // namespace forebay::sql
