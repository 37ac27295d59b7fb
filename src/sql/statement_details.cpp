#include <string>
#include <utility>

#include "base/ascii.hpp"
#include "sql/code_scan.hpp"
#include "sql/tree.hpp"
#include "sql/tree_walk.hpp"

namespace forebay::sql {
namespace {

constexpr std::int64_t kHoldOption = 0x20;  // CURSOR_OPT_HOLD in PostgreSQL's src/include/nodes/parsenodes.h

/// Whether each transaction gives the setting its value.
bool starts_anew(std::string_view setting) {
  return setting == "transaction_isolation" || setting == "transaction_read_only" ||
         setting == "transaction_deferrable";
}

/// Whether SET search_path names pg_temp: what is created next may be temporary.
bool holds_temporary_schema(const boost::json::object& variable_set) {
  for (const boost::json::value& argument : tree::list(variable_set, "args")) {
    if (tree::constant_text(argument).find("pg_temp") != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

/// What the kind of a statement does not tell, see statement_effects().
void TreeWalk::details(std::string_view kind, const Object& body) {
  if (kind == "SelectStmt" || kind == "InsertStmt" || kind == "UpdateStmt" || kind == "DeleteStmt") return;
  if (kind == "TransactionStmt") return transaction(body);
  if (kind == "VariableSetStmt") return variable_set(body);
  if (kind == "DiscardStmt") return discard(body);
  if (kind == "CopyStmt") return copy(body);
  if (kind == "DropStmt") return drop(body);
  if (kind == "RenameStmt") return rename(body);
  if (kind == "CreatedbStmt") return create_database(body);
  if (kind == "DoStmt") return block(body);
  if (kind == "PrepareStmt" || kind == "ExecuteStmt") {
    add_name(verdict_.prepared_names, tree::text(body, "name"));
  } else if (kind == "DeallocateStmt") {
    const bool one = body.contains("name");
    add(one ? Effect::uses_prepared : Effect::deallocates_all);
    if (one) add_name(verdict_.prepared_names, tree::text(body, "name"));
  } else if (kind == "DeclareCursorStmt") {
    if ((tree::number(body, "options") & kHoldOption) != 0) add(Effect::holds_cursor);
  } else if (kind == "TruncateStmt") {
    if (tree::flag(body, "restart_seqs")) add(Effect::advances_sequence);
    if (tree::text(body, "behavior") == "DROP_CASCADE") add(Effect::cascades);
  } else if (kind == "DropdbStmt" || kind == "AlterDatabaseStmt" || kind == "AlterDatabaseRefreshCollStmt") {
    add_name(verdict_.databases, tree::text(body, "dbname"));
  }
}

void TreeWalk::transaction(const Object& body) {
  const std::string_view kind = tree::text(body, "kind");
  if (kind == "TRANS_STMT_BEGIN" || kind == "TRANS_STMT_START") {
    add(Effect::begins_transaction);
  } else if (kind == "TRANS_STMT_COMMIT" || kind == "TRANS_STMT_ROLLBACK") {
    add(Effect::ends_transaction);
    if (tree::flag(body, "chain")) add(Effect::begins_transaction);
  } else if (kind == "TRANS_STMT_PREPARE") {
    add(Effect::writes | Effect::ends_transaction);
  } else if (kind == "TRANS_STMT_COMMIT_PREPARED") {
    // Of whatever was prepared, a change of the schema too.
    add(Effect::writes | Effect::changes_schema);
  } else if (kind == "TRANS_STMT_ROLLBACK_PREPARED") {
    add(Effect::writes);
  } else if (kind != "TRANS_STMT_SAVEPOINT" && kind != "TRANS_STMT_RELEASE" &&
             kind != "TRANS_STMT_ROLLBACK_TO") {
    add(Effect::writes | Effect::begins_transaction | Effect::ends_transaction);
  }
}

void TreeWalk::variable_set(const Object& body) {
  const std::string_view kind = tree::text(body, "kind");
  const std::string_view name = tree::text(body, "name");
  if (kind == "VAR_RESET_ALL") {
    add(Effect::resets_all | Effect::changes_lexing);
  } else if (kind != "VAR_SET_MULTI") {
    setting(name, tree::flag(body, "is_local"));
    if (lower_case(name) == "search_path" && holds_temporary_schema(body)) add(Effect::makes_temporary);
  } else if (name == "SESSION CHARACTERISTICS") {
    for (const Value& mode : tree::list(body, "args")) {
      if (const Object* element = tree::node(mode, "DefElem")) {
        setting("default_" + std::string(tree::text(*element, "defname")), false);
      }
    }
  }
}

/// A setting gets another value, until the transaction ends when it is local.
void TreeWalk::setting(std::string_view written, bool local) {
  std::string name = lower_case(written);
  if (name == "standard_conforming_strings" || name == "client_encoding") add(Effect::changes_lexing);
  if (name == "seed") {
    add(Effect::seeds_random);  // the numbers drawn from it stay, whatever becomes of the setting
  } else if (local) {
    add(Effect::sets_locally);
  } else if (starts_anew(name)) {
    return;
  } else if (name == "session_authorization") {
    add(Effect::sets_authorization);
  } else {
    add(Effect::sets_setting);
    verdict_.settings.push_back(std::move(name));
  }
}

void TreeWalk::discard(const Object& body) {
  const std::string_view target = tree::text(body, "target");
  if (target == "DISCARD_TEMP") {
    add(Effect::drops_objects);
  } else if (target == "DISCARD_SEQUENCES") {
    add(Effect::reads_sequence_state);
  } else if (target != "DISCARD_PLANS") {
    add(Effect::resets_all | Effect::changes_lexing | Effect::discards_all | Effect::deallocates |
        Effect::deallocates_all);
  }
}

/// DO: what is in the block is read as code is, see code_scan.hpp.
void TreeWalk::block(const Object& body) {
  for (const Value& argument : tree::list(body, "args")) {
    const Object* element = tree::node(argument, "DefElem");
    if (element == nullptr || tree::text(*element, "defname") != "as") continue;
    const Value* source = element->if_contains("arg");
    if (source == nullptr) continue;
    CodeFacts facts = read_code(tree::name(*source));
    add(facts.effects);
    if (facts.settings.empty()) continue;
    add(Effect::sets_setting);
    for (std::string& name : facts.settings) verdict_.settings.push_back(std::move(name));
  }
}

void TreeWalk::copy(const Object& body) {
  if (tree::flag(body, "is_from")) add(Effect::writes | Effect::advances_sequence);
  if (tree::flag(body, "is_program")) add(Effect::writes | Effect::runs_code);
  if (body.contains("filename")) add(Effect::writes);  // on the server's disk
}

void TreeWalk::drop(const Object& body) {
  for (const Value& object : tree::list(body, "objects")) {
    const Object* list = tree::node(object, "List");
    if (list == nullptr) continue;
    const auto& names = tree::list(*list, "items");
    if (!names.empty()) add_name(verdict_.relations, tree::name(names.back()));
  }
}

void TreeWalk::rename(const Object& body) {
  const std::string_view type = tree::text(body, "renameType");
  if (type == "OBJECT_DATABASE") {
    add(Effect::changes_databases);
    add_name(verdict_.databases, tree::text(body, "subname"));
  } else if (type == "OBJECT_ROLE") {
    add(Effect::changes_defaults);
  }
}

void TreeWalk::create_database(const Object& body) {
  std::string_view source = "template1";
  for (const Value& option : tree::list(body, "options")) {
    const Object* element = tree::node(option, "DefElem");
    if (element == nullptr || tree::text(*element, "defname") != "template") continue;
    const Value* value = element->if_contains("arg");
    if (value != nullptr) source = tree::name(*value);
  }
  add_name(verdict_.databases, tree::text(body, "dbname"));
  add_name(verdict_.databases, source);
}

}  // namespace forebay::sql
