#include "cache/catalog_vocabulary.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace forebay::cache {
namespace {

// PostgreSQL's own types whose input reads nothing but its argument.
constexpr std::string_view kPlainTypes[] = {
    "bit",
    "bool",
    "box",
    "bpchar",
    "bytea",
    "char",
    "cidr",
    "circle",
    "float4",
    "float8",
    "inet",
    "int2",
    "int4",
    "int4multirange",
    "int4range",
    "int8",
    "int8multirange",
    "int8range",
    "interval",
    "json",
    "jsonb",
    "jsonpath",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "name",
    "numeric",
    "nummultirange",
    "numrange",
    "oid",
    "path",
    "pg_lsn",
    "point",
    "polygon",
    "text",
    "tsquery",
    "tsvector",
    "uuid",
    "varbit",
    "varchar",
};

// Those whose input knows 'now' and 'today'. timetz is not among them: without a date the day decides upon
// summer time.
constexpr std::string_view kMomentTypes[] = {
    "date",        "datemultirange", "daterange", "time",           "timestamp",
    "timestamptz", "tsmultirange",   "tsrange",   "tstzmultirange", "tstzrange",
};

// What ORDER BY, DISTINCT, GROUP BY, UNION, USING, CASE and alike call without naming it.
constexpr std::string_view kUnnamedOperators[] = {"<", "<=", "<>", "=", ">", ">="};

template <typename List>
bool contains(const List& list, std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

bool is_ascii(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

bool CatalogVocabulary::add(const wire::Row& row) {
  if (row.empty() || !row[0]) return false;
  const std::string& kind = *row[0];
  if (kind == "equality") {
    keys_compare_otherwise_ = true;
    return true;
  }
  if (row.size() < 3 || !row[1]) return false;
  const std::string& name = *row[1];
  const std::string marks = row[2].value_or("");
  if (kind == "function") {
    Function& function = functions_[name];
    function = {marks.starts_with('i'), marks.find('r') != marks.npos, marks.find('t') != marks.npos};
    has_foreign_row_function_ = has_foreign_row_function_ || (function.takes_row && !is_ascii(name));
  } else if (kind == "operator") {
    unknown_operators_.insert(name);
  } else if (kind == "type") {
    types_[name] = marks == "a" ? CastRule::any : marks == "c" ? CastRule::constants : CastRule::none;
  } else if (kind == "moment") {
    (marks == "function" ? moment_functions_ : moment_columns_).insert(name);
  } else if (kind == "everything") {
    refuse_everything(name);
  } else {
    return false;
  }
  return true;
}

std::string CatalogVocabulary::refusal(const sql::ReadShape& shape) const {
  if (!refusal_of_everything_.empty()) return refusal_of_everything_;
  for (const auto& name : shape.functions) {
    if (auto why = function_refusal(name); !why.empty()) return why;
  }
  if (auto why = operator_refusal(shape); !why.empty()) return why;
  if (auto why = cast_refusal(shape); !why.empty()) return why;
  if (turns_times_to_zones(shape) && makes_times(shape)) {
    return "AT TIME ZONE makes a time of day depend on the day";
  }
  return field_refusal(shape);
}

std::string CatalogVocabulary::function_refusal(std::string_view name) const {
  const auto found = functions_.find(name);
  if (found == functions_.end()) return fmt::format("there is no function {}()", name);
  if (!found->second.is_known) {
    return fmt::format("{}() may depend on more than its arguments", name);
  }
  return {};
}

std::string CatalogVocabulary::operator_refusal(const sql::ReadShape& shape) const {
  if (unknown_operators_.empty()) return {};
  for (const auto& name : unknown_operators_) {
    if (contains(shape.operators, name) || contains(kUnnamedOperators, name)) {
      return fmt::format("an operator {} of users may depend on more than its arguments", name);
    }
  }
  return {};
}

std::string CatalogVocabulary::cast_refusal(const sql::ReadShape& shape) const {
  for (const auto& type : shape.types) {
    if (cast_rule(type) == CastRule::none) {
      return fmt::format("a cast to {} may depend on more than what is cast", type);
    }
  }
  for (const auto& cast : shape.computed_casts) {
    if (cast_rule(cast.type) == CastRule::constants && !is_moment(cast)) {
      return fmt::format("what is cast to {} may be a word like 'today'", cast.type);
    }
  }
  return {};
}

CatalogVocabulary::CastRule CatalogVocabulary::cast_rule(const std::string& type) const {
  const bool is_plain = contains(kPlainTypes, type);
  const bool is_moment_type = contains(kMomentTypes, type);
  if (const auto found = types_.find(type); found != types_.end()) {
    return is_plain || is_moment_type ? CastRule::none : found->second;
  }
  if (is_plain) return CastRule::any;
  return is_moment_type ? CastRule::constants : CastRule::none;
}

/// Whether what is cast is a point in time already, and no text. Not for ranges: those are made of texts.
bool CatalogVocabulary::is_moment(const sql::ReadShape::ComputedCast& cast) const {
  return (!cast.column.empty() && moment_columns_.contains(cast.column)) ||
         (!cast.function.empty() && moment_functions_.contains(cast.function));
}

/// row.name and (…).name call functions where there is no such column.
std::string CatalogVocabulary::field_refusal(const sql::ReadShape& shape) const {
  for (const auto& name : shape.attributes) {
    if (functions_.contains(name) && !function_refusal(name).empty()) {
      return fmt::format("a field {} may be a call of {}()", name, name);
    }
  }
  for (const auto& name : shape.fields) {
    const auto found = functions_.find(name);
    if ((found != functions_.end() && found->second.takes_row) ||
        (has_foreign_row_function_ && !is_ascii(name))) {
      return fmt::format("a field {} may be a call of a function that depends on more than its row", name);
    }
  }
  return {};
}

bool CatalogVocabulary::turns_times_to_zones(const sql::ReadShape& shape) const {
  return contains(shape.functions, "timezone") || contains(shape.attributes, "timezone");
}

bool CatalogVocabulary::makes_times(const sql::ReadShape& shape) const {
  if (contains(shape.types, "time")) return true;
  return std::any_of(shape.functions.begin(), shape.functions.end(), [this](const std::string& name) {
    const auto found = functions_.find(name);
    return found != functions_.end() && found->second.makes_time;
  });
}

}  // namespace forebay::cache
