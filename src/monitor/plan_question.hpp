#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/errand.hpp"

/// How a server is asked how it would run a statement of which only the text without values is known.
namespace forebay::monitor {

/// A text with $n in the place of its values, as it can be asked about.
struct Plannable {
  std::string text = {};
  std::uint32_t parameters = 0;
  bool is_plain_read = false;  ///< executing it changes nothing, and calls PostgreSQL's own functions alone
  bool calls_unknown = false;  ///< functions that are not PostgreSQL's own, which planning may run
  std::string why_not;         ///< in plain words; empty: it can be
};

/// `text` is one that the table of statements keeps. Allocates, and parses; thread safe.
Plannable plannable(std::string_view text);

/// One text of several statements whose answer is a plan in JSON. The transaction is read only, ends within
/// seconds, waits for no lock, and is rolled back. For any values: they are unknown to the planner, and
/// nothing is executed.
std::string plan_question(const Plannable& statement);

using Values = std::vector<std::optional<std::string>>;
/// With EXPLAIN ANALYZE, which executes it, with these values as texts; nothing stands for NULL.
std::string analyze_question(const Plannable& statement, const Values& values);

/// What is to become of the backend that was asked. An error leaves it in a transaction; and what a function
/// of somebody's has done while the text was planned, nobody knows.
engine::Errand::Afterwards afterwards(const Plannable& statement);

}  // namespace forebay::monitor
