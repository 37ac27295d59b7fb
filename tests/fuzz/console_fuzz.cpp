#include "input.hpp"
#include "pgfront/console_statement.hpp"

/// Commands to the console. What is understood is written again and has to be understood alike.
namespace {

using namespace forebay::pgfront;
using forebay::fuzz::expect;

std::string written(const ConsoleWord& word) {
  if (word.kind != ConsoleWord::Kind::quoted) return word.text;
  std::string text = "\"";
  for (const char c : word.text) text.append(c == '"' ? 2 : 1, c);
  return text + '"';
}

std::string written(const std::vector<ConsoleStatement>& statements) {
  std::string text;
  for (const ConsoleStatement& statement : statements) {
    for (const ConsoleWord& word : statement.words) text += written(word) + "\t/* x */";
    text += "--\n;";
  }
  return text;
}

bool alike(const ConsoleWord& a, const ConsoleWord& b) {
  return a.kind == b.kind && a.text == b.text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  forebay::fuzz::Input input(bytes, size);
  const auto statements = parse_console(input.rest());
  if (!statements) {
    expect(!statements.error().text.empty());
    return 0;
  }
  const auto again = parse_console(written(*statements));
  expect(again && again->size() == statements->size());
  for (std::size_t i = 0; i < again->size(); ++i) {
    const auto& statement = (*statements)[i];
    expect(!statement.words.empty() && std::ranges::equal(statement.words, (*again)[i].words, alike));
    const std::string shown = to_string(statement);
    expect(shown.size() < 70 && shown.find('\n') == std::string::npos);
  }
  return 0;
}
