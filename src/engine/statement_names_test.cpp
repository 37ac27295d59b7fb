#include "engine/statement_names.hpp"

#include <gtest/gtest.h>

namespace forebay::engine {
namespace {

PreparedStatementPtr statement(std::string_view text) {
  return private_statement(text, {}, {});
}

std::string text_of(const StatementNames& names, std::string_view name) {
  const auto* found = names.find(name);
  return found == nullptr ? "none" : (*found)->text;
}

TEST(StatementNames, KnowsWhatWasPrepared) {
  StatementNames names;
  names.finish(names.set("a", statement("A")));
  EXPECT_EQ(text_of(names, "a"), "A");
  EXPECT_EQ(text_of(names, "b"), "none");
  names.finish(names.set("a", nullptr));
  EXPECT_EQ(text_of(names, "a"), "none");
  EXPECT_EQ(names.size(), 0U);
}

TEST(StatementNames, CountsSixtyThreeBytes) {
  StatementNames names;
  names.finish(names.set(std::string(200, 'm'), statement("A")));
  EXPECT_EQ(text_of(names, std::string(63, 'm')), "A");
  EXPECT_EQ(text_of(names, std::string(62, 'm')), "none");
}

TEST(StatementNames, TakesBackWhatWasSkippedInOneBatch) {
  StatementNames names;
  names.finish(names.set("a", statement("old")));
  const auto close = names.set("a", nullptr);
  const auto parse = names.set("a", statement("new"));
  EXPECT_EQ(text_of(names, "a"), "new");
  names.undo(close, false);
  EXPECT_EQ(text_of(names, "a"), "new") << "its own outcome is still open";
  names.undo(parse, false);
  EXPECT_EQ(text_of(names, "a"), "old");
}

TEST(StatementNames, CountsTheBytesOfTextsThatHaveNames) {
  StatementNames names;
  names.settle("a", statement("four"));
  names.settle("b", statement("sixsix"));
  EXPECT_EQ(names.text_bytes(), 10U);
  const auto close = names.set("a", nullptr);
  EXPECT_EQ(names.text_bytes(), 6U);
  names.undo(close, false);
  EXPECT_EQ(names.text_bytes(), 10U) << "it was skipped";
  names.undo(names.set("c", statement("seven")), true);
  names.settle("a", statement("eleven char"));
  EXPECT_EQ(names.text_bytes(), 17U);
  names.give_up("a");
  EXPECT_EQ(names.text_bytes(), 6U);
  names.give_up_all();
  EXPECT_EQ(names.text_bytes(), 0U);
}

TEST(StatementNames, TakesBackAParseAndItsClose) {
  StatementNames names;
  const auto parse = names.set("a", statement("A"));
  const auto close = names.set("a", nullptr);
  names.undo(parse, true);
  names.undo(close, false);
  EXPECT_EQ(text_of(names, "a"), "none");
  EXPECT_EQ(names.size(), 0U);
}

TEST(StatementNames, KeepsWhatHappenedBeforeTheError) {
  StatementNames names;
  const auto parse = names.set("a", statement("A"));
  const auto close = names.set("a", nullptr);
  names.finish(parse);
  names.undo(close, false);
  EXPECT_EQ(text_of(names, "a"), "A");
}

TEST(StatementNames, DropsTheUnnamedStatementWhenAParseFails) {
  StatementNames names;
  names.finish(names.set("", statement("old")));
  names.undo(names.set("", statement("skipped")), false);
  EXPECT_EQ(text_of(names, ""), "old");
  names.undo(names.set("", statement("wrong")), true);
  EXPECT_EQ(text_of(names, ""), "none");
}

TEST(StatementNames, IsUndecidedBehindASync) {
  StatementNames names;
  const auto parse = names.set("a", statement("A"));
  EXPECT_FALSE(names.is_undecided("a")) << "in the same batch: what fails takes all that follows with it";
  names.end_batch();
  EXPECT_TRUE(names.is_undecided("a"));
  EXPECT_FALSE(names.is_undecided("b"));
  EXPECT_TRUE(names.any_undecided());
  names.finish(parse);
  EXPECT_FALSE(names.is_undecided("a"));
  EXPECT_FALSE(names.any_undecided());
}

TEST(StatementNames, DecidesAnUnnamedParseOverAnother) {
  StatementNames names;
  const auto first = names.set("", statement("first"));
  names.end_batch();
  EXPECT_TRUE(names.is_undecided(""));
  const auto second = names.set("", statement("second"));
  EXPECT_FALSE(names.is_undecided(""));
  names.undo(first, false);
  EXPECT_EQ(text_of(names, ""), "second");
  names.undo(second, false);
  EXPECT_EQ(text_of(names, ""), "none");
}

TEST(StatementNames, KnowsWhichStatementsAreOnTheirWay) {
  StatementNames names;
  const auto sent = statement("A");
  const auto parse = names.set("a", sent, true);
  EXPECT_FALSE(names.is_on_its_way(sent->id));
  names.end_batch();
  EXPECT_TRUE(names.is_on_its_way(sent->id));
  EXPECT_EQ(names.undo(parse, true), sent->id);
  EXPECT_FALSE(names.is_on_its_way(sent->id));
}

TEST(StatementNames, TellsFormerNames) {
  StatementNames names;
  const auto same = statement("A");
  names.finish(names.set("a", same));
  names.finish(names.set("b", same));
  const auto a = names.maker("a");
  const auto b = names.maker("b");
  EXPECT_EQ(names.name_of(a).second, "a");
  EXPECT_EQ(names.name_of(b).second, "b");
  names.finish(names.set("a", nullptr));
  EXPECT_EQ(names.name_of(a).first, same->id);
  EXPECT_EQ(names.name_of(a).second, "a");
  names.forget_former();
  EXPECT_EQ(names.name_of(a).second, "");
}

TEST(StatementNames, GivesANameUpToSql) {
  StatementNames names;
  const auto parse = names.set("a", statement("A"));
  names.give_up("a");
  EXPECT_EQ(text_of(names, "a"), "none");
  names.finish(parse);
  EXPECT_EQ(names.size(), 0U);
  names.finish(names.set("b", statement("B")));
  names.give_up_all();
  EXPECT_EQ(text_of(names, "b"), "none");
}

}  // namespace
}  // namespace forebay::engine
