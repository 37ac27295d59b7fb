#pragma once

#include <string>
#include <string_view>

namespace forebay::engine {

/// Questions to a database's catalog about the code in it. Every name and operator is qualified, because they
/// are asked in sessions with any search_path. Every role may read these catalogs.

/// One row: a text that differs when code was added, changed or dropped, and kDefaultsFingerprint. Reads the
/// catalogs' rows but no source: about a millisecond for a thousand relations.
std::string code_fingerprint_question();
/// An expression for the part of that text which stands before its first slash: the functions.
std::string functions_fingerprint();

/// Rows of site, name, language, source (see SessionCode). Language is sql, plpgsql …; `default` for
/// expressions that give a column its value; `relation` where the source is the name of another relation,
/// whose code runs as well.
std::string_view code_question();

}  // namespace forebay::engine
