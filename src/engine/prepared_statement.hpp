#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "backend/session_settings.hpp"
#include "base/bytes.hpp"
#include "sql/fingerprint.hpp"
#include "sql/verdict.hpp"

namespace forebay::engine {

/// A statement prepared through the protocol: text, parameter types and what is known of it. Clients that
/// prepare the same text under whatever name share one, so a backend prepares it once. Immutable.
struct PreparedStatement {
  std::uint64_t id;          ///< unique in the process, never reused, never 0
  std::string backend_name;  ///< what it is called on backends
  std::string text;
  std::string parameter_types;  ///< as sent: four bytes each
  sql::Effects effects;
  sql::Fingerprint fingerprint;
  bool is_shared = false;  ///< with other clients, perhaps
  std::uint64_t hash = 0;  ///< statement_hash() of text and types; 0: it is asked for too seldom
  /// parsing_settings() when the client prepared it; nothing when they were not known then.
  std::optional<std::string> settings;
  /// No code that is not known has run before on a backend of the client's, so those were all its settings.
  bool are_settings_certain = false;
  bool may_have_outer_comment = false;  ///< as engine/trace_comment.hpp says it of the text
};

using PreparedStatementPtr = std::shared_ptr<const PreparedStatement>;

/// Names of ours on backends start with this. Partly random, so that no client can name another's statement.
const std::string& backend_name_prefix();
std::string backend_name(std::uint64_t id);

/// What decides, beside text and types, whether two clients' statements are one: a text can mean different
/// things under other settings, in another database or profile, and before and after a schema change. What a
/// literal stands for is settled when it is parsed: '01/02/2024' by DateStyle, a timestamptz by TimeZone.
struct PreparedScope {
  const void* pool = nullptr;
  const void* profile = nullptr;
  std::uint64_t schema_epoch = 0;
  std::uint64_t defaults_generation = 0;
  std::string_view settings;  ///< parsing_settings()
};

/// Those of a session's settings that a text may be understood or planned by, as bytes to compare: all but
/// what certainly has nothing to do with it.
std::string parsing_settings(const backend::SessionSettingsPtr& settings);

/// The part of a cache::Key's hash that is of the statement.
std::uint64_t statement_hash(std::string_view text, std::string_view parameter_types);

/// Later statements have this number or a higher one. Thread safe.
std::uint64_t next_statement_id();

/// The shared statement. Thread safe; takes a lock, once per Parse of a named statement.
PreparedStatementPtr intern_statement(std::string_view text, Bytes parameter_types, sql::Effects effects,
                                      const sql::Fingerprint& fingerprint, const PreparedScope& scope);
/// One that is shared with nobody.
PreparedStatementPtr private_statement(std::string_view text, Bytes parameter_types, sql::Effects effects,
                                       const sql::Fingerprint& fingerprint = {},
                                       std::optional<std::string> settings = {},
                                       bool are_settings_certain = false);

/// Counts schema changes made through this process. Thread safe.
std::uint64_t schema_epoch();
void advance_schema_epoch();

}  // namespace forebay::engine
