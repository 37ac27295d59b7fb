#include "sql/batched_lookup.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

#include "base/ascii.hpp"
#include "sql/equalities.hpp"
#include "sql/lexer.hpp"
#include "sql/parse.hpp"
#include "sql/quoted_name.hpp"
#include "sql/read_shape_text.hpp"
#include "sql/tree.hpp"

namespace forebay::sql {
namespace {

using Object = boost::json::object;
using Value = boost::json::value;

constexpr std::string_view kAggregates[] = {"array_agg", "avg",        "bool_and",  "bool_or", "count",
                                            "every",     "json_agg",   "jsonb_agg", "max",     "min",
                                            "stddev",    "string_agg", "sum",       "variance"};

/// Whether there is a call, outside of subqueries, that `fits`.
bool any_call(const Value& value, const std::function<bool(const Object&)>& fits) {
  if (value.is_array()) {
    return std::ranges::any_of(value.get_array(), [&](const Value& each) { return any_call(each, fits); });
  }
  if (!value.is_object()) return false;
  return std::ranges::any_of(value.get_object(), [&](const auto& member) {
    if (member.key() == "SubLink") return false;
    if (member.key() == "FuncCall" && member.value().is_object() && fits(member.value().get_object()))
      return true;
    return any_call(member.value(), fits);
  });
}

bool is_window_call(const Object& call) {
  return call.contains("over");
}

bool is_aggregate(const Object& call) {
  const auto& names = tree::list(call, "funcname");
  return !names.empty() && std::ranges::find(kAggregates, tree::name(names.back())) != std::end(kAggregates);
}

bool can_be_batched(const Object& select) {
  if (tree::text(select, "op") != "SETOP_NONE" || tree::list(select, "targetList").empty()) return false;
  for (const char* clause : {"groupClause", "havingClause", "limitOffset", "lockingClause", "intoClause"}) {
    if (select.contains(clause)) return false;
  }
  const auto& distinct = tree::list(select, "distinctClause");
  if (!distinct.empty() && distinct.front().is_object() && !distinct.front().get_object().empty())
    return false;
  return !any_call(select, is_window_call);
}

/// Empty when it is not made of names alone.
std::string written(const boost::json::array& column) {
  std::string all;
  for (const Value& part : column) {
    const std::string_view name = tree::name(part);
    if (name.empty()) return {};
    if (!all.empty()) all += '.';
    all += quoted_name(name);
  }
  return all;
}

/// Whether the result has the column, as far as that can be told: by its name, by that of its table and all
/// its columns, or by all columns of all tables.
bool shows(const boost::json::array& targets, const boost::json::array& column) {
  return std::ranges::any_of(targets, [&](const Value& target) {
    const Object* result = tree::node(target, "ResTarget");
    const Value* value = result == nullptr ? nullptr : result->if_contains("val");
    const Object* reference = value == nullptr ? nullptr : tree::node(*value, "ColumnRef");
    if (reference == nullptr) return false;
    const auto& fields = tree::list(*reference, "fields");
    if (fields.empty()) return false;
    const bool is_all = tree::node(fields.back(), "A_Star") != nullptr;
    const std::size_t depth = std::min(fields.size(), column.size());
    for (std::size_t i = is_all ? 1 : 0; i < depth; ++i) {
      if (tree::name(fields[fields.size() - 1 - i]) != tree::name(column[column.size() - 1 - i]))
        return false;
    }
    return true;
  });
}

bool is_word(const Token& token, std::string_view word) {
  return token.kind == TokenKind::identifier && equals_ignoring_case(token.text, word);
}

/// Where what has to be changed stands in a text.
struct Places {
  std::size_t begin = 0;  ///< of `column = $n`, or of `$n` alone
  std::size_t key_end = 0;
  bool is_reversed = false;  ///< `$n = column`: all of it is written anew
  std::size_t end = 0;       ///< of what is kept
};

/// The end of the name that begins at `at`, whose parts have dots between them.
std::size_t name_end(const std::vector<Token>& tokens, std::size_t at) {
  const auto is_name = [&](std::size_t i) {
    return i < tokens.size() &&
           (tokens[i].kind == TokenKind::identifier || tokens[i].kind == TokenKind::quoted_identifier);
  };
  if (!is_name(at)) return at;
  for (++at; at < tokens.size() && tokens[at].text == "." && is_name(at + 1);) at += 2;
  return at;
}

/// What may stand around a comparison: anything else could be an operator or a cast that takes a side of it.
bool is_edge(const std::vector<Token>& tokens, std::size_t at) {
  return at >= tokens.size() || tokens[at].kind == TokenKind::identifier || tokens[at].text == "(" ||
         tokens[at].text == ")";
}

/// Nothing when it is neither `= $n` nor `$n = column`, or a LIMIT stands elsewhere than at the end.
std::optional<Places> find_places(std::string_view text, int parameter, bool has_limit) {
  std::vector<Token> tokens;
  Lexer lexer(text);
  for (Token token = lexer.next(); token.kind != TokenKind::end && token.kind != TokenKind::broken;
       token = lexer.next()) {
    tokens.push_back(token);
  }
  while (!tokens.empty() && tokens.back().text == ";") tokens.pop_back();
  const auto begin_of = [&](std::size_t at) {
    return static_cast<std::size_t>(tokens[at].text.data() - text.data());
  };
  const auto end_of = [&](std::size_t at) { return begin_of(at) + tokens[at].text.size(); };
  const auto found = std::ranges::find(tokens, '$' + std::to_string(parameter), &Token::text);
  if (found == tokens.end() || found == tokens.begin()) return std::nullopt;
  const auto key = static_cast<std::size_t>(found - tokens.begin());
  Places places{begin_of(key), end_of(key), false, end_of(tokens.size() - 1)};
  if (tokens[key - 1].text != "=" || !is_edge(tokens, key + 1)) {
    if (key + 2 >= tokens.size() || tokens[key + 1].text != "=" || !is_edge(tokens, key - 1))
      return std::nullopt;
    const std::size_t after = name_end(tokens, key + 2);
    if (after == key + 2 || !is_edge(tokens, after)) return std::nullopt;
    places.is_reversed = true;
    places.key_end = end_of(after - 1);
  }
  if (has_limit) {
    const std::size_t count = tokens.size();
    if (count < 3 || !is_word(tokens[count - 2], "limit")) return std::nullopt;
    places.end = end_of(count - 3);
  }
  return places;
}

std::string rewritten(std::string_view text, const Places& places, const BatchedLookup& lookup,
                      std::size_t target, bool is_shown, bool is_grouped) {
  std::string all(text.substr(0, target));
  if (!is_shown) all += lookup.column + ", ";
  all += text.substr(target, places.begin - target);
  if (places.is_reversed) all += lookup.column + " = ";
  all.append("ANY($").append(std::to_string(lookup.parameter)).append(")");
  if (places.end > places.key_end) all += text.substr(places.key_end, places.end - places.key_end);
  if (is_grouped) all += " GROUP BY " + lookup.column;
  return all;
}

std::vector<int> parameters_of(std::string_view text) {
  std::vector<int> numbers;
  Lexer lexer(text);
  for (Token token = lexer.next(); token.kind != TokenKind::end && token.kind != TokenKind::broken;
       token = lexer.next()) {
    if (token.kind != TokenKind::parameter) continue;
    int number = 0;
    std::from_chars(token.text.data() + 1, token.text.data() + token.text.size(), number);
    numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

std::vector<BatchedLookup> lookups_of(const Object& select, const std::string& text) {
  std::vector<BatchedLookup> found;
  if (!can_be_batched(select)) return found;
  const auto& targets = tree::list(select, "targetList");
  const Object* first = tree::node(targets.front(), "ResTarget");
  const auto target = first == nullptr ? 0 : static_cast<std::size_t>(tree::number(*first, "location"));
  if (target == 0 || target >= text.size()) return found;
  const bool is_grouped = any_call(targets, is_aggregate);
  if (is_grouped && select.contains("sortClause")) return found;
  const ShapeText shape{text, {}, parameters_of(text)};
  for (const Equality& equality : equalities(select, shape)) {
    const std::string column = written(*equality.column);
    const auto places = find_places(text, equality.predicate.parameter, select.contains("limitCount"));
    if (column.empty() || !places || places->begin < target) continue;
    BatchedLookup& lookup = found.emplace_back(BatchedLookup{equality.predicate.parameter, column, {}});
    lookup.text = rewritten(text, *places, lookup, target, shows(targets, *equality.column), is_grouped);
  }
  return found;
}

}  // namespace

std::vector<BatchedLookup> batched_lookups(const std::string& text) {
  try {
    std::vector<BatchedLookup> found;
    int statements = 0;
    parse_statements(text, [&](const Value& statement) {
      const Object* select = ++statements == 1 ? tree::node(statement, "SelectStmt") : nullptr;
      found = select == nullptr ? std::vector<BatchedLookup>() : lookups_of(*select, text);
      return statements == 1;
    });
    return found;
  } catch (const std::exception&) {
    return {};
  }
}

}  // namespace forebay::sql
