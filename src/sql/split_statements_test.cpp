#include "sql/split_statements.hpp"

#include <gtest/gtest.h>

namespace forebay::sql {
namespace {

using Pieces = std::vector<std::string_view>;

TEST(SplitStatements, CutsAtSemicolons) {
  EXPECT_EQ(split_statements("BEGIN; SELECT 1 ;;\n INSERT INTO t VALUES (';'); "),
            (Pieces{"BEGIN", "SELECT 1", "INSERT INTO t VALUES (';')"}));
  EXPECT_EQ(split_statements("SELECT 1"), Pieces{"SELECT 1"});
  EXPECT_EQ(split_statements(" ; -- nothing\n"), Pieces{});
}

TEST(SplitStatements, KeepsWhatStandsInParentheses) {
  EXPECT_EQ(split_statements("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3"),
            (Pieces{"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "SELECT 3"}));
}

TEST(SplitStatements, EndsWhereTheScannerWould) {
  EXPECT_EQ(split_statements("SELECT 1; SELECT 'x"), (Pieces{"SELECT 1", "SELECT"}));
}

}  // namespace
}  // namespace forebay::sql
