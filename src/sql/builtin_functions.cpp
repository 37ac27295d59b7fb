#include "sql/builtin_functions.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace forebay::sql {
namespace {

constexpr std::string_view kNames[] = {
#include "sql/builtin_names.inc"
};
static_assert(std::is_sorted(std::begin(kNames), std::end(kNames)));

struct Stateful {
  std::string_view name;
  Effects effects;
};

// What the functions do: https://www.postgresql.org/docs/15/functions-admin.html, -functions-info.html,
// -functions-sequence.html, -functions-xml.html, -functions-textsearch.html, -lo-funcs.html,
// -monitoring-stats.html. set_config() has only its writing of random's seed and roles in its arguments: the
// tree walk looks at those.
constexpr Effects kWrites = Effect::writes;
constexpr Effects kSession = Effect::writes | Effect::reads_identity;
/// What only the end of the session ends: a base backup, a slot that may be temporary, an origin.
constexpr Effects kSessionForGood = kSession | Effect::hides_state;
constexpr Effects kLocks = Effect::writes | Effect::locks_session;
constexpr Effects kSequence = Effect::writes | Effect::advances_sequence;
constexpr Effects kRunsText = Effect::runs_code;
constexpr Effects kViews = Effect::reads_session_views;
constexpr Effects kCatalog = Effect::writes | Effect::changes_schema;

constexpr Stateful kStateful[] = {
    {"binary_upgrade_create_empty_extension", kCatalog},
    {"binary_upgrade_set_missing_value", kCatalog},
    {"binary_upgrade_set_next_array_pg_type_oid", kSession},
    {"binary_upgrade_set_next_heap_pg_class_oid", kSession},
    {"binary_upgrade_set_next_heap_relfilenode", kSession},
    {"binary_upgrade_set_next_index_pg_class_oid", kSession},
    {"binary_upgrade_set_next_index_relfilenode", kSession},
    {"binary_upgrade_set_next_multirange_array_pg_type_oid", kSession},
    {"binary_upgrade_set_next_multirange_pg_type_oid", kSession},
    {"binary_upgrade_set_next_pg_authid_oid", kSession},
    {"binary_upgrade_set_next_pg_enum_oid", kSession},
    {"binary_upgrade_set_next_pg_tablespace_oid", kSession},
    {"binary_upgrade_set_next_pg_type_oid", kSession},
    {"binary_upgrade_set_next_toast_pg_class_oid", kSession},
    {"binary_upgrade_set_next_toast_relfilenode", kSession},
    {"binary_upgrade_set_record_init_privs", kSession},
    {"brin_desummarize_range", kWrites},
    {"brin_summarize_new_values", kWrites},
    {"brin_summarize_range", kWrites},
    {"currval", Effect::reads_sequence_state},
    {"cursor_to_xml", kRunsText},
    {"cursor_to_xmlschema", kRunsText},
    {"database_to_xml", kRunsText},
    {"database_to_xml_and_xmlschema", kRunsText},
    {"database_to_xmlschema", kRunsText},
    {"gin_clean_pending_list", kWrites},
    {"inet_client_port", Effect::reads_identity},
    {"lastval", Effect::reads_sequence_state},
    {"lo_creat", kWrites},
    {"lo_create", kWrites},
    {"lo_export", kWrites},
    {"lo_from_bytea", kWrites},
    {"lo_import", kWrites},
    {"lo_open", kWrites},
    {"lo_put", kWrites},
    {"lo_truncate", kWrites},
    {"lo_truncate64", kWrites},
    {"lo_unlink", kWrites},
    {"lowrite", kWrites},
    {"nextval", kSequence},
    {"pg_advisory_lock", kLocks},
    {"pg_advisory_lock_shared", kLocks},
    {"pg_advisory_unlock", kLocks},
    {"pg_advisory_unlock_all", kLocks},
    {"pg_advisory_unlock_shared", kLocks},
    {"pg_advisory_xact_lock", kWrites},
    {"pg_advisory_xact_lock_shared", kWrites},
    {"pg_backend_pid", Effect::reads_identity},
    {"pg_backup_start", kSessionForGood},
    {"pg_backup_stop", kSession},
    {"pg_cancel_backend", kWrites},
    {"pg_copy_logical_replication_slot", kSessionForGood},
    {"pg_copy_physical_replication_slot", kSessionForGood},
    {"pg_create_logical_replication_slot", kSessionForGood},
    {"pg_create_physical_replication_slot", kSessionForGood},
    {"pg_create_restore_point", kWrites},
    {"pg_current_snapshot", kViews},
    {"pg_current_wal_flush_lsn", kWrites},
    {"pg_current_wal_insert_lsn", kWrites},
    {"pg_current_wal_lsn", kWrites},
    {"pg_current_xact_id", kWrites},
    {"pg_current_xact_id_if_assigned", kViews},
    {"pg_cursor", kViews},
    {"pg_drop_replication_slot", kSession},
    {"pg_export_snapshot", kWrites},
    {"pg_extension_config_dump", kCatalog},
    {"pg_get_backend_memory_contexts", kViews},
    {"pg_get_replication_slots", kViews},
    {"pg_import_system_collations", kCatalog},
    {"pg_is_in_recovery", kWrites},
    {"pg_is_other_temp_schema", Effect::reads_identity},
    {"pg_is_wal_replay_paused", kWrites},
    {"pg_last_committed_xact", kViews},
    {"pg_last_wal_receive_lsn", kViews},
    {"pg_last_wal_replay_lsn", kViews},
    {"pg_last_xact_replay_timestamp", kViews},
    {"pg_listening_channels", kViews},
    {"pg_lock_status", kViews},
    {"pg_log_backend_memory_contexts", kWrites},
    {"pg_logical_emit_message", kWrites},
    {"pg_logical_slot_get_binary_changes", kWrites},
    {"pg_logical_slot_get_changes", kWrites},
    {"pg_logical_slot_peek_binary_changes", kWrites},
    {"pg_logical_slot_peek_changes", kWrites},
    {"pg_ls_archive_statusdir", kWrites},
    {"pg_ls_dir", kWrites},
    {"pg_ls_logdir", kWrites},
    {"pg_ls_logicalmapdir", kWrites},
    {"pg_ls_logicalsnapdir", kWrites},
    {"pg_ls_replslotdir", kWrites},
    {"pg_ls_tmpdir", kWrites},
    {"pg_ls_waldir", kWrites},
    {"pg_my_temp_schema", Effect::reads_identity},
    {"pg_nextoid", kCatalog},
    {"pg_notify", kWrites},
    {"pg_prepared_statement", kViews},
    {"pg_prepared_xact", kViews},
    {"pg_promote", kWrites},
    {"pg_read_binary_file", kWrites},
    {"pg_read_file", kWrites},
    {"pg_read_file_old", kWrites},
    {"pg_reload_conf", kWrites},
    {"pg_replication_origin_advance", kWrites},
    {"pg_replication_origin_create", kWrites},
    {"pg_replication_origin_drop", kWrites},
    {"pg_replication_origin_session_is_setup", kSession},
    {"pg_replication_origin_session_progress", kSession},
    {"pg_replication_origin_session_reset", kSession},
    {"pg_replication_origin_session_setup", kSessionForGood},
    {"pg_replication_origin_xact_reset", kSession},
    {"pg_replication_origin_xact_setup", kSession},
    {"pg_replication_slot_advance", kWrites},
    {"pg_rotate_logfile", kWrites},
    {"pg_rotate_logfile_old", kWrites},
    {"pg_sequence_last_value", kViews},
    {"pg_show_all_settings", kViews},
    {"pg_stat_file", kWrites},
    {"pg_stat_force_next_flush", kSession},
    {"pg_stat_get_activity", kViews},
    {"pg_stat_get_backend_activity", kViews},
    {"pg_stat_get_backend_activity_start", kViews},
    {"pg_stat_get_backend_client_addr", kViews},
    {"pg_stat_get_backend_client_port", kViews},
    {"pg_stat_get_backend_dbid", kViews},
    {"pg_stat_get_backend_idset", kViews},
    {"pg_stat_get_backend_pid", kViews},
    {"pg_stat_get_backend_start", kViews},
    {"pg_stat_get_backend_userid", kViews},
    {"pg_stat_get_backend_wait_event", kViews},
    {"pg_stat_get_backend_wait_event_type", kViews},
    {"pg_stat_get_backend_xact_start", kViews},
    {"pg_stat_get_progress_info", kViews},
    {"pg_stat_get_xact_blocks_fetched", kViews},
    {"pg_stat_get_xact_blocks_hit", kViews},
    {"pg_stat_get_xact_function_calls", kViews},
    {"pg_stat_get_xact_function_self_time", kViews},
    {"pg_stat_get_xact_function_total_time", kViews},
    {"pg_stat_get_xact_numscans", kViews},
    {"pg_stat_get_xact_tuples_deleted", kViews},
    {"pg_stat_get_xact_tuples_fetched", kViews},
    {"pg_stat_get_xact_tuples_hot_updated", kViews},
    {"pg_stat_get_xact_tuples_inserted", kViews},
    {"pg_stat_get_xact_tuples_returned", kViews},
    {"pg_stat_get_xact_tuples_updated", kViews},
    {"pg_stat_reset", kWrites},
    {"pg_stat_reset_replication_slot", kWrites},
    {"pg_stat_reset_shared", kWrites},
    {"pg_stat_reset_single_function_counters", kWrites},
    {"pg_stat_reset_single_table_counters", kWrites},
    {"pg_stat_reset_slru", kWrites},
    {"pg_stat_reset_subscription_stats", kWrites},
    {"pg_stop_making_pinned_objects", kCatalog},
    {"pg_switch_wal", kWrites},
    {"pg_terminate_backend", kWrites},
    {"pg_try_advisory_lock", kLocks},
    {"pg_try_advisory_lock_shared", kLocks},
    {"pg_try_advisory_xact_lock", kWrites},
    {"pg_try_advisory_xact_lock_shared", kWrites},
    {"pg_wal_replay_pause", kWrites},
    {"pg_wal_replay_resume", kWrites},
    {"pg_walfile_name", kWrites},
    {"pg_walfile_name_offset", kWrites},
    {"query_to_xml", kRunsText},
    {"query_to_xml_and_xmlschema", kRunsText},
    {"query_to_xmlschema", kRunsText},
    {"schema_to_xml", kRunsText},
    {"schema_to_xml_and_xmlschema", kRunsText},
    {"schema_to_xmlschema", kRunsText},
    {"setseed", Effect::seeds_random},
    {"setval", kSequence},
    {"table_to_xml", kRunsText},
    {"table_to_xml_and_xmlschema", kRunsText},
    {"table_to_xmlschema", kRunsText},
    {"ts_rewrite", kRunsText},
    {"ts_stat", kRunsText},
    {"txid_current", kWrites},
    {"txid_current_if_assigned", kViews},
    {"txid_current_snapshot", kViews},
};
static_assert(std::is_sorted(std::begin(kStateful), std::end(kStateful),
                             [](const Stateful& a, const Stateful& b) { return a.name < b.name; }));
static_assert(std::all_of(std::begin(kStateful), std::end(kStateful), [](const Stateful& function) {
  return std::binary_search(std::begin(kNames), std::end(kNames), function.name);
}));

}  // namespace

std::optional<Effects> builtin_function(std::string_view name) {
  if (!std::binary_search(std::begin(kNames), std::end(kNames), name)) return std::nullopt;
  const auto* const found = std::lower_bound(
      std::begin(kStateful), std::end(kStateful), name,
      [](const Stateful& function, std::string_view wanted) { return function.name < wanted; });
  if (found == std::end(kStateful) || found->name != name) return Effects();
  return found->effects;
}

}  // namespace forebay::sql
