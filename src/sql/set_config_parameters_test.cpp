#include "sql/set_config_parameters.hpp"

#include <gtest/gtest.h>

namespace forebay::sql {
namespace {

using Numbers = std::vector<int>;

TEST(SetConfigParameters, AreThoseThatStandForNames) {
  EXPECT_EQ(set_config_parameters("SELECT set_config($1, $2, false)"), Numbers{1});
  EXPECT_EQ(set_config_parameters("SELECT $1, pg_catalog.SET_CONFIG ( /* it */ $12::text, $2, $3)"),
            Numbers{12});
  EXPECT_EQ(set_config_parameters("SELECT \"set_config\"($2::text::varchar, $1, true)"), Numbers{2});
  EXPECT_EQ(set_config_parameters("SELECT set_config($1, $2, false), set_config($3, 'x', false)"),
            (Numbers{1, 3}));
}

TEST(SetConfigParameters, AreNoneWhereNamesAreConstants) {
  EXPECT_EQ(set_config_parameters("SELECT set_config('app.tenant', $1, false)"), Numbers{});
  EXPECT_EQ(set_config_parameters("SELECT 'set_config($1, $2, false)', set_config FROM t"), Numbers{});
}

TEST(SetConfigParameters, CannotBeToldWhereANameComesFromElsewhere) {
  for (const char* text : {
           "SELECT set_config('app.' || $1, $2, false)",
           "SELECT set_config($1 || 'x', $2, false)",
           "SELECT set_config($1::name, $2, false)",
           "SELECT set_config($1::varchar(3), $2, false)",
           "SELECT set_config(CAST($1 AS text), $2, false)",
           "SELECT set_config(setting_name => $1, new_value => $2, is_local => false)",
           "SELECT set_config(k, v, false) FROM t",
           "SELECT set_config(E'app\\.x', $1, false)",
           "SELECT set_config($1, $2, false), set_config(k, v, false) FROM t",
           "SELECT U&\"set\\005fconfig\"($1, $2, false)",
           "SELECT set_config(",
           "SELECT set_config($1, 'x",
       }) {
    EXPECT_EQ(set_config_parameters(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace forebay::sql
