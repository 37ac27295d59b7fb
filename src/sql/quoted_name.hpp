#pragma once

#include <string>
#include <string_view>

namespace forebay::sql {

/// A name of a database, a schema, a relation or a column as SQL has to write it: in double quotes where it
/// is not of small letters, digits and underscores, or is a key word that cannot stand alone
/// (https://www.postgresql.org/docs/15/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS). Thread safe.
std::string quoted_name(std::string_view name);

}  // namespace forebay::sql
