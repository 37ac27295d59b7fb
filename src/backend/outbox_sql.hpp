#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// The outbox as SQL: a table in the schema `forebay` to which statement triggers write which relations a
/// transaction changes. docs/freshness.md says why that is enough. All names are qualified.
namespace forebay::backend::outbox {

/// Makes what all relations have in common; nothing happens to what is there.
std::vector<std::string> base_statements();
/// Removes it, once no trigger is left.
std::vector<std::string> base_removal_statements();
/// Makes the trigger of a relation, in the place of one that is not as it should be. `relation` is quoted.
std::string trigger_statement(std::string_view relation);
/// Both are quoted.
std::string trigger_removal_statement(std::string_view trigger, std::string_view relation);

/// Answers with one row: why the outbox cannot be used, for people; empty when it can.
std::string facts_question();
/// Answers with one row: why the schema `forebay` is not to be trusted, for people; empty when it is, or when
/// there is none.
std::string_view foreign_question();
/// All triggers of ours; each row: their name and that of their relation, quoted.
std::string_view triggers_question();
/// The tables that may have a trigger; each row: quoted name with its schema, name, schema, and: `good` when
/// it has ours, `wrong` when that is not as it should be, `subscribed` when a subscription writes to it past
/// statement triggers, else `none`.
std::string_view tables_question();

/// What is visible now and was not in the snapshot that is the parameter. Each row: the present snapshot,
/// whether nothing of it has been removed, and the name of a relation that has changed as the change stream
/// prints it; NULL in a single row when there is none.
std::string_view poll_question();
/// How many rows one removal_question() takes away at most.
inline constexpr std::size_t kRemovedAtOnce = 2000;
/// Removes what transactions below the parameter have written. One row: how many rows, and the number below
/// which all transactions have ended by now.
std::string removal_question();

}  // namespace forebay::backend::outbox
