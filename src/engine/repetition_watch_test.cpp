#include "engine/repetition_watch.hpp"

#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "engine/value_text.hpp"

namespace forebay::engine {
namespace {

constexpr std::uint64_t kCourses = 1, kTeachers = 2, kLessons = 3;

std::string u16(unsigned value) {
  return {static_cast<char>(value >> 8U), static_cast<char>(value)};
}
std::string u32(unsigned value) {
  return u16(value >> 16U) + u16(value & 0xFFFFU);
}

std::string row(const std::vector<std::optional<std::string>>& values) {
  std::string body = u16(static_cast<unsigned>(values.size()));
  for (const auto& value : values) {
    body += value ? u32(static_cast<unsigned>(value->size())) + *value : u32(0xFFFFFFFF);
  }
  return body;
}

struct Described {
  std::string name;
  std::uint32_t type;
  bool is_binary;
};
std::string description(const std::vector<Described>& columns) {
  std::string body = u16(static_cast<unsigned>(columns.size()));
  for (const auto& column : columns) {
    body += column.name + '\0' + u32(0) + u16(0) + u32(column.type) + u16(4) + u32(0xFFFFFFFF) +
            u16(column.is_binary ? 1 : 0);
  }
  return body;
}

ValueHash text(const std::string& value) {
  return value_hash(value, false, 0);
}

TEST(RepetitionWatchTest, AColumnIsNamedAsItWasDescribed) {
  RepetitionWatch watch;
  watch.note_columns(description({{"id", kInt4Type, true}, {"teacher_id", kInt8Type, true}}));
  for (unsigned i = 0; i < 6; ++i) watch.note_row(kCourses, row({u32(i), u32(0) + u32(100 + i)}));
  watch.note_done(kCourses);
  for (int i = 0; i < 6; ++i) watch.note_execution(kTeachers, {text(std::to_string(100 + i))});
  const auto source = watch.source_of(kTeachers, true);
  ASSERT_TRUE(source);
  EXPECT_EQ(source->statement, kCourses);
  EXPECT_EQ(source->column, "teacher_id");
  EXPECT_EQ(source->parameter, 0);
}

TEST(RepetitionWatchTest, ConstantsAndCoincidencesAreNoSource) {
  RepetitionWatch watch;
  for (int i = 0; i < 6; ++i) watch.note_row(kCourses, row({"7", std::to_string(i)}));
  watch.note_done(kCourses);
  for (int i = 0; i < 8; ++i) watch.note_execution(kTeachers, {text("7"), text(std::to_string(50 - i))});
  EXPECT_FALSE(watch.source_of(kTeachers, false))
      << "the tenant is always the same, and the key is not there";
  for (int i = 0; i < 8; ++i) watch.note_execution(kLessons, {text(std::to_string(i))});
  ASSERT_TRUE(watch.source_of(kLessons, false)) << "six of eight are";
  EXPECT_EQ(watch.source_of(kLessons, false)->column, "2");
}

TEST(RepetitionWatchTest, OfTwoColumnsTheCloserOne) {
  RepetitionWatch watch;
  for (int i = 0; i < 20; ++i) watch.note_row(kCourses, row({std::to_string(i), std::to_string(i % 5)}));
  for (int i = 0; i < 20; ++i) watch.note_execution(kTeachers, {text(std::to_string(i % 5))});
  EXPECT_EQ(watch.source_of(kTeachers, false)->column, "2");
}

TEST(RepetitionWatchTest, OneResultForEachIsEnoughOnlyWhereTheyBelongTogether) {
  RepetitionWatch watch;
  for (int i = 0; i < 6; ++i) {
    watch.note_row(kCourses, row({std::to_string(i)}));
    watch.note_done(kCourses);
    watch.note_execution(kTeachers, {text(std::to_string(i))});
  }
  EXPECT_TRUE(watch.source_of(kTeachers, false));
  EXPECT_FALSE(watch.source_of(kTeachers, true)) << "a session, and its user, of six requests";
}

TEST(RepetitionWatchTest, OnlyWhatCameBefore) {
  RepetitionWatch watch;
  for (int i = 0; i < 6; ++i) watch.note_execution(kTeachers, {text(std::to_string(i))});
  for (int i = 0; i < 6; ++i) watch.note_row(kCourses, row({std::to_string(i)}));
  EXPECT_FALSE(watch.source_of(kTeachers, false));
}

TEST(RepetitionWatchTest, BrokenBytesArePassedOver) {
  RepetitionWatch watch;
  watch.note_columns("");
  watch.note_columns(u16(9) + "name");
  watch.note_row(kCourses, "");
  watch.note_row(kCourses, u16(3) + u32(99) + "short");
  watch.note_row(kCourses, u16(2) + u32(1));
  watch.note_row(kCourses, row({std::nullopt, "", "a"}));
  watch.note_execution(kTeachers, {0, text("a")});
  EXPECT_FALSE(watch.source_of(kTeachers, false));
}

TEST(ValueHashTest, TextAndBinaryAreEqual) {
  EXPECT_EQ(value_hash(u32(42), true, kInt4Type), text("42"));
  EXPECT_EQ(value_hash(u32(0) + u32(42), true, 0), text("42"));
  EXPECT_EQ(value_hash(u16(0xFFFE), true, kInt2Type), text("-2"));
  EXPECT_EQ(value_hash(u32(42)), text("42")) << "its format is not known";
  EXPECT_EQ(value_hash("abcd", true, kTextType), text("abcd"));
  EXPECT_EQ(value_hash(u32(0x12345678) + u32(0x9ABCDEF0) + u32(1) + u32(2), true, kUuidType),
            text("12345678-9abc-def0-0000-000100000002"));
  EXPECT_EQ(literal_hash("'it''s'"), text("it's"));
  EXPECT_EQ(literal_hash("17"), text("17"));
  EXPECT_NE(text("1"), text("2"));
}

}  // namespace
}  // namespace forebay::engine
