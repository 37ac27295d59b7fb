#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.hpp"
#include "sql/verdict.hpp"
#include "wire/protocol.hpp"

namespace forebay::engine {

/// Statements up to this size are read whole, judged and, when prepared, remembered. Longer ones flow through
/// and count as unknown: the client keeps its backend until a look at the session shows that nothing is left.
inline constexpr std::size_t kMaxJudged = 32 * 1024;

/// What is known of a text that is too long to be judged.
inline const sql::Verdict& unknown_verdict() {
  static const sql::Verdict verdict = [] {
    sql::Verdict unknown;
    unknown.effects = sql::Effect::unparsable | sql::Effect::writes | sql::Effect::runs_code;
    unknown.statements = 1;
    return unknown;
  }();
  return verdict;
}

inline std::string_view body_of(const std::byte* at, std::size_t total) {
  return as_text({at + wire::kHeaderSize, total - wire::kHeaderSize});
}

}  // namespace forebay::engine
