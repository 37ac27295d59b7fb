#include "input.hpp"
#include "sql/code_scan.hpp"

/// The source of a function in the database. Words come sorted, each once, and stand in the source.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using forebay::fuzz::expect;
  forebay::fuzz::Input input(bytes, size);
  const std::string_view source = input.rest();
  const auto facts = forebay::sql::read_code(source);
  expect(std::ranges::adjacent_find(facts.words, std::ranges::greater_equal()) == facts.words.end());
  for (const std::string& word : facts.words) expect(word.size() <= source.size());
  for (const std::string& setting : facts.settings) expect(setting.find('.') != std::string::npos);
  return 0;
}
