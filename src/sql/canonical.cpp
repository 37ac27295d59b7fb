#include "sql/canonical.hpp"

#include <utility>
#include <vector>

#include "base/ascii.hpp"
#include "sql/lexer.hpp"
#include "sql/literals.hpp"

namespace forebay::sql {
namespace {

/// No construct of PostgreSQL's grammar tells nine elements of a list from eight.
constexpr int kAlikeKept = 8;

bool is_data_keyword(const Token& token) {
  if (token.kind != TokenKind::identifier) return false;
  for (std::string_view word : {"null", "true", "false", "default"}) {
    if (equals_ignoring_case(token.text, word)) return true;
  }
  return false;
}

class Writer {
 public:
  void write(const Token& token, bool keep) {
    if (token.kind == TokenKind::parameter || (is_literal(token.kind) && !keep)) {
      element(stand_in(token.kind));
    } else if (token.text == "(") {
      levels_.push_back(Level{text_.size(), true, Group()});
      append(token.text);
    } else if (token.text == ")" && levels_.size() > 1) {
      append(token.text);
      close();
    } else {
      if (!is_data(token)) levels_.back().only_data = false;
      append(token.text);
    }
  }

  bool too_long() const { return text_.size() > kMaxCanonicalText; }
  std::string take() { return std::move(text_); }

 private:
  /// A stretch of text_ in parentheses, with them; no group is empty.
  struct Group {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool only_data = false;
    int alike = 0;  ///< groups directly before it that are like it, with a comma after each
  };

  /// A parenthesis that is open, or the whole text.
  struct Level {
    std::size_t begin = 0;
    bool only_data = true;
    Group last;  ///< closed right inside this level
  };

  static bool is_data(const Token& token) {
    return token.text == "," || token.text == "-" || token.text == "+" || is_data_keyword(token);
  }

  void append(std::string_view piece) {
    text_.append(piece);
    text_.push_back(' ');
  }

  std::string_view since(std::size_t begin) const {
    return begin < text_.size() ? std::string_view(text_).substr(begin) : std::string_view();
  }

  std::string_view of(const Group& group) const {
    return std::string_view(text_).substr(group.begin, group.end - group.begin);
  }

  /// A literal or parameter: left out, with the comma before it, when it is one more of many.
  void element(std::string_view piece) {
    const std::string_view between = since(element_end_);
    const bool one_more = between == ", " || between == ", - " || between == ", + ";
    elements_ = one_more ? elements_ + 1 : 1;
    if (elements_ > kAlikeKept) {
      text_.resize(element_end_);
    } else {
      append(piece);
      element_end_ = text_.size();
    }
  }

  /// A group is complete: left out, with the comma before it, when it is one more of many that are the same
  /// or data.
  void close() {
    Group group{levels_.back().begin, text_.size(), levels_.back().only_data, 1};
    levels_.pop_back();
    Level& outer = levels_.back();
    outer.only_data = outer.only_data && group.only_data;
    const Group& last = outer.last;
    if (last.end != 0 && since(last.end).substr(0, group.begin - last.end) == ", " &&
        ((group.only_data && last.only_data) || of(group) == of(last))) {
      group.alike = last.alike + 1;
    }
    if (group.alike > kAlikeKept) {
      text_.resize(last.end);
      element_end_ = text_.size();
    } else {
      outer.last = group;
    }
  }

  std::string text_;
  std::vector<Level> levels_ = std::vector<Level>(1);
  std::size_t element_end_ = 0;
  int elements_ = 0;
};

}  // namespace

std::string_view stand_in(TokenKind kind) {
  switch (kind) {
    case TokenKind::parameter:
      return "$1";
    case TokenKind::integer:
      return "1";
    case TokenKind::decimal:
      return "1.0";
    case TokenKind::national_string:
      return "N''";
    case TokenKind::bit_string:
      return "B''";
    case TokenKind::hex_string:
      return "X''";
    default:
      return "''";
  }
}

std::optional<std::string> canonical_text(std::string_view text) {
  Lexer lexer(text);
  LiteralRule rule;
  Writer writer;
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    if (token.kind == TokenKind::broken) return std::nullopt;
    if (token.kind == TokenKind::operators && token.text.size() > kMaxOperators) return std::nullopt;
    writer.write(token, rule.keeps(token));
    if (writer.too_long()) return std::nullopt;
  }
  return writer.take();
}

}  // namespace forebay::sql
