#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "history.hpp"
#include "session.hpp"

namespace checker {

using Random = std::mt19937_64;

int below(Random& random, int limit);

/// How a family's rows are told apart: by a number, or by something made from it.
enum class KeyStyle { number, text, uuid };

struct Family;

/// One thing that has a version: usually a row.
struct Register {
  Register(const Family& family_, int number_) : family(family_), number(number_) {}

  const Family& family;
  const int number;  ///< from 1 on; column n of its row
  History history;

  std::string name() const;
  /// The value of its row's key.
  std::string key() const;
};

/// What came of a write: where it was acknowledged matters.
struct Outcome {
  Fate fate = Fate::pending;
  Route route = Route::around;
  std::optional<Version> own_read = std::nullopt;  ///< what it saw itself before it was acknowledged
};

struct Attempt {
  Session& session;  ///< the way that was chosen
  Session& other;    ///< the other way
  Register& target;
  Version version;
  Random& random;
};

/// A way to give a register a new version.
struct Path {
  const char* name;
  std::function<Outcome(const Attempt&)> run;
  bool runs_code = false;  ///< DO, CALL, EXECUTE, functions: Forebay may treat such a client with more
                           ///< caution from then on
};

/// Registers that are read and written by the same statements.
struct Family {
  std::string table;
  KeyStyle key_style = KeyStyle::number;
  int registers = 1;
  /// Texts with {key}, {n} and {upto} where values go. Their rows begin with a register's number; every
  /// further column is its version.
  std::vector<std::string> reads{};
  std::vector<Path> paths{};
  std::vector<Path> odd_paths{};  ///< of what comes and goes: odd versions are there, even ones are not
  bool for_limited = false;       ///< read by the role that rights are given to and taken from
  bool prepared_is_safe = true;   ///< PostgreSQL itself answers prepared statements rightly
  bool runs_code = false;         ///< to read it means to call a function of a user
  bool is_catalog = false;        ///< written by DDL, GRANT and the like alone
  bool obeys_snapshots = true;    ///< what DDL changes, an old snapshot sees changed

  bool comes_and_goes() const { return !odd_paths.empty(); }
};

/// All registers. The schema is world.sql.
class World {
 public:
  /// lasting: without writes whose acknowledgement a crash of the server may undo (synchronous_commit = off).
  explicit World(bool lasting);
  World(const World&) = delete;

  std::vector<std::unique_ptr<Register>>& registers() { return registers_; }
  /// Null when there is none of this number.
  Register* find(const Family& family, std::int64_t number);

 private:
  std::vector<std::unique_ptr<Family>> families_;
  std::vector<std::unique_ptr<Register>> registers_;
};

/// Rows of plain tables, which every kind of DML can write.
std::vector<Family> plain_families(bool lasting);
/// What needs statements of its own: DDL, rights, policies, TRUNCATE, partitions, pairs of rows.
std::vector<Family> special_families();

/// A read of this register in one of its family's shapes.
Query read_query(const Register& target, const std::string& shape);

}  // namespace checker
