#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "engine/statement_key.hpp"

namespace forebay::engine {

/// What makes statements belong together: a transaction, one client that does not pause, or one trace.
enum class RepetitionPlace : std::uint8_t { transaction = 1, client = 2, trace = 4 };

/// Other values each time, perhaps from an earlier result, which one statement could ask for at once; or the
/// same values again, which could be kept.
enum class RepetitionKind : std::uint8_t { n_plus_one, duplicate };
inline constexpr std::size_t kRepetitionKinds = 2;

std::string_view name_of(RepetitionKind kind);

/// What a statement's repetitions of one kind have come to.
struct RepetitionFigures {
  std::uint64_t windows = 0;     ///< in which it has repeated
  std::uint64_t executions = 0;  ///< in these
  std::uint64_t most = 0;        ///< executions in one window
  std::uint64_t micros = 0;      ///< that servers took for them
  TimePoint first_seen = TimePoint::max();
  TimePoint last_seen{};

  RepetitionFigures& operator+=(const RepetitionFigures& other);
};

/// Where the values of a repeated statement come from: a column of an earlier result.
struct RepetitionSource {
  sql::Fingerprint fingerprint;
  std::string text;    ///< of the earlier statement; empty: not known
  std::string column;  ///< its name; where that was not told its number, from 1 on
  int parameter = 0;   ///< of the repeated statement, as numbered in its text without values; 0: not known
};

/// A statement that repeats, as one thread knows it.
struct Repetition {
  sql::Fingerprint fingerprint;
  std::string_view database;  ///< lives as long as the process
  RepetitionKind kind = RepetitionKind::n_plus_one;
  std::string text;  ///< without its values
  RepetitionFigures figures;
  std::uint8_t places = 0;  ///< RepetitionPlace, added up
  RepetitionSource source;
  std::string rewrite;  ///< that asks for all values at once; empty: none is known
  bool is_confirmed() const { return source.parameter != 0; }
};

/// How many windows had a repetition of each kind, since the start.
struct RepetitionCount {
  std::string_view database;  ///< lives as long as the process
  std::array<std::uint64_t, kRepetitionKinds> windows{};
};

}  // namespace forebay::engine
