#include "sql/code_scan.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

#include "base/ascii.hpp"
#include "sql/builtin_functions.hpp"
#include "sql/lexer.hpp"

namespace forebay::sql {
namespace {

constexpr int kMaxNesting = 4;

/// What counts when a function of PostgreSQL's own does it from inside other code.
constexpr Effect kOfCode[] = {Effect::locks_session, Effect::seeds_random,      Effect::runs_code,
                              Effect::listens,       Effect::advances_sequence, Effect::reads_sequence_state};

/// What dynamic SQL can begin with and leave nothing behind, whatever is put in for names.
constexpr std::array<std::string_view, 12> kPlainVerbs = {"alter",  "analyze", "comment",  "delete",
                                                          "drop",   "grant",   "insert",   "lock",
                                                          "notify", "revoke",  "truncate", "update"};

/// After these a statement begins.
constexpr std::array<std::string_view, 7> kBeforeStatement = {";",    "atomic", "begin", "else",
                                                              "loop", "then",   ">>"};

/// Words without which nothing is written, but by functions that are called. They stand in other places too.
constexpr std::array<std::string_view, 20> kWritingWords = {
    "alter",  "call",   "comment", "copy",  "create", "delete",  "do",      "drop",   "execute",  "grant",
    "import", "insert", "lock",    "merge", "notify", "refresh", "reindex", "revoke", "truncate", "update"};

constexpr std::array<std::string_view, 7> kRaiseLevels = {"debug",  "exception", "info",   "log",
                                                          "notice", "raise",     "warning"};

template <typename List>
bool is_one_of(const List& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

/// One token: a word in lower case, what a string holds, or a sign.
struct Piece {
  enum class Kind { word, string, sign } kind;
  std::string text;
};

/// What stands between the quotes of '…', E'…', $tag$…$tag$ and "…".
std::string unquoted(std::string_view token) {
  if (token.front() == '$') {
    const std::size_t tag = token.find('$', 1) + 1;
    return std::string(token.substr(tag, token.size() - 2 * tag));
  }
  const std::size_t open = token.find_first_of("'\"");
  if (open == std::string_view::npos) return std::string(token);
  const char quote = token[open];
  std::string text;
  for (std::size_t at = open + 1; at + 1 < token.size(); ++at) {
    if (token[at] == quote) ++at;
    text.push_back(token[at]);
  }
  return text;
}

std::vector<Piece> pieces_of(std::string_view source, bool& broken) {
  std::vector<Piece> pieces;
  Lexer lexer(source);
  for (;;) {
    const Token token = lexer.next();
    switch (token.kind) {
      case TokenKind::end:
        return pieces;
      case TokenKind::broken: {
        // Half of a string, for example in 'it''s': what is left is read as the inside of one.
        broken = true;
        const auto rest = source.substr(static_cast<std::size_t>(token.text.data() - source.data()));
        if (rest.size() > 1) pieces.push_back({Piece::Kind::string, std::string(rest.substr(1))});
        return pieces;
      }
      case TokenKind::identifier:
        pieces.push_back({Piece::Kind::word, lower_case(token.text)});
        break;
      case TokenKind::quoted_identifier:
      case TokenKind::unicode_identifier:
        pieces.push_back({Piece::Kind::word, lower_case(unquoted(token.text))});
        break;
      case TokenKind::string:
      case TokenKind::escape_string:
      case TokenKind::national_string:
      case TokenKind::unicode_string:
        pieces.push_back({Piece::Kind::string, unquoted(token.text)});
        break;
      default:
        pieces.push_back({Piece::Kind::sign, std::string(token.text)});
    }
  }
}

/// Reads the pieces of one text, and the strings among them.
class CodeReader {
 public:
  CodeReader(CodeFacts& facts, int nesting) : facts_(facts), nesting_(nesting) {}

  void read(std::string_view source) {
    bool broken = false;
    pieces_ = pieces_of(source, broken);
    ends_in_blank_ = source.ends_with(' ');
    // At the outermost level it is not what it should be.
    if (broken && nesting_ == 0) add(Effect::runs_code);
    for (std::size_t at = 0; at < pieces_.size(); ++at) {
      if (pieces_[at].kind == Piece::Kind::word) word(at);
      if (pieces_[at].kind == Piece::Kind::string) string(at);
    }
  }

 private:
  using Kind = Piece::Kind;

  std::string_view text(std::size_t at) const {
    return at < pieces_.size() ? std::string_view(pieces_[at].text) : std::string_view();
  }
  bool is(std::size_t at, Kind kind) const { return at < pieces_.size() && pieces_[at].kind == kind; }
  std::string_view before(std::size_t at) const { return at == 0 ? std::string_view() : text(at - 1); }
  bool starts_statement(std::size_t at) const { return at == 0 || is_one_of(kBeforeStatement, before(at)); }
  void add(Effects effects) { facts_.effects |= effects; }

  void word(std::size_t at) {
    const std::string_view name = text(at);
    facts_.words.emplace_back(name);
    if (name == "set_config") return set_config(at);
    if (const auto effects = builtin_function(name)) {
      for (const Effect effect : kOfCode) {
        if (effects->has(effect)) add(effect);
      }
      facts_.may_write = facts_.may_write || effects->any_of(Effect::writes | Effect::runs_code);
    }
    facts_.may_write = facts_.may_write || is_one_of(kWritingWords, name);
    if (name == "insert" || name == "copy" || name == "merge") add(Effect::advances_sequence);
    if (name == "execute") execute(at);
    if (name == "with" && text(at + 1) == "hold") add(Effect::holds_cursor);
    if (name == "pg_settings" && before(at) == "update") add(Effect::runs_code);
    temporary(at);
    if (starts_statement(at)) statement(at);
  }

  void statement(std::size_t at) {
    // A string of one word is a value, not the beginning of a statement.
    if (pieces_.size() == 1 && !ends_in_blank_) return;
    const std::string_view verb = text(at);
    if (verb == "set") return set(at + 1);
    if (verb == "reset" || verb == "discard" || verb == "deallocate") add(Effect::runs_code);
    if (verb == "listen") add(Effect::listens);
    if (verb == "load") add(Effect::loads_library);
    if (verb == "prepare" && text(at + 1) != "transaction") add(Effect::prepares);
  }

  void set(std::size_t at) {
    const std::string_view scope = text(at);
    if (scope == "local" || scope == "constraints" || scope == "transaction") return;
    const bool named_later = scope.empty() ? ends_in_blank_ : scope.starts_with('%');
    if (!is(at, Kind::word) && !named_later) return;
    add(Effect::runs_code);
    if (scope == "session") {
      ++at;
      if (text(at) == "authorization") return add(Effect::sets_authorization);
    }
    std::string name;
    for (; is(at, Kind::word); at += 2) {
      name += text(at);
      if (text(at + 1) != ".") return custom_setting(name);
      name += '.';
    }
    add(Effect::hides_state);
  }

  void custom_setting(const std::string& name) {
    if (name.find('.') != std::string::npos) facts_.settings.push_back(name);
  }

  void temporary(std::size_t at) {
    static constexpr std::array<std::string_view, 5> kBefore = {"create", "global", "into", "local",
                                                                "replace"};
    static constexpr std::array<std::string_view, 4> kBehind = {"recursive", "sequence", "table", "view"};
    const std::string_view name = text(at);
    const bool keyword = (name == "temp" || name == "temporary") &&
                         (is_one_of(kBefore, before(at)) || is_one_of(kBehind, text(at + 1)));
    if (keyword || name == "pg_temp" || name.starts_with("pg_temp_")) {
      add(Effect::makes_temporary | Effect::runs_code);
    }
  }

  /// EXECUTE of PL/pgSQL. A trigger's definition has EXECUTE FUNCTION.
  void execute(std::size_t at) {
    if (text(at + 1) == "function" || text(at + 1) == "procedure") return;
    const bool format = text(at + 1) == "format" && text(at + 2) == "(";
    const std::size_t first = format ? at + 3 : at + 1;
    if (!is(first, Kind::string)) return add(Effect::runs_code);
    const bool varies = format ? text(first).find('%') != std::string_view::npos
                               : is(first + 1, Kind::sign) && text(first + 1) == "||";
    if (!varies) return;
    Lexer lexer(text(first));
    if (!is_one_of(kPlainVerbs, lower_case(lexer.next().text))) add(Effect::runs_code);
    facts_.writes_anywhere = true;
  }

  void set_config(std::size_t at) {
    if (text(at + 1) != "(") return add(Effect::runs_code | Effect::hides_state);
    std::array<std::vector<std::size_t>, 3> arguments;
    std::size_t argument = 0;
    int depth = 0;
    for (std::size_t i = at + 2; i < pieces_.size() && depth >= 0 && argument < arguments.size(); ++i) {
      const bool sign = is(i, Kind::sign);
      if (sign && (text(i) == "(" || text(i) == "[")) ++depth;
      if (sign && (text(i) == ")" || text(i) == "]")) --depth;
      if (sign && text(i) == "," && depth == 0) {
        ++argument;
      } else if (depth >= 0) {
        arguments[argument].push_back(i);
      }
    }
    const auto& [name, value, local] = arguments;
    if (is_constant(local) && (text(local.front()) == "true" || text(local.front()) == "t")) return;
    add(Effect::runs_code);
    if (!is_constant(name) || !is(name.front(), Kind::string)) return add(Effect::hides_state);
    custom_setting(lower_case(text(name.front())));
  }

  /// One piece, or one with a cast.
  bool is_constant(const std::vector<std::size_t>& argument) const {
    return !argument.empty() && (argument.size() == 1 || text(argument[1]).starts_with(':'));
  }

  void string(std::size_t at) {
    if (is_one_of(kRaiseLevels, before(at)) || nesting_ >= kMaxNesting) return;
    CodeReader(facts_, nesting_ + 1).read(text(at));
  }

  CodeFacts& facts_;
  const int nesting_;
  std::vector<Piece> pieces_;
  bool ends_in_blank_ = false;
};

void sort_and_unite(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

}  // namespace

CodeFacts read_code(std::string_view source) {
  CodeFacts facts;
  CodeReader(facts, 0).read(source);
  sort_and_unite(facts.settings);
  sort_and_unite(facts.words);
  return facts;
}

}  // namespace forebay::sql
