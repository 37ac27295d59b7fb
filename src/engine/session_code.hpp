#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "backend/backend.hpp"
#include "sql/code_scan.hpp"
#include "sql/verdict.hpp"

namespace forebay::engine {

/// What code that is kept in a database may do to the session of whoever uses it: triggers, rules, defaults,
/// constraints, policies, index expressions, views, functions behind operators and casts, event triggers.
///
/// Made from the rows of kCodeQuestion. Names stand for things: schemas are left out, and functions of one
/// name are one, so that it errs to the side of doubt. Immutable once made; then safe to share between
/// threads.
class SessionCode {
 public:
  /// Where a piece of code runs.
  enum class Site : std::uint8_t {
    function,  ///< when the function is called
    read,      ///< when the relation is used at all: views, policies
    write,     ///< when the relation is written to: triggers, rules, defaults, constraints, indexes
    ddl,       ///< event triggers
    anywhere,  ///< behind operators, casts and types, which a statement's text does not name
  };

  SessionCode() = default;
  /// Each row is site, name, language, source. Costs about a millisecond for 100 kB of sources.
  explicit SessionCode(const backend::Rows& rows);

  /// No code in the database changes sessions.
  bool empty() const { return empty_; }
  bool has_sequences() const { return !sequences_.empty(); }
  /// Whether a statement names a sequence, or a view that reads one: what there is to be seen of it only the
  /// primary knows. A replica is told of 32 numbers at once, ahead of those that have been drawn.
  bool reads_sequence(const sql::Verdict& verdict) const;
  /// What the code that a statement reaches may do, beside what its own text says.
  sql::Effects effects_of(const sql::Verdict& verdict) const;
  /// Names, with a dot, of settings that the code may set.
  const std::vector<std::string>& settings() const { return settings_; }

 private:
  struct Piece {
    Site site;
    std::string name;
    sql::Effects effects;
    std::vector<std::string> names;  ///< of functions and relations that it mentions
    bool may_write = false;
    bool writes_anywhere = false;
  };
  using ByName = std::unordered_map<std::string, sql::Effects>;

  using Names = std::unordered_set<std::string>;

  /// Functions that may write, by themselves or by what they call.
  static Names writers_among(const std::vector<Piece>& pieces);
  void close_over(const std::vector<Piece>& pieces);
  void find_views_of_sequences(const std::vector<Piece>& pieces);
  sql::Effects reached_by(const Piece& piece) const;
  sql::Effects& of_site(const Piece& piece);
  static sql::Effects find(const ByName& map, const std::string& name);

  Names sequences_;  ///< and views that read them
  ByName functions_;
  ByName reads_;
  ByName writes_;
  /// By sql::hash_of_name(): functions that a statement may call by what looks like one of PostgreSQL's own
  /// or like a column.
  std::vector<std::pair<std::uint32_t, sql::Effects>> lookalikes_;
  sql::Effects ddl_;
  sql::Effects anywhere_;
  sql::Effects all_writes_;
  std::vector<std::string> settings_;
  bool empty_ = true;
};

}  // namespace forebay::engine
