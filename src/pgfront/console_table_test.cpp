#include "pgfront/console_table.hpp"

#include <gtest/gtest.h>

#include "wire/data_row.hpp"
#include "wire/protocol.hpp"

namespace forebay::pgfront {
namespace {

std::string text_of(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text.push_back(static_cast<char>(byte));
  return text;
}

wire::Row only_row(Bytes rows) {
  const std::string_view text = as_text(rows);
  const auto row = wire::parse_data_row(text.substr(wire::kHeaderSize));
  EXPECT_TRUE(row.has_value());
  return row.value_or(wire::Row());
}

const Columns kColumns = {{"name"},
                          {"four", ColumnType::int4},
                          {"eight", ColumnType::int8},
                          {"sum", ColumnType::numeric},
                          {"none"}};

TEST(ConsoleTable, RowsInText) {
  const ResultFormats formats;
  RowWriter writer(kColumns, formats);
  writer.text("a").number(1).number(2).number(3).null();
  EXPECT_EQ(only_row(writer.bytes()), (wire::Row{"a", "1", "2", "3", std::nullopt}));
}

TEST(ConsoleTable, RowsInBinary) {
  const ResultFormats formats({1});
  RowWriter writer(kColumns, formats);
  writer.text("a").number(258).number(2).number(10000).null();
  EXPECT_EQ(only_row(writer.bytes()),
            (wire::Row{"a", text_of({0, 0, 1, 2}), text_of({0, 0, 0, 0, 0, 0, 0, 2}),
                       text_of({0, 1, 0, 1, 0, 0, 0, 0, 0, 1}), std::nullopt}));
}

TEST(ConsoleTable, FormatsOneByOne) {
  const ResultFormats formats({0, 1, 0, 0, 0});
  EXPECT_TRUE(formats.fits(5));
  EXPECT_FALSE(formats.fits(4));
  EXPECT_FALSE(formats.is_binary(0));
  EXPECT_TRUE(formats.is_binary(1));
}

/// As `SELECT numeric_send(n)` shows it.
TEST(ConsoleTable, NumericAsPostgresSendsIt) {
  EXPECT_EQ(numeric_binary(0), text_of({0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(numeric_binary(1), text_of({0, 1, 0, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(numeric_binary(9999), text_of({0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x0F}));
  EXPECT_EQ(numeric_binary(10001), text_of({0, 2, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1}));
  EXPECT_EQ(numeric_binary(100'000'000), text_of({0, 1, 0, 2, 0, 0, 0, 0, 0, 1}));
}

/// As `SELECT numeric_send(n::numeric(20, 3))` shows it.
TEST(ConsoleTable, ThousandthsAsPostgresSendsThem) {
  EXPECT_EQ(thousandths_binary(0), text_of({0, 0, 0, 0, 0, 0, 0, 3}));
  EXPECT_EQ(thousandths_binary(1), text_of({0, 1, 0xFF, 0xFF, 0, 0, 0, 3, 0, 10}));
  EXPECT_EQ(thousandths_binary(1500), text_of({0, 2, 0, 0, 0, 0, 0, 3, 0, 1, 0x13, 0x88}));
  EXPECT_EQ(thousandths_binary(2000), text_of({0, 1, 0, 0, 0, 0, 0, 3, 0, 2}));
  EXPECT_EQ(thousandths_binary(10'000'500), text_of({0, 3, 0, 1, 0, 0, 0, 3, 0, 1, 0, 0, 0x13, 0x88}));
}

TEST(ConsoleTable, CountsRowsByTheirHeaders) {
  const Columns columns = {{"name"}};
  const ResultFormats formats;
  RowWriter writer(columns, formats);
  writer.text("a").text("bb").text("ccc");
  const std::string_view rows = as_text(writer.bytes());
  EXPECT_EQ(size_of_rows(rows, 0), 0U);
  EXPECT_EQ(size_of_rows(rows, 1), 12U);
  EXPECT_EQ(size_of_rows(rows, 2), 25U);
  EXPECT_EQ(size_of_rows(rows, 9), rows.size());
}

}  // namespace
}  // namespace forebay::pgfront
