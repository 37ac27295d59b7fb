#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "engine/value_hash.hpp"

namespace forebay::engine {

/// Looks for where the values of a repeated statement come from: remembers hashes of the values that the
/// results of a window have shown, by column, and compares the parameters with them that come later.
///
/// Of the last eight statements, up to a thousand different values of sixteen columns each. Statements are
/// named by numbers of the owner's. Used by one thread.
class RepetitionWatch {
 public:
  static constexpr std::size_t kMostStatements = 8;
  static constexpr std::size_t kMostValues = 1024;
  static constexpr std::size_t kMostColumns = 16;
  static constexpr std::size_t kMostParameters = 8;

  /// The body of a RowDescription, of rows that are still to come.
  void note_columns(std::string_view body);
  /// The body of a DataRow of this statement. Broken ones are passed over.
  void note_row(std::uint64_t statement, std::string_view body);
  /// A read has been answered.
  void note_done(std::uint64_t statement);
  /// A statement that repeats is run with these values; 0: NULL.
  void note_execution(std::uint64_t statement, const std::vector<ValueHash>& parameters);

  struct Source {
    std::uint64_t statement;
    std::string column;     ///< its name, or its number, from 1 on
    std::size_t parameter;  ///< from 0 on
  };

  /// What shows most of the values of the one parameter that differs. `is_strict`: the earlier statement must
  /// have been run at most half as often.
  std::optional<Source> source_of(std::uint64_t statement, bool is_strict) const;

  /// How often it was run while this looked.
  std::uint32_t executions_of(std::uint64_t statement) const;

 private:
  struct Column {
    std::string name;
    std::uint32_t type = 0;
    bool is_binary = false;
  };
  struct Result {
    std::uint64_t statement = 0;
    std::uint32_t executions = 0;
    std::uint32_t used_at = 0;
    std::vector<Column> columns;                                 ///< empty: not told
    boost::unordered_flat_map<ValueHash, std::uint16_t> values;  ///< and in which columns they stood
    std::array<std::uint32_t, kMostColumns> different_in_column{};
  };
  struct Parameter {
    std::uint64_t statement = 0;
    std::size_t number = 0;
    ValueHash last = 0;
    std::uint32_t executions = 0;
    std::uint32_t changes = 0;  ///< to another value
  };
  /// How often a parameter's values were there in the columns of a result.
  struct Match {
    std::uint64_t statement = 0;
    std::size_t parameter = 0;
    std::uint64_t source = 0;
    std::array<std::uint32_t, kMostColumns> found{};
  };

  Result& result_of(std::uint64_t statement);
  const Result* find_result(std::uint64_t statement) const;
  ValueHash hash_in(const Result& result, std::size_t column, std::string_view bytes) const;
  void note_value(Result& result, std::size_t column, ValueHash hash);
  Parameter& parameter_of(std::uint64_t statement, std::size_t number);
  void match(std::uint64_t statement, std::size_t number, const Result& result, ValueHash hash);

  std::uint32_t clock_ = 0;
  std::vector<Column> told_;  ///< by the last RowDescription, until a row comes
  std::vector<Result> results_;
  std::vector<Parameter> parameters_;
  std::vector<Match> matches_;
};

}  // namespace forebay::engine
