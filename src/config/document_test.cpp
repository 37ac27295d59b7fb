#include "config/document.hpp"

#include <chrono>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace forebay::config {
namespace {

std::optional<std::string> no_variables(const std::string&) {
  return std::nullopt;
}

struct Parsed {
  NodePtr root;
  std::vector<Problem> problems;
  std::string text() const { return to_string(problems); }
};

Parsed parsed(std::string_view text) {
  Parsed result;
  result.root = parse_document(text, "f", no_variables, result.problems);
  return result;
}

std::string repeated(std::string_view part, std::size_t bytes) {
  std::string text;
  while (text.size() + part.size() <= bytes) text += part;
  return text;
}

TEST(Document, KeepsPlacesOfKeysAndValues) {
  const Parsed document = parsed("a: 1\nb:\n  c: [x, 'y']\n");
  ASSERT_TRUE(document.root);
  EXPECT_EQ(document.text(), "");
  const Entry& b = document.root->entries.at(1);
  EXPECT_EQ(to_string(b.where), "f:2:1");
  const Entry& c = b.value->entries.at(0);
  EXPECT_EQ(to_string(c.where), "f:3:3");
  EXPECT_EQ(to_string(c.value->items.at(1)->where), "f:3:10");
  EXPECT_EQ(c.value->items.at(1)->text, "y");
}

TEST(Document, EmptyTextIsAnEmptyDocument) {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n", "~"}) {
    const Parsed document = parsed(text);
    ASSERT_TRUE(document.root) << text;
    EXPECT_EQ(document.root->kind, Node::Kind::null) << text;
    EXPECT_EQ(document.text(), "") << text;
  }
}

TEST(Document, TellsDuplicatesTagsAndSecondDocuments) {
  EXPECT_EQ(parsed("a: 1\na: 2\n").text(), "f:2:1: the key \"a\" is there twice; keep one of the two");
  EXPECT_NE(parsed("a: !!python/object x\n").text().find("tag"), std::string::npos);
  EXPECT_NE(parsed("a: 1\n---\nb: 2\n").text().find("f:3:1: a second document"), std::string::npos);
  EXPECT_NE(parsed("[a, b]: 1\n").text().find("a key has to be a word"), std::string::npos);
}

TEST(Document, ExplainsBrokenYaml) {
  EXPECT_NE(parsed("pool:\n\tsize: 3\n").text().find("tab"), std::string::npos);
  EXPECT_NE(parsed("a: b: c\n").text().find("f:1:5: this is not YAML"), std::string::npos);
  EXPECT_NE(parsed("a: [1, 2\n").text().find("this is not YAML"), std::string::npos);
  EXPECT_NE(parsed("a: *nothing\n").text().find("this is not YAML"), std::string::npos);
}

TEST(Document, RefusesCharactersThatYamlCppMisreads) {
  EXPECT_EQ(parsed("a: 1\nb\x04: 2\n").text(),
            "f:2:2: the control character 0x04 may not stand in a YAML file");
  EXPECT_EQ(parsed(std::string_view("a: \0b", 5)).text(),
            "f:1:4: the control character 0x00 may not stand in a YAML file");
  for (const char* text : {"\xff", "a\xc3", "\xc0\x80", "\xed\xa0", "\xf5\x80\x80\x80"}) {
    EXPECT_NE(parsed(text).text().find("is not UTF-8"), std::string::npos);
  }
}

TEST(Document, AliasesStandForTheirValue) {
  const Parsed document = parsed("a: &x {k: v}\nb: *x\n");
  ASSERT_TRUE(document.root);
  EXPECT_EQ(document.root->entries.at(1).value->entries.at(0).value->text, "v");
  EXPECT_NE(parsed("a: &x [*x]\n").text().find("inside the value"), std::string::npos);
}

TEST(Document, AnAliasBombIsStopped) {
  std::string text = "a0: &a0 x\n";
  for (int i = 1; i < 100; ++i) {
    text += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}]\n", i, i - 1);
  }
  const Parsed document = parsed(text);
  EXPECT_FALSE(document.root);
  EXPECT_NE(document.text().find("more than 50000 values"), std::string::npos);
}

TEST(Document, HostileInputEndsSoonAndWithAProblemOrATree) {
  const char* const parts[] = {"[",   "{",   "{a: ", "- ",    "? ",    "?\n",   ": ",    "a: ",  "*a ",
                               "&a ", "!a ", "!",    "\"",    "'",     "| \n",  "|\n ",  "[],",  "{},",
                               "a\n", "\n",  "#\n",  "%",     "---\n", "...\n", "&a [",  "[a: ", "-\n",
                               "\t",  "{? ", "[,",   "${A:-", "> ",    "- a\n", "a:\n ", "\\",   "\"\\x41"};
  for (const char* part : parts) {
    const auto start = std::chrono::steady_clock::now();
    const Parsed document = parsed(repeated(part, kMaxFileBytes / 8));
    EXPECT_LE(document.problems.size(), kMaxProblems) << part;
    EXPECT_TRUE(document.root || !document.problems.empty()) << part;
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30)) << part;
  }
  EXPECT_FALSE(parsed(repeated("a", kMaxFileBytes + 1)).root);
}

}  // namespace
}  // namespace forebay::config
