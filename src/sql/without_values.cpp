#include "sql/without_values.hpp"

#include <cstddef>
#include <memory>

#include <pg_query.h>

namespace forebay::sql {

namespace {

/// libpg_query recurses; so much text needs half a megabyte of stack at most (parse.cpp).
constexpr std::size_t kLongest = 4 * 1024;

}  // namespace

std::string without_values(std::string_view text) {
  if (text.size() > kLongest) return {};
  PgQueryNormalizeResult result = pg_query_normalize(std::string(text).c_str());
  const std::unique_ptr<PgQueryNormalizeResult, void (*)(PgQueryNormalizeResult*)> freed(
      &result, [](PgQueryNormalizeResult* done) { pg_query_free_normalize_result(*done); });
  if (result.error != nullptr || result.normalized_query == nullptr) return {};
  return result.normalized_query;
}

}  // namespace forebay::sql
