#include "sql/read_shape_walk.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/ascii.hpp"
#include "sql/tree.hpp"

namespace forebay::sql {
namespace {

// Kinds of nodes that add nothing to what is in them.
constexpr std::string_view kTransparent[] = {
    "A_ArrayExpr",    "A_Indices",    "BoolExpr",      "BooleanTest",  "CaseExpr",
    "CaseWhen",       "CoalesceExpr", "CollateClause", "GroupingFunc", "GroupingSet",
    "JoinExpr",       "List",         "MinMaxExpr",    "NamedArgExpr", "NullTest",
    "RangeSubselect", "RowExpr",      "String",        "WindowDef",
};

// Nodes without names that are written under the name of the field they stand in.
constexpr std::string_view kTransparentFields[] = {"alias", "join_using_alias", "over"};

struct Reason {
  std::string_view kind;
  std::string_view text;
};

constexpr Reason kReasons[] = {
    {"InsertStmt", "it writes"},
    {"UpdateStmt", "it writes"},
    {"DeleteStmt", "it writes"},
    {"MergeStmt", "it writes"},
    {"LockingClause", "it locks rows"},
    {"RangeTableSample", "TABLESAMPLE draws other rows each time"},
    {"SQLValueFunction",
     "CURRENT_DATE, CURRENT_USER and their like differ from time to time or from role to role"},
    {"CurrentOfExpr", "it depends on a cursor"},
    {"ColumnDef", "a function's columns are made up in the statement"},
    {"RangeTableFunc", "it uses XMLTABLE"},
    {"XmlExpr", "it uses XML"},
    {"XmlSerialize", "it uses XML"},
};

// What a row carries beside its columns: VACUUM, CLUSTER and row locks change it unseen.
constexpr std::string_view kSystemColumns[] = {"cmax", "cmin", "ctid", "xmax", "xmin"};

constexpr std::string_view kSystemSchemas[] = {"information_schema", "pg_catalog", "pg_toast"};

// Their values are no texts, so that a cast of one to another reads none.
constexpr std::string_view kTimeTypes[] = {"date", "interval", "time", "timestamp", "timestamptz"};

// What an expression without a name is called: FigureColnameInternal() in
// https://git.postgresql.org/gitweb/?p=postgresql.git;a=blob;f=src/backend/parser/parse_target.c;hb=REL_15_STABLE
constexpr std::string_view kNamesOfExpressions[] = {"array",    "case",  "coalesce", "exists", "greatest",
                                                    "grouping", "least", "nullif",   "row",    "?column?"};

template <typename List>
bool contains(const List& list, std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

bool is_ascii(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

template <typename T>
void sort_and_unite(std::vector<T>& things) {
  std::sort(things.begin(), things.end());
  things.erase(std::unique(things.begin(), things.end()), things.end());
}

std::string_view last_name(const boost::json::array& names) {
  return names.empty() ? std::string_view() : tree::name(names.back());
}

}  // namespace

void ReadShapeWalk::read(const Object& body) {
  select(body);
  while (!pending_.empty() && shape_.refusal.empty()) {
    const Pending next = pending_.back();
    pending_.pop_back();
    scope_ = next.scope;
    if (next.is_select) {
      select(next.value->get_object());
    } else {
      visit(*next.value);
    }
  }
}

int ReadShapeWalk::times_named(std::string_view name) const {
  const auto found = times_named_.find(name);
  return found != times_named_.end() ? found->second : 0;
}

bool ReadShapeWalk::is_given_name(std::string_view name) const {
  return std::any_of(scopes_.begin(), scopes_.end(),
                     [name](const Scope& scope) { return contains(scope.names, name); });
}

ReadShape ReadShapeWalk::take() {
  if (!shape_.refusal.empty()) {
    ReadShape refused;
    refused.refusal = std::move(shape_.refusal);
    return refused;
  }
  if (calls_in_from_)
    shape_.attributes.insert(shape_.attributes.end(), shape_.fields.begin(), shape_.fields.end());
  for (auto& cast : shape_.computed_casts) {
    if (may_be_renamed(cast.column)) cast.column.clear();
  }
  for (auto* names : {&shape_.relations, &shape_.functions, &shape_.operators, &shape_.types, &shape_.fields,
                      &shape_.attributes}) {
    sort_and_unite(*names);
  }
  sort_and_unite(shape_.computed_casts);
  return std::move(shape_);
}

void ReadShapeWalk::visit(const Value& value) {
  if (const auto* list = value.if_array()) {
    for (const Value& element : *list) push(element);
  } else if (const auto* object = value.if_object()) {
    for (const auto& [key, inner] : *object) member(key, inner);
  }
}

void ReadShapeWalk::member(std::string_view key, const Value& value) {
  if (value.is_array()) return push(value);
  if (!value.is_object()) return;
  if (is_upper(key.front())) return node(key, value);
  if (key == "typeName") return type_name(value.get_object());
  if (key == "alias" || key == "join_using_alias") return alias(value.get_object());
  const Object& fields = value.get_object();
  // A field that holds one node of any kind.
  if (fields.size() == 1 && is_upper(fields.begin()->key().front())) {
    return push(value);
  }
  if (contains(kTransparentFields, key) || fields.empty()) return push(value);
  refuse("it has a part that is not known to be harmless: " + std::string(key));
}

void ReadShapeWalk::node(std::string_view kind, const Value& value) {
  const Object& body = value.get_object();
  for (const Reason& reason : kReasons) {
    if (reason.kind == kind) return refuse(reason.text);
  }
  if (kind == "SelectStmt") return select(body);
  if (leaf(kind, body)) return;
  if (!contains(kTransparent, kind)) note(kind, body);
  push(value);
}

/// Nodes in which nothing else has to be looked at.
bool ReadShapeWalk::leaf(std::string_view kind, const Object& body) {
  if (kind == "RangeVar") {
    relation(body);
  } else if (kind == "ColumnRef") {
    column(body);
  } else if (kind == "ParamRef") {
    if (tree::number(body, "number") < 1) refuse("it has a parameter without a number");
  } else {
    return kind == "A_Const" || kind == "A_Star";
  }
  return true;
}

void ReadShapeWalk::note(std::string_view kind, const Object& body) {
  if (kind == "FuncCall") return function_call(body);
  if (kind == "A_Expr") return expression(body);
  if (kind == "A_Indirection") return indirection(body);
  if (kind == "TypeCast") return cast(body);
  if (kind == "SubLink") return operator_name(tree::list(body, "operName"));
  if (kind == "SortBy") return operator_name(tree::list(body, "useOp"));
  if (kind == "ResTarget") {
    if (const auto name = tree::text(body, "name"); !name.empty()) renamed_.emplace_back(name);
  } else if (kind == "CommonTableExpr") {
    for (const Value& name : tree::list(body, "aliascolnames")) renamed_.emplace_back(tree::name(name));
  } else if (kind == "RangeFunction") {
    calls_in_from_ = true;
  } else {
    refuse("it has a part that is not known to be harmless: " + std::string(kind));
  }
}

void ReadShapeWalk::select(const Object& body) {
  if (body.contains("intoClause")) return refuse("it makes a table");
  if (body.contains("lockingClause")) return refuse("it locks rows");
  if (body.contains("valuesLists")) has_values_ = true;
  const Scope* const outer = scope_;
  if (body.contains("withClause")) with(tree::object(body, "withClause"));
  for (const auto& [key, value] : body) {
    if (key == "larg" || key == "rarg") {
      if (value.is_object()) pending_.push_back({&value, scope_, true});
    } else if (key != "withClause") {
      member(key, value);
    }
  }
  scope_ = outer;
}

/// Each query of WITH sees the names before it, or all of them when it is RECURSIVE; what follows sees all.
void ReadShapeWalk::with(const Object& clause) {
  const Scope* const outer = scope_;
  const auto& queries = tree::list(clause, "ctes");
  scopes_.push_back({outer, {}});
  Scope& all = scopes_.back();
  for (const Value& query : queries) {
    const Object* body = tree::node(query, "CommonTableExpr");
    if (body == nullptr) return refuse("it has a WITH that is not known to be harmless");
    const Scope* visible = &all;
    if (!tree::flag(clause, "recursive")) {
      scopes_.push_back({outer, all.names});
      visible = &scopes_.back();
    }
    pending_.push_back({&query, visible, false});
    all.names.push_back(tree::text(*body, "ctename"));
  }
  scope_ = &all;
}

void ReadShapeWalk::relation(const Object& body) {
  const auto name = tree::text(body, "relname");
  const auto schema = tree::text(body, "schemaname");
  ++times_named_[std::string(name)];
  if (body.contains("alias")) alias(tree::object(body, "alias"));
  if (contains(kSystemSchemas, schema) || schema.starts_with("pg_temp") || schema.starts_with("pg_toast")) {
    return refuse("it reads " + std::string(schema));
  }
  if (schema.empty() && is_visible(name)) return;
  add(shape_.relations, name);
}

void ReadShapeWalk::column(const Object& body) {
  const auto& parts = tree::list(body, "fields");
  const std::string_view name = last_name(parts);
  if (contains(kSystemColumns, name))
    return refuse("it reads " + std::string(name) + ", which changes unseen");
  if (parts.size() > 1 && !name.empty()) shape_.fields.emplace_back(name);
}

void ReadShapeWalk::indirection(const Object& body) {
  for (const Value& part : tree::list(body, "indirection")) {
    const std::string_view name = tree::name(part);
    if (contains(kSystemColumns, name))
      return refuse("it reads " + std::string(name) + ", which changes unseen");
    if (!name.empty()) add(shape_.attributes, name);
  }
}

void ReadShapeWalk::function_call(const Object& body) {
  add(shape_.functions, last_name(tree::list(body, "funcname")));
}

void ReadShapeWalk::expression(const Object& body) {
  const auto kind = tree::text(body, "kind");
  // Their "operators" are key words; >= and <= are what they mean.
  if (kind.starts_with("AEXPR_BETWEEN") || kind.starts_with("AEXPR_NOT_BETWEEN")) {
    for (const char* name : {"<", "<=", ">", ">="}) shape_.operators.emplace_back(name);
  } else {
    operator_name(tree::list(body, "name"));
  }
}

void ReadShapeWalk::operator_name(const boost::json::array& names) {
  if (!names.empty()) add(shape_.operators, last_name(names));
}

void ReadShapeWalk::type_name(const Object& type) {
  if (tree::flag(type, "pct_type") || tree::flag(type, "setof"))
    return refuse("it casts to a type of a column");
  add(shape_.types, last_name(tree::list(type, "names")));
}

void ReadShapeWalk::cast(const Object& body) {
  const Value* inner = body.if_contains("arg");
  if (inner == nullptr) return refuse("it casts nothing");
  const Value* value = inner;
  for (const Object* next = tree::node(*value, "TypeCast"); next != nullptr;
       next = tree::node(*value, "TypeCast")) {
    value = next->if_contains("arg");
    if (value == nullptr) return refuse("it casts nothing");
  }
  if (tree::node(*value, "A_Const") != nullptr || tree::node(*value, "ParamRef") != nullptr) return;
  if (const Object* between = tree::node(*inner, "TypeCast")) {
    const Object& type = tree::object(*between, "typeName");
    if (contains(kTimeTypes, last_name(tree::list(type, "names"))) && !type.contains("arrayBounds")) return;
  }
  ReadShape::ComputedCast cast;
  cast.type = last_name(tree::list(tree::object(body, "typeName"), "names"));
  if (const Object* column = tree::node(*inner, "ColumnRef"))
    cast.column = last_name(tree::list(*column, "fields"));
  if (const Object* call = tree::node(*inner, "FuncCall"))
    cast.function = last_name(tree::list(*call, "funcname"));
  shape_.computed_casts.push_back(std::move(cast));
}

void ReadShapeWalk::alias(const Object& body) {
  renamed_.emplace_back(tree::text(body, "aliasname"));
  for (const Value& name : tree::list(body, "colnames")) renamed_.emplace_back(tree::name(name));
}

bool ReadShapeWalk::is_visible(std::string_view name) const {
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->outer) {
    if (contains(scope->names, name)) return true;
  }
  return false;
}

/// Whether something else than a column of a relation may be called so in this statement. Functions, casts
/// and some expressions give their names to their results.
bool ReadShapeWalk::may_be_renamed(std::string_view column) const {
  return calls_in_from_ || (has_values_ && column.starts_with("column")) || contains(renamed_, column) ||
         contains(shape_.functions, column) || contains(shape_.types, column) ||
         contains(kNamesOfExpressions, column);
}

/// What a name that is not ASCII stands for depends on encodings and on the server's locale.
void ReadShapeWalk::add(std::vector<std::string>& names, std::string_view name) {
  if (name.empty()) return refuse("it has a name that could not be read");
  if (!is_ascii(name)) return refuse("it has a name that is not ASCII: " + std::string(name));
  names.emplace_back(name);
}

void ReadShapeWalk::refuse(std::string_view why) {
  if (shape_.refusal.empty()) shape_.refusal = why;
}

}  // namespace forebay::sql
