#include "sql/scan.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "sql/read_shape.hpp"

namespace forebay::sql {
namespace {

void expect_scanned(const std::string& text) {
  const Scan& told = scan(text);
  EXPECT_EQ(told.fingerprint, fingerprint(text)) << text;
  std::vector<std::string_view> literals;
  for (const Span& literal : told.literals)
    literals.push_back(std::string_view(text).substr(literal.offset, literal.size));
  EXPECT_EQ(literals, literals_of(text)) << text;
}

TEST(Scan, TellsWhatFingerprintAndLiteralsTell) {
  const std::string texts[] = {
      "",
      "SELECT 1, 'a''b', E'c', $$d$$, N'e', B'1', X'f', U&'g', 2.5, $1, true -- 'h'",
      "SELECT set_config('a.b', '1', true)",
      "SELECT 'it has no end",
      "SELECT 7, '" + std::string(10'000, 'x') + "'",
  };
  for (const std::string& text : texts) {
    expect_scanned(text);
    expect_scanned(text);  // from memory, where it is short enough
  }
}

TEST(Scan, TellsTextsApartThatAreOneInLengthAndPlace) {
  std::string text = "SELECT 1";
  expect_scanned(text);
  text.back() = 'x';
  expect_scanned(text);
  text = "SELECT '" + std::string(5'000, 'a') + "'";
  expect_scanned(text);
  text[0] = 's';
  expect_scanned(text);
}

}  // namespace
}  // namespace forebay::sql
