#include "sql/tree_walk.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/ascii.hpp"
#include "sql/builtin_functions.hpp"
#include "sql/statement_rules.hpp"
#include "sql/tree.hpp"

namespace forebay::sql {
namespace {

// What pg_catalog holds as data, which replicas have as well: its tables, and views of nothing but them. All
// else whose name begins with pg_ tells of one server or session.
// https://www.postgresql.org/docs/15/catalogs.html, https://www.postgresql.org/docs/15/views.html
constexpr std::string_view kData[] = {
    "pg_aggregate",
    "pg_am",
    "pg_amop",
    "pg_amproc",
    "pg_attrdef",
    "pg_attribute",
    "pg_auth_members",
    "pg_authid",
    "pg_available_extension_versions",
    "pg_available_extensions",
    "pg_cast",
    "pg_class",
    "pg_collation",
    "pg_constraint",
    "pg_conversion",
    "pg_database",
    "pg_db_role_setting",
    "pg_default_acl",
    "pg_depend",
    "pg_description",
    "pg_enum",
    "pg_event_trigger",
    "pg_extension",
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_foreign_table",
    "pg_group",
    "pg_index",
    "pg_indexes",
    "pg_inherits",
    "pg_init_privs",
    "pg_language",
    "pg_largeobject",
    "pg_largeobject_metadata",
    "pg_matviews",
    "pg_namespace",
    "pg_opclass",
    "pg_operator",
    "pg_opfamily",
    "pg_parameter_acl",
    "pg_partitioned_table",
    "pg_policies",
    "pg_policy",
    "pg_proc",
    "pg_publication",
    "pg_publication_namespace",
    "pg_publication_rel",
    "pg_publication_tables",
    "pg_range",
    "pg_replication_origin",
    "pg_rewrite",
    "pg_roles",
    "pg_rules",
    "pg_seclabel",
    "pg_seclabels",
    "pg_sequence",
    "pg_shadow",
    "pg_shdepend",
    "pg_shdescription",
    "pg_shseclabel",
    "pg_statistic",
    "pg_statistic_ext",
    "pg_statistic_ext_data",
    "pg_stats",
    "pg_stats_ext",
    "pg_stats_ext_exprs",
    "pg_subscription",
    "pg_subscription_rel",
    "pg_tables",
    "pg_tablespace",
    "pg_timezone_abbrevs",
    "pg_timezone_names",
    "pg_transform",
    "pg_trigger",
    "pg_ts_config",
    "pg_ts_config_map",
    "pg_ts_dict",
    "pg_ts_parser",
    "pg_ts_template",
    "pg_type",
    "pg_user",
    "pg_user_mapping",
    "pg_user_mappings",
    "pg_views",
};
static_assert(std::is_sorted(std::begin(kData), std::end(kData)));

// Columns of sequences. A replica is told of 32 numbers at once, ahead of those that have been drawn.
constexpr std::string_view kSequenceColumns[] = {"is_called", "last_value", "log_cnt"};

constexpr std::array<std::string_view, 3> kSetConfigParameters = {"setting_name", "new_value", "is_local"};

bool is_session_view(std::string_view relation) {
  return relation.starts_with("pg_") && !std::binary_search(std::begin(kData), std::end(kData), relation);
}

bool is_temporary_schema(std::string_view name) {
  return name == "pg_temp" || name.starts_with("pg_temp_");
}

template <class Name>
void sort_and_unite(std::vector<Name>& names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

/// A parameter as it is bound: a cast that could make another text of it does not count as one.
bool is_parameter(const boost::json::value& expression) {
  const boost::json::value* inner = &expression;
  while (const boost::json::object* cast = tree::node(*inner, "TypeCast")) {
    const boost::json::object& type = tree::object(*cast, "typeName");
    const auto& names = tree::list(type, "names");
    const std::string_view name = names.empty() ? std::string_view() : tree::name(names.back());
    if ((name != "text" && name != "varchar") || !tree::list(type, "typmods").empty()) return false;
    inner = cast->if_contains("arg");
    if (inner == nullptr) return false;
  }
  return tree::node(*inner, "ParamRef") != nullptr;
}

}  // namespace

void TreeWalk::statement(const Value& tree) {
  ++verdict_.statements;
  before_ = std::exchange(verdict_.effects, Effects());
  names_temporary_schema_ = false;
  pending_.push_back(&tree);
  while (!pending_.empty()) {
    const Value* next = pending_.back();
    pending_.pop_back();
    visit(*next);
  }
  if (names_temporary_schema_ && verdict_.effects.has(Effect::changes_schema)) add(Effect::makes_temporary);
  add(before_);
}

Verdict TreeWalk::take() {
  if (sets_any_setting_) verdict_.settings.clear();
  // What EXECUTE gives a parameter is not bound to it by the protocol.
  if (sets_any_setting_ && verdict_.effects.has(Effect::prepares)) verdict_.effects |= Effect::hides_state;
  for (auto* names : {&verdict_.settings, &verdict_.relations, &verdict_.functions, &verdict_.prepared_names,
                      &verdict_.databases}) {
    sort_and_unite(*names);
  }
  sort_and_unite(verdict_.possible_calls);
  return std::move(verdict_);
}

void TreeWalk::visit(const Value& value) {
  if (const auto* list = value.if_array()) {
    for (const Value& element : *list) pending_.push_back(&element);
  } else if (const auto* object = value.if_object()) {
    for (const auto& [key, inner] : *object) member(key, inner);
  }
}

/// One member of an object: a field of a node, or the node itself, whose name is a kind and begins with a
/// capital.
void TreeWalk::member(std::string_view key, const Value& value) {
  if (value.is_string()) return text(key, value.get_string());
  const Object* body = value.if_object();
  if (body != nullptr) {
    if (is_upper(key.front())) {
      // ALTER FUNCTION … SET: what the function will set while it runs, and takes back then.
      if (key == "DefElem" && tree::text(*body, "defname") == "set") return;
      node(key, *body);
    } else if (key == "intoClause") {
      add(Effect::writes | Effect::changes_schema);
    } else if (key == "funccall") {
      function_call(*body);
    }
  } else if (key == "lockingClause") {
    add(Effect::writes);
  }
  if (value.is_structured()) pending_.push_back(&value);
}

void TreeWalk::text(std::string_view key, std::string_view value) {
  if (is_temporary_schema(value)) names_temporary_schema_ = true;
  if (key == "relname") {
    add_name(verdict_.relations, value);
    if (is_session_view(value)) add(Effect::reads_session_views);
  } else if (key == "relpersistence" && value == "t") {
    add(Effect::makes_temporary);
  }
}

void TreeWalk::node(std::string_view kind, const Object& body) {
  if (kind.ends_with("Stmt")) {
    add(statement_effects(kind));
    details(kind, body);
  } else if (kind == "FuncCall") {
    function_call(body);
  } else if (kind == "A_Indirection") {
    attributes(tree::list(body, "indirection"));
  } else if (kind == "ColumnRef") {
    const auto& fields = tree::list(body, "fields");
    if (fields.size() > 1) attributes(fields);
    const std::string_view column = fields.empty() ? std::string_view() : tree::name(fields.back());
    if (std::ranges::find(kSequenceColumns, column) != std::end(kSequenceColumns))
      add(Effect::reads_session_views);
  } else if (kind == "RangeTableSample") {
    sample_method(body);
  } else if (kind == "SetToDefault" || tree::text(body, "subtype") == "AT_AddColumn") {
    add(Effect::advances_sequence);  // a default may be nextval(), and a new serial column is filled at once
  }
}

void TreeWalk::function_call(const Object& call) {
  const auto& names = tree::list(call, "funcname");
  if (names.empty()) return;
  const std::string_view name = tree::name(names.back());
  const std::string_view schema = names.size() > 1 ? tree::name(names[names.size() - 2]) : "pg_catalog";
  const auto effects = schema == "pg_catalog" ? builtin_function(name) : std::nullopt;
  if (!effects) {
    add(Effect::calls_unknown);
    add_name(verdict_.functions, name);
    return;
  }
  add(*effects);
  if (names.size() == 1) verdict_.possible_calls.push_back(hash_of_name(name));
  if (name == "set_config") set_config(call);
}

/// (expression).name, and alias.name when the alias is of a value, call the function `name` when there is no
/// such attribute. Most often there is, so only PostgreSQL's own functions that do more than compute are told
/// from one; those of others, by who knows which there are.
void TreeWalk::attributes(const boost::json::array& names) {
  for (const Value& element : names) {
    const std::string_view name = tree::name(element);
    if (const auto effects = builtin_function(name)) add(*effects);
    if (!name.empty()) verdict_.possible_calls.push_back(hash_of_name(name));
  }
}

void TreeWalk::sample_method(const Object& sample) {
  const auto& names = tree::list(sample, "method");
  if (names.empty()) return;
  const std::string_view name = tree::name(names.back());
  if (name == "system" || name == "bernoulli") return;
  add(Effect::calls_unknown);
  add_name(verdict_.functions, name);
}

void TreeWalk::set_config(const Object& call) {
  static const Value none;
  std::array<const Value*, 3> arguments{&none, &none, &none};
  std::size_t position = 0;
  for (const Value& argument : tree::list(call, "args")) {
    const Object* named = tree::node(argument, "NamedArgExpr");
    std::size_t at = position++;
    if (named != nullptr) {
      const auto* const found =
          std::find(kSetConfigParameters.begin(), kSetConfigParameters.end(), tree::text(*named, "name"));
      at = static_cast<std::size_t>(found - kSetConfigParameters.begin());
    }
    const Value* value = named != nullptr ? named->if_contains("arg") : &argument;
    if (at < arguments.size() && value != nullptr) arguments[at] = value;
  }

  const auto& [name, value, is_local] = arguments;
  const Object* name_constant = tree::constant(*name);
  const Object* local_constant = tree::constant(*is_local);
  const bool local =
      local_constant != nullptr && tree::flag(tree::object(*local_constant, "boolval"), "boolval");
  if (name_constant != nullptr) {
    setting(tree::constant_text(*name), local);
    if (tree::constant_text(*value).find("pg_temp") != std::string_view::npos) add(Effect::makes_temporary);
  } else if (local) {
    add(Effect::sets_locally | Effect::changes_lexing);
  } else {
    add(Effect::sets_setting | Effect::changes_lexing);
    // What is bound to a parameter is seen; any other name could be one that no look at the session shows.
    if (!is_parameter(*name)) add(Effect::hides_state);
    sets_any_setting_ = true;
  }
}

}  // namespace forebay::sql
