#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/statement_order.hpp"
#include "monitor/history.hpp"

namespace forebay::http {

/// What may stand behind the question mark of a request: handlers read it, and the document of the API tells
/// it.
struct QueryKey {
  std::string_view name;
  std::string_view type;  ///< in JSON's words
  std::string_view help;
  /// Of a number; 0: none is known beforehand.
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  const std::vector<std::string_view>& (*values)() = nullptr;  ///< one of these; null: whatever is meant
};

inline constexpr std::uint64_t kMostStatementsTold = 500;

inline constexpr QueryKey kStatementsQuery[] = {
    {"limit", "integer", "How many statements.", 1, kMostStatementsTold},
    {"order", "string", "What the first have most of.", 0, 0, engine::names_of_orders},
    {"database", "string", "Only those of this one of clients' databases."},
};
inline constexpr QueryKey kHistoryQuery[] = {
    {"series", "string", "Names of figures, with commas between them."},
    {"seconds", "integer", "How far back.", 1, monitor::kResolutions.back().span()},
};

}  // namespace forebay::http
