#pragma once

#include <boost/json/object.hpp>

#include "engine/repetition.hpp"
#include "engine/statement_table.hpp"
#include "pgfront/statement_report.hpp"

/// Statements as they are told wherever they are.
namespace forebay::http {

boost::json::object to_json(const engine::StatementTable::Row& row, TimePoint now);
boost::json::object to_json(const engine::Repetition& repetition, TimePoint now);

/// What a statement is called in paths: its fingerprint, and behind a hyphen the database, with percent signs
/// for what a path may not hold.
std::string id_of(const engine::StatementTable::Name& name);
/// Nothing for what is none.
std::optional<pgfront::StatementName> name_of(std::string_view id);

}  // namespace forebay::http
