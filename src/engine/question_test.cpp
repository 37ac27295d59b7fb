#include "engine/question.hpp"

#include <gtest/gtest.h>

#include "cache/entry.hpp"
#include "engine/prepared_statement.hpp"

namespace forebay::engine {
namespace {

constexpr std::string_view kText = "SELECT name FROM items WHERE id = $1";
constexpr std::string_view kTypes("\0\0\0\x17", 4);
constexpr std::string_view kValues(
    "\0\0\0\1\0\0\0\1"
    "7\0\0",
    11);

TEST(Question, IsTakenApartAsItWasMade) {
  const std::string context = context_bytes(3, 5, "app", {.parameters = {{"datestyle", "ISO"}}}, nullptr);
  std::string key;
  const std::size_t text_at =
      write_key(key, context, {.describes = true, .text = kText, .types = kTypes, .values = kValues});
  EXPECT_EQ(key.substr(text_at, kText.size()), kText);
  const Question question = question_of(key);
  EXPECT_EQ(question.cache, 3U);
  EXPECT_EQ(question.user, "app");
  EXPECT_TRUE(question.describes && !question.simple && !question.parses);
  EXPECT_EQ(question.text, kText);
  EXPECT_EQ(question.types, kTypes);
  EXPECT_EQ(question.values, kValues);
}

TEST(Question, HasTheSameHashWhetherItsStatementIsPreparedOrItsTextComesWithIt) {
  const auto statement = intern_statement(kText, as_bytes(kTypes), {}, {}, {});
  ASSERT_NE(statement->hash, 0U);
  const ReadRequest with_text = {.text = kText, .types = kTypes, .values = kValues};
  ReadRequest prepared = with_text;
  prepared.statement = statement.get();
  EXPECT_EQ(question_hash(1, prepared), question_hash(1, with_text));
  const auto unshared = private_statement(kText, as_bytes(kTypes), {});
  prepared.statement = unshared.get();
  EXPECT_EQ(question_hash(1, prepared), question_hash(1, with_text));
}

TEST(Question, HasAnotherHashByEachOfItsParts) {
  const ReadRequest one = {.text = kText, .types = kTypes, .values = kValues};
  const std::uint64_t hash = question_hash(1, one);
  EXPECT_NE(question_hash(2, one), hash);
  ReadRequest other = one;
  other.describes = true;
  EXPECT_NE(question_hash(1, other), hash);
  other = one;
  other.values = kValues.substr(1);
  EXPECT_NE(question_hash(1, other), hash);
  other = one;
  other.types = {};
  EXPECT_NE(question_hash(1, other), hash);
  other = one;
  other.text = kText.substr(1);
  EXPECT_NE(question_hash(1, other), hash);
}

}  // namespace
}  // namespace forebay::engine
