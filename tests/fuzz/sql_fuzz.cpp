#include "input.hpp"
#include "sql/fingerprint.hpp"
#include "sql/lexer.hpp"
#include "sql/literals.hpp"
#include "sql/read_shape.hpp"
#include "sql/verdict.hpp"

/// A statement. One that differs only in white space, comments and data has the same fingerprint; and equal
/// fingerprints mean equal verdicts and shapes, because both are remembered by them.
namespace {

using namespace forebay::sql;
using forebay::fuzz::expect;
using forebay::fuzz::Input;

constexpr std::string_view kSpaces[] = {" ", "\t\t", "  ", "/* ' */", " /*/**/*/\t", "\f"};

std::string_view other_data(TokenKind kind) {
  switch (kind) {
    case TokenKind::integer:
      return "27";
    case TokenKind::decimal:
      return "2.5e7";
    case TokenKind::string:
      return "$x$ it's -- 'today' $x$";
    case TokenKind::escape_string:
      return "e'\\'/*'";
    case TokenKind::national_string:
      return "n'x'";
    case TokenKind::bit_string:
      return "b'101'";
    default:
      return "x'ff'";
  }
}

/// The same statement with other gaps between its tokens and, if `with_data`, other data. No gap is closed,
/// and none gets a line end, which would join two strings.
std::string rewritten(std::string_view text, Input& choices, bool with_data) {
  std::string result;
  Lexer lexer(text);
  LiteralRule rule;
  const char* end = text.data();
  for (Token token = lexer.next(); token.kind != TokenKind::end && token.kind != TokenKind::broken;
       token = lexer.next()) {
    if (token.text.data() != end) result += kSpaces[choices.below(std::size(kSpaces))];
    end = token.text.data() + token.text.size();
    if (rule.keeps(token) || !with_data) {
      result += token.text;
    } else {
      // Not everything can stand beside a number or a name.
      ((result += ' ') += other_data(token.kind)) += ' ';
    }
  }
  return result;
}

bool is_whole(std::string_view text) {
  Lexer lexer(text);
  for (;;) {
    const Token token = lexer.next();
    if (token.kind == TokenKind::end) return true;
    if (token.kind == TokenKind::broken) return false;
  }
}

void expect_alike(std::string_view one, std::string_view other) {
  expect(fingerprint(one) == fingerprint(other));
  expect(analyse(one) == analyse(other));
  expect(read_shape(one) == read_shape(other));
  expect(literals_of(one).size() == literals_of(other).size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  Input choices(bytes, size);
  const std::string_view text = input.rest();
  for (const std::string_view literal : literals_of(text)) speaks_of_today(literal);
  const Verdict verdict = analyse(text);
  if (!is_whole(text)) {
    expect(verdict.effects.has(Effect::unparsable) && !read_shape(text).refusal.empty());
    expect(fingerprint(text) == Fingerprint());
    return 0;
  }
  const std::string spaced = rewritten(text, choices, false);
  expect_alike(text, spaced);
  expect(literals_of(text) == literals_of(spaced));
  expect_alike(text, rewritten(text, choices, true));
  return 0;
}
