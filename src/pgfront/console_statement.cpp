#include "pgfront/console_statement.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/utf8.hpp"

namespace forebay::pgfront {

namespace {

constexpr std::size_t kLongestShown = 60;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

Error unfinished(std::string_view what) {
  return {ErrorCode::invalid_input, "unterminated " + std::string(what)};
}

/// Reads one text from its beginning to its end.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  Result<std::vector<ConsoleStatement>> run() {
    for (;;) {
      if (auto skipped = skip_blanks(); !skipped) return skipped.error();
      if (rest_.empty()) break;
      const char c = rest_.front();
      if (c == ';') {
        rest_.remove_prefix(1);
        finish();
      } else if (c == '=') {
        rest_.remove_prefix(1);
        current_.words.push_back({"=", ConsoleWord::Kind::equals});
      } else if (c == '"' || c == '\'') {
        if (auto taken = take_quoted(c); !taken) return taken.error();
      } else {
        take_plain();
      }
    }
    finish();
    return std::move(statements_);
  }

 private:
  bool at_comment() const { return rest_.starts_with("--") || rest_.starts_with("/*"); }

  Result<void> skip_blanks() {
    while (!rest_.empty()) {
      if (is_blank(rest_.front())) {
        rest_.remove_prefix(1);
      } else if (rest_.starts_with("--")) {
        rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
      } else if (rest_.starts_with("/*")) {
        if (!skip_comment()) return unfinished("/* comment");
      } else {
        break;
      }
    }
    return {};
  }

  bool skip_comment() {
    std::size_t depth = 0;
    while (rest_.size() >= 2) {
      const bool opens = rest_.starts_with("/*");
      const bool closes = rest_.starts_with("*/");
      rest_.remove_prefix(opens || closes ? 2 : 1);
      if (opens) ++depth;
      if (closes && --depth == 0) return true;
    }
    return false;
  }

  /// A doubled quote stands for one.
  Result<void> take_quoted(char quote) {
    std::string text;
    for (std::size_t at = 1; at < rest_.size(); ++at) {
      if (rest_[at] == quote) {
        if (at + 1 == rest_.size() || rest_[at + 1] != quote) {
          rest_.remove_prefix(at + 1);
          current_.words.push_back({std::move(text), ConsoleWord::Kind::quoted});
          return {};
        }
        ++at;
      }
      text.push_back(rest_[at]);
    }
    return unfinished(quote == '"' ? "quoted name" : "quoted string");
  }

  void take_plain() {
    std::string text;
    while (!rest_.empty() && !is_blank(rest_.front()) && !at_comment() &&
           std::string_view(";='\"").find(rest_.front()) == std::string_view::npos) {
      text.push_back(rest_.front());
      rest_.remove_prefix(1);
    }
    current_.words.push_back({std::move(text), ConsoleWord::Kind::plain});
  }

  void finish() {
    if (!current_.words.empty()) statements_.push_back(std::move(current_));
    current_ = {};
  }

  std::string_view rest_;
  ConsoleStatement current_;
  std::vector<ConsoleStatement> statements_;
};

}  // namespace

bool ConsoleWord::is_keyword(std::string_view keyword) const {
  return kind == Kind::plain && equals_ignoring_case(text, keyword);
}

Result<std::vector<ConsoleStatement>> parse_console(std::string_view text) {
  return Scanner(text).run();
}

std::string to_string(const ConsoleStatement& statement) {
  std::string shown;
  for (const ConsoleWord& word : statement.words) {
    if (!shown.empty()) shown.push_back(' ');
    shown += word.text;
    if (shown.size() > kLongestShown) break;
  }
  if (shown.size() > kLongestShown) {
    shown.resize(utf8_prefix(shown, kLongestShown).size());
    shown += "…";
  }
  std::ranges::replace_if(
      shown, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return shown;
}

}  // namespace forebay::pgfront
