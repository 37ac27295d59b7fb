#include "monitor/plan_question.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "backend/session_settings.hpp"
#include "base/ascii.hpp"
#include "base/utf8.hpp"
#include "engine/statement_table.hpp"
#include "sql/first_word.hpp"
#include "sql/lexer.hpp"
#include "sql/verdict.hpp"

namespace forebay::monitor {

namespace {

using sql::Token;
using sql::TokenKind;

/// A text that was cut may end up to three bytes before the limit, in front of a character.
constexpr std::size_t kCutFrom = engine::StatementTable::kLongestText - 3;
/// The protocol counts them in 16 bits.
constexpr std::uint32_t kMostParameters = 65'535;
/// Types that may stand in front of a literal, and not in front of a parameter.
constexpr std::array<std::string_view, 5> kTypesBeforeLiterals = {"interval", "date", "time", "timestamp",
                                                                  "timestamptz"};
/// Both questions together take less than a request by HTTP waits for its answer.
constexpr std::string_view kLimits =
    "BEGIN READ ONLY; SET LOCAL statement_timeout = '4s'; SET LOCAL lock_timeout = '100ms'; "
    "SET LOCAL application_name = 'forebay plans'; ";
constexpr std::string_view kName = "forebay_plan";

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  sql::Lexer lexer(text);
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    tokens.push_back(token);
    if (token.kind == TokenKind::broken) break;
  }
  return tokens;
}

bool is_word(const Token& token, std::string_view word) {
  return token.kind == TokenKind::identifier && lower_case(token.text) == word;
}

template <std::size_t kCount>
bool is_any(const Token& token, const std::array<std::string_view, kCount>& words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return is_word(token, word); });
}

std::uint32_t number_of(const Token& parameter) {
  std::uint32_t number = 0;
  std::from_chars(parameter.text.data() + 1, parameter.text.data() + parameter.text.size(), number);
  return number;
}

/// `date $1`, which was a literal with its type in front, as a cast.
std::string with_casts(const std::vector<Token>& tokens) {
  std::string written;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) written += ' ';
    const bool is_typed = i + 1 < tokens.size() && tokens[i + 1].kind == TokenKind::parameter &&
                          is_any(tokens[i], kTypesBeforeLiterals);
    if (is_typed) {
      written += fmt::format("CAST({} AS {})", tokens[i + 1].text, tokens[i].text);
      ++i;
    } else {
      written += tokens[i].text;
    }
  }
  return written;
}

/// Of `ORDER BY 2` a text without values knows the column no more.
bool is_ordered_by_number(const std::vector<Token>& tokens) {
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (is_word(tokens[i], "by") && tokens[i + 1].kind == TokenKind::parameter) return true;
  }
  return false;
}

std::string reason_against(std::string_view text, const std::vector<Token>& tokens) {
  if (text.size() >= kCutFrom)
    return fmt::format("of its text only the first {} bytes are kept", engine::StatementTable::kLongestText);
  if (!is_utf8(text)) return "its text is not in UTF-8";
  if (tokens.empty() || tokens.back().kind == TokenKind::broken) return "its text is not kept";
  if (!sql::is_about_rows(sql::first_word(text))) return "servers plan reads and writes of rows only";
  if (is_ordered_by_number(tokens))
    return "it orders or groups by the number of a column, which is a value, and values are not kept";
  return {};
}

std::string question(const Plannable& statement, std::string_view mode, std::string_view options,
                     const std::string& values) {
  std::string execute(kName);
  if (!values.empty()) execute += "(" + values + ")";
  return fmt::format(
      "{}SET LOCAL plan_cache_mode = {}; PREPARE {} AS {}; EXPLAIN ({}FORMAT JSON) EXECUTE {}; "
      "ROLLBACK; DEALLOCATE {}",
      kLimits, mode, kName, statement.text, options, execute, kName);
}

}  // namespace

Plannable plannable(std::string_view text) {
  const auto tokens = tokens_of(text);
  Plannable statement{.why_not = reason_against(text, tokens)};
  if (!statement.why_not.empty()) return statement;
  statement.text = with_casts(tokens);
  for (const Token& token : tokens) {
    if (token.kind == TokenKind::parameter)
      statement.parameters = std::max(statement.parameters, number_of(token));
  }
  if (statement.parameters > kMostParameters)
    statement.why_not = "it names more parameters than there can be";
  const sql::Verdict verdict = sql::analyse(statement.text);
  if (verdict.statements != 1 || verdict.effects.has(sql::Effect::unparsable))
    statement.why_not = "its text cannot be parsed without its values";
  statement.is_plain_read = verdict.effects.empty();
  statement.calls_unknown = verdict.effects.has(sql::Effect::calls_unknown);
  return statement;
}

std::string plan_question(const Plannable& statement) {
  std::string nulls;
  for (std::uint32_t i = 0; i < statement.parameters; ++i) nulls += i == 0 ? "NULL" : ", NULL";
  return question(statement, "force_generic_plan", "VERBOSE, ", nulls);
}

std::string analyze_question(const Plannable& statement, const Values& values) {
  std::string written;
  for (const auto& value : values) {
    if (!written.empty()) written += ", ";
    written += value ? backend::quote_literal(*value) : "NULL";
  }
  return question(statement, "force_custom_plan", "ANALYZE, BUFFERS, VERBOSE, ", written);
}

engine::Errand::Afterwards afterwards(const Plannable& statement) {
  using Afterwards = engine::Errand::Afterwards;
  return statement.calls_unknown ? Afterwards::closed : Afterwards::closed_after_error;
}

}  // namespace forebay::monitor
