#pragma once

#include <string>
#include <string_view>

namespace forebay::sql {

/// The word that a text begins with, behind brackets, in lower case; empty: none. Takes any bytes. Thread
/// safe.
std::string first_word(std::string_view text);

/// Whether a statement that begins so reads or writes rows: what PREPARE takes,
/// https://www.postgresql.org/docs/15/sql-prepare.html, and TABLE, which is a SELECT.
bool is_about_rows(std::string_view first_word);

}  // namespace forebay::sql
