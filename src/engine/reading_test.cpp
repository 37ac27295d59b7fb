#include "engine/reading.hpp"

#include <gtest/gtest.h>

namespace forebay::engine {
namespace {

std::string settings(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  backend::SessionSettings all;
  for (const auto& [name, value] : pairs) all.emplace_back(name, value);
  return parsing_settings(std::make_shared<const backend::SessionSettings>(std::move(all)));
}

const std::string kUtc = settings({{"timezone", "UTC"}});
const std::string kParis = settings({{"timezone", "Europe/Paris"}});

Reading read(std::string_view text, std::string then, std::string_view now, bool are_certain = true) {
  return reading_as_then(*private_statement(text, {}, {}, {}, std::move(then), are_certain), now);
}

TEST(Reading, CostsNothingUnderTheSettingsOfThen) {
  const Reading same = read("SELECT 1", kUtc, kUtc);
  EXPECT_TRUE(same.is_as_then);
  EXPECT_EQ(same.there + same.back, "");
}

TEST(Reading, GoesThereAndBack) {
  const Reading one = read("(SELECT '2024-01-01'::timestamptz)", kUtc, kParis);
  EXPECT_TRUE(one.is_as_then);
  EXPECT_EQ(one.there, "SELECT WHERE pg_catalog.set_config('timezone','UTC',true) IS NULL");
  EXPECT_EQ(one.back, "SELECT WHERE pg_catalog.set_config('timezone','Europe/Paris',true) IS NULL");
  const Reading two = read("SELECT 1", settings({{"datestyle", "ISO, DMY"}}), kParis);
  EXPECT_EQ(two.there,
            "SELECT WHERE pg_catalog.set_config('datestyle','ISO, DMY',true) IS NULL OR "
            "pg_catalog.set_config('timezone',NULL,true) IS NULL");
}

TEST(Reading, ChangesNothingElse) {
  const Reading other = read("SELECT 1", settings({{"enable_seqscan", "off"}}), settings({}));
  EXPECT_EQ(other.there + other.back, "");
  EXPECT_FALSE(other.is_as_then) << "plans differ";
}

TEST(Reading, IsOfTheMomentWhereItCannotBeThatOfThen) {
  const auto is_of_the_moment = [](const Reading& reading) {
    return !reading.is_as_then && (reading.there + reading.back).empty();
  };
  EXPECT_TRUE(is_of_the_moment(read("SELECT 1", kUtc, kParis, false)));
  EXPECT_TRUE(is_of_the_moment(read("ROLLBACK", kUtc, kParis)));
  EXPECT_TRUE(is_of_the_moment(read("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", kUtc, kParis)));
  EXPECT_TRUE(
      is_of_the_moment(read("SELECT 1", settings({{"search_path", "a"}, {"timezone", "UTC"}}), kParis)));
}

}  // namespace
}  // namespace forebay::engine
