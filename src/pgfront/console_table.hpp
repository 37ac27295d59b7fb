#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "wire/writer.hpp"

namespace forebay::pgfront {

/// The types of the console's columns, with PostgreSQL's numbers (catalog/pg_type.dat).
enum class ColumnType : std::uint32_t { int8 = 20, int4 = 23, text = 25, numeric = 1700 };

struct Column {
  std::string_view name;  ///< static text
  ColumnType type = ColumnType::text;
};

using Columns = std::vector<Column>;

/// Which columns a client asked to get in binary, as its Bind said: none, all (one code) or one by one.
class ResultFormats {
 public:
  ResultFormats() = default;
  explicit ResultFormats(std::vector<std::uint16_t> codes) : codes_(std::move(codes)) {}

  bool is_binary(std::size_t column) const {
    if (codes_.empty()) return false;
    return codes_[codes_.size() == 1 ? 0 : column] == 1;
  }
  /// Whether the codes fit a result of so many columns.
  bool fits(std::size_t columns) const;

 private:
  std::vector<std::uint16_t> codes_;
};

/// Makes DataRow messages, cell by cell. One thread at a time.
///
///     RowWriter rows(columns, formats);
///     rows.text("app").number(3).null();     // as many cells as there are columns
///     rows.take();                           // the bytes
class RowWriter {
 public:
  /// `columns` and `formats` outlive the writer.
  RowWriter(const Columns& columns, const ResultFormats& formats) : columns_(columns), formats_(formats) {}

  RowWriter& text(std::string_view value);
  RowWriter& number(std::uint64_t value);
  /// Microseconds as milliseconds, in a column of the type numeric.
  RowWriter& milliseconds(std::uint64_t micros);
  RowWriter& null();
  /// Null when it is empty.
  RowWriter& text_or_null(std::string_view value) { return value.empty() ? null() : text(value); }

  /// All rows so far, which must be complete.
  Bytes bytes() const { return writer_.bytes(); }

 private:
  void start_cell();
  void end_cell();
  void sized(std::string_view value);

  const Columns& columns_;
  const ResultFormats& formats_;
  wire::Writer writer_;
  std::size_t column_ = 0;
};

/// Appends a RowDescription (https://www.postgresql.org/docs/15/protocol-message-formats.html).
void write_row_description(wire::Writer& writer, const Columns& columns, const ResultFormats& formats);

/// PostgreSQL's binary form of a number as numeric (numeric_send in utils/adt/numeric.c): a whole one, or so
/// many thousandths.
std::string numeric_binary(std::uint64_t value);
std::string thousandths_binary(std::uint64_t thousandths);

/// Wall-clock time of an instant, as PgBouncer writes it. By one comparison of the clocks for all, so that it
/// is the same in every answer.
std::string timestamp(TimePoint at);

/// How many bytes the first `count` rows of `rows` take.
std::size_t size_of_rows(std::string_view rows, std::size_t count);

}  // namespace forebay::pgfront
