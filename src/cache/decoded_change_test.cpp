#include "cache/decoded_change.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace forebay::cache {
namespace {

using Strings = std::vector<std::string>;

DecodedChange parsed(std::string_view line) {
  const auto change = parse_decoded_change(line);
  EXPECT_TRUE(change) << line;
  return change.value_or(DecodedChange());
}

/// The key's values; "malformed" when the row is.
Strings keys(std::string_view line, std::string_view column) {
  const auto touched = touched_keys(parsed(line), column);
  if (!touched) return {"malformed"};
  Strings values;
  for (const PrintedValue& value : touched->values()) {
    std::string buffer;
    values.emplace_back(value.plain(buffer));
  }
  return values;
}

TEST(DecodedChange, BoundariesOfTransactions) {
  EXPECT_EQ(parsed("BEGIN 771").kind, ChangeKind::begin);
  EXPECT_EQ(parsed("BEGIN 771").transaction, 771U);
  EXPECT_EQ(parsed("COMMIT 4294967295").kind, ChangeKind::commit);
  EXPECT_EQ(parsed("COMMIT 4294967295").transaction, 4294967295U);
}

TEST(DecodedChange, WhatIsNotOfTheForm) {
  for (const char* line : {
           "",
           "BEGIN",
           "BEGIN ",
           "BEGIN x",
           "BEGIN 4294967296",
           "BEGIN -1",
           "COMMIT 7 (at 2000-01-01)",
           "PREPARE TRANSACTION 'x', txid 771",
           "COMMIT PREPARED 'x', txid 771",
           "opening a streamed block for transaction",
           "table",
           "table ",
           "table public",
           "table public.",
           "table .t: INSERT:",
           "table public.t",
           "table public.t:",
           "table public.t: MERGE:",
           "table public.\"t: INSERT: id[integer]:5",
           "table public.a, : TRUNCATE: (no-flags)",
           "table public.a, public.b: INSERT: id[integer]:5",
           "table Public.t: INSERT: id[integer]:5",
           "message: transactional: 2 prefix: p, sz: 0 content:",
           "message: transactional: 1 prefix: p, sz: 3 content:four",
           "message: transactional: 1 prefix: p, sz: 3 content:no",
           "message: transactional: 1 prefix: p",
       }) {
    EXPECT_FALSE(parse_decoded_change(line)) << line;
  }
}

TEST(DecodedChange, KindsAndNames) {
  const auto insert = parsed("table public.\"T: INSERT: x\": INSERT: id[integer]:5");
  EXPECT_EQ(insert.kind, ChangeKind::insert);
  EXPECT_EQ(insert.relations, "public.\"T: INSERT: x\"");
  EXPECT_EQ(insert.row, " id[integer]:5");
  EXPECT_EQ(parsed("table a.b: UPDATE: id[integer]:5").kind, ChangeKind::update);
  EXPECT_EQ(parsed("table a.b: DELETE: (no-tuple-data)").kind, ChangeKind::remove);
  EXPECT_EQ(parsed("table \"s\"\".\"\"x\".\"a.b\": DELETE: (no-tuple-data)").relations,
            "\"s\"\".\"\"x\".\"a.b\"");
}

TEST(DecodedChange, TruncateNamesSeveral) {
  const auto change =
      parsed("table public.a, public.\"b, c.d: TRUNCATE:\", \"S\".e: TRUNCATE: restart_seqs cascade");
  EXPECT_EQ(change.kind, ChangeKind::truncate);
  std::string_view list = change.relations;
  EXPECT_EQ(next_relation(list), "public.a");
  EXPECT_EQ(next_relation(list), "public.\"b, c.d: TRUNCATE:\"");
  EXPECT_EQ(next_relation(list), "\"S\".e");
  EXPECT_EQ(next_relation(list), "");
}

TEST(DecodedChange, Messages) {
  const auto plain = parsed("message: transactional: 1 prefix: forebay, sz: 8 content:12345678");
  EXPECT_EQ(plain.kind, ChangeKind::message);
  EXPECT_EQ(plain.prefix, "forebay");
  EXPECT_EQ(plain.content, "12345678");
  const auto tricky = parsed("message: transactional: 0 prefix: a, sz: 3 content:b, sz: 1 content:c");
  EXPECT_EQ(tricky.prefix, "a, sz: 3 content:b");
  EXPECT_EQ(tricky.content, "c");
  EXPECT_EQ(parsed("message: transactional: 1 prefix: , sz: 0 content:").content, "");
}

TEST(DecodedChange, KeyOfAnInsert) {
  constexpr auto kLine =
      "table public.t: INSERT: id[integer]:5 name[character varying]:'it''s' n[numeric]:null "
      "b[bit varying]:B'01' f[double precision]:-Infinity ok[boolean]:true";
  EXPECT_EQ(keys(kLine, "id"), Strings{"5"});
  EXPECT_EQ(keys(kLine, "name"), Strings{"it's"});
  EXPECT_EQ(keys(kLine, "n"), Strings{});
  EXPECT_EQ(keys(kLine, "b"), Strings{"01"});
  EXPECT_EQ(keys(kLine, "f"), Strings{"-Infinity"});
  EXPECT_EQ(keys(kLine, "ok"), Strings{"true"});
  EXPECT_EQ(keys(kLine, "absent"), Strings{});
  EXPECT_EQ(keys("table public.t: INSERT: (no-tuple-data)", "id"), Strings{});
  EXPECT_EQ(keys("table public.t: INSERT: id[text]:''", "id"), Strings{""});
}

TEST(DecodedChange, KeyOfADelete) {
  EXPECT_EQ(keys("table public.t: DELETE: id[integer]:5", "id"), Strings{"5"});
  EXPECT_EQ(keys("table public.t: DELETE: (no-tuple-data)", "id"), Strings{});
}

TEST(DecodedChange, KeysOfAnUpdate) {
  EXPECT_EQ(keys("table public.t: UPDATE: id[integer]:5 v[text]:'x'", "id"), Strings{"5"});
  EXPECT_EQ(keys("table public.t: UPDATE: old-key: id[integer]:5 new-tuple: id[integer]:6 v[text]:'x'", "id"),
            (Strings{"5", "6"}));
  // What is not printed on one side is not known on the other either.
  EXPECT_EQ(keys("table public.t: UPDATE: old-key: a[integer]:5 new-tuple: a[integer]:5 b[integer]:6", "b"),
            Strings{});
  EXPECT_EQ(
      keys("table public.t: UPDATE: old-key: a[text]:'k' new-tuple: a[text]:unchanged-toast-datum", "a"),
      Strings{});
  EXPECT_EQ(keys("table public.t: UPDATE: old-key: a[text]:'k' new-tuple: (no-tuple-data)", "a"), Strings{});
  EXPECT_EQ(keys("table public.t: UPDATE: old-key: new-tuple: a[text]:'k'", "a"), Strings{});
  EXPECT_EQ(keys("table public.t: UPDATE: (no-tuple-data)", "a"), Strings{});
}

TEST(DecodedChange, ValuesThatLookLikeTheForm) {
  EXPECT_EQ(keys("table public.t: UPDATE: old-key: k[text]:'a'' new-tuple: k[text]:''b' new-tuple: "
                 "k[text]:' id[integer]:7' id[integer]:1",
                 "k"),
            (Strings{"a' new-tuple: k[text]:'b", " id[integer]:7"}));
  EXPECT_EQ(keys("table public.t: INSERT: v[text]:'x'' id[integer]:7 '\n' w[text]:'' id[integer]:8", "id"),
            Strings{"malformed"});
  EXPECT_EQ(keys("table public.t: INSERT: v[text]:'x'' id[integer]:7 ''\n' w[text]:'' id[integer]:8", "id"),
            Strings{"8"});
  EXPECT_EQ(keys("table public.t: INSERT: v[text]:'\\' id[integer]:8", "id"), Strings{"8"});
}

TEST(DecodedChange, ColumnsThatLookLikeTheForm) {
  EXPECT_EQ(keys("table public.t: INSERT: \"id[integer]:7\"[integer]:1 id[integer]:2", "id"), Strings{"2"});
  EXPECT_EQ(keys("table public.t: INSERT: \"a\"\"]b\"[integer]:1", "a\"]b"), Strings{"1"});
  EXPECT_EQ(keys("table public.t: INSERT: \"Id\"[integer]:1 id[integer]:2", "Id"), Strings{"1"});
  EXPECT_EQ(keys("table public.t: INSERT: \"id\"\"\"[integer]:1 id[integer]:2", "id"), Strings{"2"});
  EXPECT_EQ(keys("table public.t: UPDATE: \"new-tuple:\"[integer]:1 id[integer]:2", "id"), Strings{"2"});
  EXPECT_EQ(keys("table public.t: UPDATE: \"old-key:\"[integer]:1 id[integer]:2", "id"), Strings{"2"});
  EXPECT_EQ(keys("table public.t: UPDATE: old-key: \"new-tuple:\"[integer]:1 new-tuple: "
                 "\"new-tuple:\"[integer]:2 id[integer]:2",
                 "new-tuple:"),
            (Strings{"1", "2"}));
}

TEST(DecodedChange, Types) {
  EXPECT_EQ(
      keys("table public.t: INSERT: a[numeric[]]:'{1,2}' b[timestamp without time zone]:'x' id[integer]:2",
           "id"),
      Strings{"2"});
  EXPECT_EQ(keys("table public.t: INSERT: a[public.\"My ]:'x' Type\"[]]:'y' id[integer]:2", "id"),
            Strings{"2"});
  EXPECT_EQ(keys("table public.t: INSERT: a[\"char\"]:'y' id[integer]:2", "id"), Strings{"2"});
}

TEST(DecodedChange, RowsThatAreNotOfTheForm) {
  for (const char* row :
       {"id[integer]", "id[integer]:", "id:5", "id[integer:5", "id[[integer]:5", "[integer]:5",
        "id[integer]:'5", "id[integer]:'5'x", "\"id[integer]:5", "id[\"x]:5", " id[integer]:5"}) {
    EXPECT_EQ(keys(std::string("table a.b: INSERT: ") + row, "id"), Strings{"malformed"}) << row;
  }
  EXPECT_EQ(keys("table a.b: UPDATE: old-key: id[integer]:5", "id"), Strings{"malformed"});
  EXPECT_EQ(keys("table a.b: INSERT:id[integer]:5", "id"), Strings{"malformed"});
}

}  // namespace
}  // namespace forebay::cache
