#include "engine/explanation.hpp"

#include "base/ascii.hpp"
#include "sql/lexer.hpp"
#include "wire/protocol.hpp"

namespace forebay::engine {

namespace {

constexpr std::string_view kColumn = "Forebay";
constexpr std::uint32_t kText = 25;  // catalog/pg_type.dat

}  // namespace

std::optional<std::string_view> explained_statement(std::string_view text) {
  // Most texts begin with another letter.
  if (!text.empty() && is_letter(text.front()) && to_lower(text.front()) != 'e') return std::nullopt;
  constexpr std::string_view kWords[] = {"explain", "(", "forebay", ")"};
  sql::Lexer lexer(text);
  for (const std::string_view word : kWords) {
    const sql::Token token = lexer.next();
    if (!equals_ignoring_case(token.text, word)) return std::nullopt;
    if (word == ")") {
      const auto end = static_cast<std::size_t>(token.text.data() + token.text.size() - text.data());
      text.remove_prefix(end);
    }
  }
  const auto begin = text.find_first_not_of(" \t\n\r\f");
  return begin == text.npos ? std::string_view() : text.substr(begin);
}

void write_explanation(wire::Writer& writer, const std::vector<std::string>& lines) {
  writer.begin(wire::server::kRowDescription).u16(1).cstring(kColumn);
  writer.u32(0).u16(0).u32(kText).u16(0xffff).u32(0xffff'ffff).u16(0).end();
  for (const std::string& line : lines) {
    writer.begin(wire::server::kDataRow).u16(1).u32(static_cast<std::uint32_t>(line.size())).text(line).end();
  }
  writer.begin(wire::server::kCommandComplete).cstring("EXPLAIN").end();
}

}  // namespace forebay::engine
