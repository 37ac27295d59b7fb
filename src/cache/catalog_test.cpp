#include "cache/catalog.hpp"

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace forebay::cache {
namespace {

using Names = std::vector<std::string>;

Names names(const std::vector<Relation*>& relations) {
  Names found;
  for (const Relation* relation : relations) found.push_back(relation->name());
  return found;
}

/// A database made of rows as the server's catalog would give them.
class CatalogTest : public testing::Test {
 protected:
  CatalogTest() {
    for (const char* name : {"count", "lower", "date_trunc", "timezone"}) function(name, "i");
    for (const char* name : {"now", "age", "date"}) function(name, "u");
    function("make_time", "it");
    row({"moment", "date_trunc", "function"});
    row({"moment", "created_at", "column"});
  }

  void row(std::vector<std::optional<std::string>> columns) {
    columns.resize(8);
    rows_.push_back(std::move(columns));
  }
  void function(const std::string& name, const std::string& marks) { row({"function", name, marks}); }
  /// `schema.name`, which is its oid, too. `key`: "column:type".
  void relation(const std::string& qualified, const std::string& marks = "rp", const std::string& key = "") {
    const std::string name = qualified.substr(qualified.find('.') + 1);
    const auto colon = key.find(':');
    std::optional<std::string> column, type;
    if (colon != key.npos) {
      column = key.substr(0, colon);
      type = key.substr(colon + 1);
    }
    row({"relation", qualified, name, qualified, marks, column, type});
  }
  void view(const std::string& qualified, const std::string& definition) {
    const std::string name = qualified.substr(qualified.find('.') + 1);
    row({"relation", qualified, name, qualified, "vp", std::nullopt, std::nullopt, definition});
  }
  void child(const std::string& parent, const std::string& child) { row({"child", parent, child}); }
  void cascade(const std::string& from, const std::string& to, const std::string& on = "d") {
    row({"cascade", from, to, on});
  }

  const Catalog& catalog() {
    if (!catalog_) {
      catalog_ = Catalog::make(
          rows_,
          [this](const std::string& name) {
            auto& relation = relations_[name];
            if (!relation) relation = std::make_unique<Relation>(name);
            return relation.get();
          },
          level_);
    }
    return *catalog_;
  }
  const Catalog::Named& named(std::string_view name) {
    const auto* found = catalog().find(name);
    if (found == nullptr) throw std::runtime_error("there is no relation " + std::string(name));
    return *found;
  }
  std::string refusal(std::string_view text) { return catalog().judge(sql::read_shape(text)).refusal; }
  const Relation& relation_called(const std::string& name) { return *relations_.at(name); }

  Level level_ = Level::bounded;

 private:
  std::vector<wire::Row> rows_;
  std::map<std::string, std::unique_ptr<Relation>> relations_;
  std::shared_ptr<const Catalog> catalog_;
};

TEST_F(CatalogTest, AtTheLevelOutboxARelationNeedsATrigger) {
  level_ = Level::outbox;
  relation("public.users", "rpo");
  relation("public.orders");
  relation("public.copied", "rpol");
  relation("public.events", "ppo");
  relation("public.events_1");
  child("public.events", "public.events_1");
  view("public.both", "SELECT 1 FROM users, orders");
  EXPECT_EQ(refusal("SELECT 1 FROM users"), "");
  EXPECT_EQ(refusal("SELECT 1 FROM orders"), "public.orders has no trigger for the outbox");
  EXPECT_EQ(refusal("SELECT 1 FROM copied"), "public.copied is written to by a subscription");
  EXPECT_EQ(refusal("SELECT 1 FROM events"), "public.events_1 has no trigger for the outbox");
  EXPECT_NE(refusal("SELECT 1 FROM both"), "");
}

TEST_F(CatalogTest, KeepsReadsOfPlainTables) {
  relation("public.t", "rp", "id:23");
  relation("public.u");
  const auto judgement = catalog().judge(sql::read_shape("SELECT count(*) FROM u, t WHERE t.id = $1"));
  EXPECT_EQ(judgement.refusal, "");
  ASSERT_EQ(judgement.relations.size(), 2U);
  EXPECT_EQ(names(judgement.relations[0]->reads), Names{"public.t"});
  EXPECT_EQ(names(judgement.relations[1]->reads), Names{"public.u"});
  EXPECT_EQ(refusal("SELECT 1"), "");
}

TEST_F(CatalogTest, RefusesWhatTheTextForbids) {
  relation("public.t");
  const auto judgement = catalog().judge(sql::read_shape("SELECT * FROM t FOR UPDATE"));
  EXPECT_EQ(judgement.refusal, "it locks rows");
  EXPECT_TRUE(judgement.relations.empty());
}

TEST_F(CatalogTest, RefusesRelationsThatCannotBeFollowed) {
  relation("public.unlogged", "ru");
  relation("public.system", "rps");
  relation("public.secured", "rpr");
  relation("public.zoned", "rpzt");
  relation("public.foreign_table", "fp");
  relation("public.materialized", "mp");
  relation("public.sequence", "Sp");
  relation("public.composite", "cp");
  for (const char* name :
       {"unlogged", "system", "secured", "zoned", "foreign_table", "materialized", "sequence", "composite"}) {
    EXPECT_NE(named(name).refusal, "") << name;
    EXPECT_TRUE(named(name).reads.empty()) << name;
    EXPECT_EQ(refusal("SELECT 1 FROM " + std::string(name)), named(name).refusal);
  }
  EXPECT_EQ(refusal("SELECT 1 FROM nowhere"), "there is no relation nowhere");
  EXPECT_EQ(catalog().find("nowhere"), nullptr);
}

TEST_F(CatalogTest, TakesAllOfOneNameTogether) {
  relation("a.t", "rp", "id:23");
  relation("b.t", "rp", "id:20");
  relation("a.u", "rp", "id:23");
  relation("b.u", "rp", "number:23");
  relation("a.v", "rp");
  relation("b.v", "ru");
  EXPECT_EQ(names(named("t").reads), (Names{"a.t", "b.t"}));
  EXPECT_EQ(names(named("t").writes.relations), (Names{"a.t", "b.t"}));
  EXPECT_EQ(named("t").key_kind, KeyKind::integer);
  EXPECT_EQ(named("u").key_kind, KeyKind::none);
  EXPECT_NE(named("v").refusal, "");
}

TEST_F(CatalogTest, KnowsKeys) {
  relation("public.i", "rp", "id:21");
  relation("public.t", "rp", "name:1043");
  relation("public.u", "rp", "id:2950");
  relation("public.none", "rp");
  relation("public.other", "rp", "id:1700");
  EXPECT_EQ(named("i").key_kind, KeyKind::integer);
  EXPECT_EQ(named("t").key_kind, KeyKind::text);
  EXPECT_EQ(named("t").key_column, "name");
  EXPECT_EQ(named("u").key_kind, KeyKind::uuid);
  EXPECT_EQ(named("none").key_kind, KeyKind::none);
  EXPECT_EQ(named("other").key_kind, KeyKind::none);
  EXPECT_EQ(relation_called("public.t").key(), (RelationKey{KeyKind::text, "name"}));
  EXPECT_EQ(relation_called("public.none").key(), RelationKey());
}

TEST_F(CatalogTest, KnowsNoKeysWhereUsersCompareThem) {
  relation("public.t", "rp", "id:23");
  row({"equality"});
  EXPECT_EQ(named("t").key_kind, KeyKind::none);
  EXPECT_EQ(refusal("SELECT * FROM t WHERE id = 1"), "");
}

TEST_F(CatalogTest, FollowsPartitionsAndInheritance) {
  relation("public.root", "pp");
  relation("public.middle", "pp");
  relation("public.leaf", "rp", "id:23");
  relation("public.sister", "rp", "id:23");
  child("public.root", "public.middle");
  child("public.middle", "public.leaf");
  child("public.root", "public.sister");
  child("public.root", "an index, or something temporary");
  EXPECT_EQ(names(named("root").reads),
            (Names{"public.root", "public.middle", "public.sister", "public.leaf"}));
  EXPECT_EQ(names(named("leaf").reads), (Names{"public.leaf", "public.middle", "public.root"}));
  EXPECT_EQ(names(named("middle").writes.relations), (Names{"public.middle", "public.leaf"}));
  EXPECT_EQ(named("leaf").key_kind, KeyKind::none);
  EXPECT_EQ(relation_called("public.leaf").key(), RelationKey());
}

TEST_F(CatalogTest, OnePartitionSpoilsTheWhole) {
  relation("public.root", "pp");
  relation("public.good");
  relation("public.remote", "fp");
  child("public.root", "public.good");
  child("public.root", "public.remote");
  EXPECT_NE(named("root").refusal, "");
  EXPECT_EQ(named("good").refusal, "");
  EXPECT_FALSE(named("root").writes_known);
}

TEST_F(CatalogTest, LooksBehindViews) {
  relation("public.t", "rp", "id:23");
  relation("other.t");
  view("public.v", " SELECT t.id FROM t;");
  view("public.w", " SELECT v.id FROM v;");
  view("public.constant", " SELECT 1;");
  EXPECT_EQ(names(named("w").reads), (Names{"public.t", "other.t"}));
  EXPECT_EQ(named("w").refusal, "");
  EXPECT_EQ(named("w").key_kind, KeyKind::none);
  EXPECT_FALSE(named("w").writes_known);
  EXPECT_EQ(refusal("SELECT * FROM constant"), "");
}

TEST_F(CatalogTest, RefusesViewsThatCannotBeKept) {
  relation("public.t");
  relation("public.secured", "rpr");
  view("public.moving", " SELECT now() AS now FROM t;");
  view("public.of_today", " SELECT t.a FROM t WHERE t.b > ('today'::text)::date;");
  view("public.user_dependent", " SELECT CURRENT_USER AS a;");
  view("public.on_secured", " SELECT 1 FROM secured;");
  view("public.of_nothing", " SELECT 1 FROM gone;");
  view("public.on_moving", " SELECT 1 FROM moving;");
  relation("public.unknown", "vp");
  for (const char* name :
       {"moving", "of_today", "user_dependent", "on_secured", "of_nothing", "on_moving", "unknown"}) {
    EXPECT_NE(named(name).refusal, "") << name;
    EXPECT_TRUE(named(name).reads.empty()) << name;
  }
}

TEST_F(CatalogTest, ViewsOfTheirOwnNameEnd) {
  relation("public.t", "rp", "id:23");
  view("other.t", " SELECT t.id FROM public.t;");
  EXPECT_EQ(named("t").refusal, "");
  EXPECT_EQ(names(named("t").reads), Names{"public.t"});
  EXPECT_EQ(named("t").key_kind, KeyKind::none);
}

TEST_F(CatalogTest, KnowsWhatAWriteCanChange) {
  relation("public.parent");
  relation("public.child");
  relation("public.grandchild", "pp");
  relation("public.partition");
  cascade("public.parent", "public.child");
  cascade("public.child", "public.grandchild");
  cascade("public.child", "public.child");
  child("public.grandchild", "public.partition");
  EXPECT_TRUE(named("parent").writes_known);
  EXPECT_EQ(names(named("parent").writes.relations),
            (Names{"public.parent", "public.child", "public.grandchild", "public.partition"}));
  EXPECT_EQ(names(named("parent").updates.relations), Names{"public.parent"});
  EXPECT_EQ(names(named("partition").writes.relations), Names{"public.partition"});
  EXPECT_EQ(names(named("parent").reads), Names{"public.parent"});
}

TEST_F(CatalogTest, AnUpdateThatMayMoveARowToAnotherPartitionRemovesIt) {
  relation("public.orders", "pp");
  relation("public.of_may");
  relation("public.of_june");
  relation("public.items_of_may");
  child("public.orders", "public.of_may");
  child("public.orders", "public.of_june");
  cascade("public.of_may", "public.items_of_may");
  EXPECT_EQ(names(named("orders").updates.relations),
            (Names{"public.orders", "public.of_may", "public.of_june", "public.items_of_may"}));
}

TEST_F(CatalogTest, ForeignKeysMayLeadBackToOtherRows) {
  relation("public.plain");
  relation("public.tree");
  relation("public.alias_of_tree");
  relation("public.numbered");
  cascade("public.plain", "public.tree");
  cascade("public.tree", "public.alias_of_tree", "d");
  cascade("public.alias_of_tree", "public.tree", "d");
  cascade("public.numbered", "public.numbered", "ud");
  EXPECT_FALSE(named("plain").writes.leads_back);
  EXPECT_TRUE(named("tree").writes.leads_back);
  EXPECT_FALSE(named("tree").updates.leads_back);
  EXPECT_TRUE(named("numbered").updates.leads_back);
}

TEST_F(CatalogTest, CodeMakesWritesUnknown) {
  relation("public.parent");
  relation("public.triggered", "rpw");
  relation("public.root", "ppw");
  relation("public.partition");
  cascade("public.parent", "public.triggered");
  child("public.root", "public.partition");
  for (const char* name : {"parent", "triggered", "root", "partition"}) {
    EXPECT_FALSE(named(name).writes_known) << name;
    EXPECT_EQ(named(name).refusal, "") << name;
  }
}

TEST_F(CatalogTest, JudgesFunctions) {
  relation("public.t");
  EXPECT_EQ(refusal("SELECT lower(a) FROM t"), "");
  EXPECT_EQ(refusal("SELECT now()"), "now() may depend on more than its arguments");
  EXPECT_EQ(refusal("SELECT missing()"), "there is no function missing()");
}

TEST_F(CatalogTest, JudgesFieldsThatMayBeCalls) {
  relation("public.t");
  function("of_row", "ur");
  EXPECT_EQ(refusal("SELECT t.age, t.a, (t).a FROM t"), "");
  EXPECT_NE(refusal("SELECT t.of_row FROM t"), "");
  EXPECT_NE(refusal("SELECT (t).age FROM t"), "");
  EXPECT_NE(refusal("SELECT x.age FROM lower('A') x"), "");
}

TEST_F(CatalogTest, JudgesOperators) {
  relation("public.t");
  row({"operator", "==="});
  EXPECT_EQ(refusal("SELECT a = 1 FROM t"), "");
  EXPECT_NE(refusal("SELECT a === 1 FROM t"), "");
}

TEST_F(CatalogTest, AnUnknownEqualityIsEverywhere) {
  relation("public.t");
  row({"operator", "="});
  EXPECT_NE(refusal("SELECT DISTINCT a FROM t"), "");
}

TEST_F(CatalogTest, JudgesCasts) {
  relation("public.t");
  row({"type", "mood", "a"});
  row({"type", "span", "c"});
  row({"type", "domain", "n"});
  row({"type", "timestamp", "a"});
  for (const char* text :
       {"SELECT '1'::int, a::text, '2020-01-01'::date, $1::date, a::mood, 'x'::mood, '[]'::span FROM t",
        "SELECT created_at::date, t.created_at::date, date_trunc('day', a)::date FROM t"}) {
    EXPECT_EQ(refusal(text), "") << text;
  }
  for (const char* text :
       {"SELECT 't'::regclass", "SELECT '1'::domain", "SELECT a::date FROM t", "SELECT lower(a)::date FROM t",
        "SELECT a::span FROM t", "SELECT '04:05'::timetz", "SELECT '2020-01-01'::timestamp",
        "SELECT 'x'::missing", "SELECT created_at::date FROM (SELECT lower(a) AS created_at FROM t) x",
        "SELECT ('to' || 'day')::date"}) {
    EXPECT_NE(refusal(text), "") << text;
  }
}

TEST_F(CatalogTest, TimesOfDayInAZoneDependOnTheDay) {
  relation("public.t", "rpt");
  relation("public.u");
  view("public.v", " SELECT timezone('UTC'::text, t.a) AS a FROM t;");
  EXPECT_EQ(refusal("SELECT a FROM t"), "");
  EXPECT_EQ(refusal("SELECT a AT TIME ZONE 'UTC' FROM u"), "");
  EXPECT_NE(refusal("SELECT a AT TIME ZONE 'UTC' FROM t"), "");
  EXPECT_NE(refusal("SELECT '04:05'::time AT TIME ZONE 'UTC'"), "");
  EXPECT_NE(refusal("SELECT make_time(1, 2, 3) AT TIME ZONE 'UTC'"), "");
  EXPECT_NE(refusal("SELECT a FROM v"), "");
}

TEST_F(CatalogTest, OneCastOfUsersCanForbidEverything) {
  relation("public.t");
  row({"everything", "a cast of users calls f(), which is not immutable"});
  EXPECT_EQ(refusal("SELECT 1 FROM t"), "a cast of users calls f(), which is not immutable");
}

TEST_F(CatalogTest, RefusesEverythingWhenItDoesNotUnderstand) {
  relation("public.t");
  row({"news", "a", "b"});
  EXPECT_EQ(refusal("SELECT 1 FROM t"), "the server's catalog was not understood");
}

/// Whether every `word` in the text is followed by pg_catalog.
bool is_qualified_after(std::string_view text, std::string_view word) {
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    if (!text.substr(at + word.size()).starts_with("pg_catalog.")) return false;
  }
  return true;
}

TEST(CatalogQuestions, AreSingleStatementsThatNameTheirSchemas) {
  for (const auto text : {Catalog::question(), Catalog::fingerprint_question()}) {
    EXPECT_EQ(text.find(';'), text.npos);
    EXPECT_EQ(text.find(" = "), text.npos);
    EXPECT_TRUE(is_qualified_after(text, "::"));
    EXPECT_TRUE(is_qualified_after(text, "OPERATOR("));
  }
}

}  // namespace
}  // namespace forebay::cache
