#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/bytes.hpp"
#include "sql/verdict.hpp"

namespace forebay::engine {

/// A statement prepared through the protocol: text, parameter types and what is known of it. Clients that
/// prepare the same text under whatever name share one, so a backend prepares it once. Immutable.
struct PreparedStatement {
  std::uint64_t id;  ///< unique in the process, never reused, never 0
  std::string text;
  std::string parameter_types;  ///< as sent: four bytes each
  sql::Effects effects;

  /// Its name on backends.
  std::string backend_name() const;
};

using PreparedStatementPtr = std::shared_ptr<const PreparedStatement>;

/// Names of ours on backends start with this.
inline constexpr std::string_view kBackendNamePrefix = "_fb";

/// What decides, beside text and types, whether two clients' statements are one: a text can mean different
/// things under another search_path, in another database or profile, and before and after a schema change.
struct PreparedScope {
  const void* pool = nullptr;
  const void* profile = nullptr;
  std::uint64_t schema_epoch = 0;
  std::string_view search_path;
};

/// The shared statement. Thread safe; takes a lock, once per Parse of a named statement.
PreparedStatementPtr intern_statement(std::string_view text, Bytes parameter_types, sql::Effects effects,
                                      const PreparedScope& scope);
/// One that is shared with nobody.
PreparedStatementPtr private_statement(std::string_view text, Bytes parameter_types, sql::Effects effects);

/// Counts schema changes made through this process. Thread safe.
std::uint64_t schema_epoch();
void advance_schema_epoch();

/// The statements that one client has prepared, by the client's names, and its unnamed statement.
class PreparedStatements {
 public:
  /// Null when the client has none of that name.
  const PreparedStatementPtr* find(std::string_view name) const;
  std::size_t size() const { return named_.size(); }

  /// Notes a Parse whose outcome is open.
  void add(std::string_view name, PreparedStatementPtr statement);
  void erase(std::string_view name);
  void erase_all();
  /// Takes a name out whose Close has been accepted but may still be skipped by the server.
  void close(std::string_view name);
  void reopen(std::uint64_t id);
  void forget_closed() { closed_.clear(); }
  void forget_names() { former_names_.clear(); }
  /// Outcomes, in the order of the Parses.
  void confirm(std::uint64_t id);
  void undo(std::uint64_t id);
  /// The client's name for a statement, also for one that was taken out since the last forget_names(); empty
  /// when it has none.
  std::string_view name_of(std::uint64_t id) const;

  template <class Visitor>
  void each(Visitor visit) const {
    for (const auto& [name, entry] : named_) visit(name, entry.statement);
  }

  const PreparedStatementPtr& unnamed() const { return unnamed_; }
  void set_unnamed(PreparedStatementPtr statement) { unnamed_ = std::move(statement); }

 private:
  struct Entry {
    PreparedStatementPtr statement;
    std::uint64_t unconfirmed = 0;  ///< order of the Parse while its outcome is open, then 0
  };
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  using Named = boost::unordered_flat_map<std::string, Entry, NameHash, std::equal_to<>>;

  Named::iterator first_unconfirmed(std::uint64_t id);
  void take_out(Named::iterator at);

  Named named_;
  std::vector<std::pair<std::string, PreparedStatementPtr>> closed_;  ///< in this batch
  std::vector<std::pair<std::uint64_t, std::string>> former_names_;   ///< the server may still speak of them
  std::uint64_t parses_ = 0;
  std::uint32_t open_outcomes_ = 0;
  PreparedStatementPtr unnamed_;
};

}  // namespace forebay::engine
