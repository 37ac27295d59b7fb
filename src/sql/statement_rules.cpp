#include "sql/statement_rules.hpp"

#include <algorithm>
#include <iterator>

namespace forebay::sql {
namespace {

struct Rule {
  std::string_view kind;
  Effects effects;
};

constexpr Effects kNothing;
constexpr Effects kDdl = Effect::writes | Effect::changes_schema;
constexpr Effects kInsert = Effect::writes | Effect::advances_sequence;
constexpr Effects kDrop = kDdl | Effect::drops_objects;
constexpr Effects kRoles = kDdl | Effect::changes_defaults;
constexpr Effects kDefaults = Effect::writes | Effect::changes_defaults;
constexpr Effects kDatabase = kDdl | Effect::changes_databases;
constexpr Effects kScript = kDdl | Effect::runs_code;  // runs SQL that somebody else wrote

// Every statement of
// https://git.postgresql.org/gitweb/?p=postgresql.git;a=blob;f=src/backend/parser/gram.y;hb=REL_15_STABLE
// FETCH and MOVE do what their DECLARE said. EXPLAIN and PREPARE add what the statement in them says.
constexpr Rule kRules[] = {
    {"AlterCollationStmt", kDdl},
    {"AlterDatabaseRefreshCollStmt", kDatabase},
    {"AlterDatabaseSetStmt", kDefaults},
    {"AlterDatabaseStmt", kDatabase},
    {"AlterDefaultPrivilegesStmt", kDdl},
    {"AlterDomainStmt", kDdl},
    {"AlterEnumStmt", kDdl},
    {"AlterEventTrigStmt", kDdl},
    {"AlterExtensionContentsStmt", kDdl},
    {"AlterExtensionStmt", kScript},
    {"AlterFdwStmt", kDdl},
    {"AlterForeignServerStmt", kDdl},
    {"AlterFunctionStmt", kDdl},
    {"AlterObjectDependsStmt", kDdl},
    {"AlterObjectSchemaStmt", kDdl},
    {"AlterOpFamilyStmt", kDdl},
    {"AlterOperatorStmt", kDdl},
    {"AlterOwnerStmt", kDdl},
    {"AlterPolicyStmt", kDdl},
    {"AlterPublicationStmt", kDdl},
    {"AlterRoleSetStmt", kDefaults},
    {"AlterRoleStmt", kRoles},
    {"AlterSeqStmt", kDdl},
    {"AlterStatsStmt", kDdl},
    {"AlterSubscriptionStmt", kDdl},
    {"AlterSystemStmt", kDefaults},
    {"AlterTSConfigurationStmt", kDdl},
    {"AlterTSDictionaryStmt", kDdl},
    {"AlterTableMoveAllStmt", kDdl},
    {"AlterTableSpaceOptionsStmt", kDdl},
    {"AlterTableStmt", kDdl},
    {"AlterTypeStmt", kDdl},
    {"AlterUserMappingStmt", kDdl},
    {"CallStmt", Effect::writes | Effect::runs_code},
    {"CheckPointStmt", Effect::writes},
    {"ClosePortalStmt", Effect::closes_cursor},
    {"ClusterStmt", kDdl},
    {"CommentStmt", kDdl},
    {"CompositeTypeStmt", kDdl},
    {"ConstraintsSetStmt", kNothing},
    {"CopyStmt", kNothing},
    {"CreateAmStmt", kDdl},
    {"CreateCastStmt", kDdl},
    {"CreateConversionStmt", kDdl},
    {"CreateDomainStmt", kDdl},
    {"CreateEnumStmt", kDdl},
    {"CreateEventTrigStmt", kDdl},
    {"CreateExtensionStmt", kScript},
    {"CreateFdwStmt", kDdl},
    {"CreateForeignServerStmt", kDdl},
    {"CreateForeignTableStmt", kDdl},
    {"CreateFunctionStmt", kDdl},
    {"CreateOpClassStmt", kDdl},
    {"CreateOpFamilyStmt", kDdl},
    {"CreatePLangStmt", kDdl},
    {"CreatePolicyStmt", kDdl},
    {"CreatePublicationStmt", kDdl},
    {"CreateRangeStmt", kDdl},
    {"CreateRoleStmt", kRoles},
    {"CreateSchemaStmt", kDdl},
    {"CreateSeqStmt", kDdl},
    {"CreateStatsStmt", kDdl},
    {"CreateStmt", kDdl},
    {"CreateSubscriptionStmt", kDdl},
    {"CreateTableAsStmt", kDdl},
    {"CreateTableSpaceStmt", kDdl},
    {"CreateTransformStmt", kDdl},
    {"CreateTrigStmt", kDdl},
    {"CreateUserMappingStmt", kDdl},
    {"CreatedbStmt", kDatabase},
    {"DeallocateStmt", Effect::deallocates},
    {"DeclareCursorStmt", kNothing},
    {"DefineStmt", kDdl},
    {"DeleteStmt", Effect::writes},
    {"DiscardStmt", kNothing},
    {"DoStmt", Effect::writes | Effect::runs_code},
    {"DropOwnedStmt", kDrop},
    {"DropRoleStmt", kRoles},
    {"DropStmt", kDrop},
    {"DropSubscriptionStmt", kDdl},
    {"DropTableSpaceStmt", kDdl},
    {"DropUserMappingStmt", kDdl},
    {"DropdbStmt", kDatabase},
    {"ExecuteStmt", Effect::writes | Effect::uses_prepared},
    {"ExplainStmt", kNothing},
    {"FetchStmt", kNothing},
    {"GrantRoleStmt", kRoles},
    {"GrantStmt", kDdl},
    {"ImportForeignSchemaStmt", kDdl},
    {"IndexStmt", kDdl},
    {"InsertStmt", kInsert},
    {"ListenStmt", Effect::listens},
    {"LoadStmt", Effect::loads_library},
    {"LockStmt", Effect::writes},
    {"MergeStmt", kInsert},
    {"NotifyStmt", Effect::writes},
    {"PrepareStmt", Effect::prepares},
    {"ReassignOwnedStmt", kDdl},
    {"RefreshMatViewStmt", kDdl},
    {"ReindexStmt", kDdl},
    {"RenameStmt", kDdl},
    {"ReplicaIdentityStmt", kDdl},
    {"ReturnStmt", kNothing},
    {"RuleStmt", kDdl},
    {"SecLabelStmt", kDdl},
    {"SelectStmt", kNothing},
    {"TransactionStmt", kNothing},
    {"TruncateStmt", Effect::writes},
    {"UnlistenStmt", Effect::unlistens},
    {"UpdateStmt", Effect::writes},
    {"VacuumStmt", Effect::writes},
    {"VariableSetStmt", kNothing},
    {"VariableShowStmt", Effect::reads_session_views},
    {"ViewStmt", kDdl},
};
static_assert(std::is_sorted(std::begin(kRules), std::end(kRules),
                             [](const Rule& a, const Rule& b) { return a.kind < b.kind; }));

}  // namespace

Effects statement_effects(std::string_view kind) {
  const auto* const found =
      std::lower_bound(std::begin(kRules), std::end(kRules), kind,
                       [](const Rule& rule, std::string_view name) { return rule.kind < name; });
  if (found == std::end(kRules) || found->kind != kind) return kScript;
  return found->effects;
}

}  // namespace forebay::sql
