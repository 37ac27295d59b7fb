#include "sql/verdict.hpp"

#include <exception>

#include "sql/canonical.hpp"
#include "sql/parse.hpp"
#include "sql/tree_walk.hpp"

namespace forebay::sql {
namespace {

Verdict unparsable() {
  Verdict verdict;
  verdict.effects = Effect::unparsable;
  return verdict;
}

}  // namespace

Verdict analyse(std::string_view text) {
  try {
    const auto canonical = canonical_text(text);
    if (!canonical) return unparsable();
    TreeWalk walk;
    const bool parsed = parse_statements(*canonical, [&walk](const boost::json::value& statement) {
      walk.statement(statement);
      return true;
    });
    return parsed ? walk.take() : unparsable();
  } catch (const std::exception&) {  // no memory left
    return unparsable();
  }
}

}  // namespace forebay::sql
