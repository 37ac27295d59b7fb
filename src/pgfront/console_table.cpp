#include "pgfront/console_table.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "base/utf8.hpp"
#include "wire/protocol.hpp"

namespace forebay::pgfront {

namespace {

constexpr std::uint32_t kNullCell = 0xFFFF'FFFF;

std::string big_endian(std::uint64_t value, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = size; i-- > 0; value >>= 8) bytes[i] = static_cast<char>(value & 0xFF);
  return bytes;
}

std::uint16_t wire_size(ColumnType type) {
  switch (type) {
    case ColumnType::int4:
      return 4;
    case ColumnType::int8:
      return 8;
    case ColumnType::text:
    case ColumnType::numeric:
      break;
  }
  return 0xFFFF;
}

}  // namespace

bool ResultFormats::fits(std::size_t columns) const {
  return codes_.size() <= 1 || codes_.size() == columns;
}

void RowWriter::start_cell() {
  if (column_ == 0) writer_.begin(wire::server::kDataRow).u16(static_cast<std::uint16_t>(columns_.size()));
}

void RowWriter::end_cell() {
  if (++column_ < columns_.size()) return;
  column_ = 0;
  writer_.end();
}

void RowWriter::sized(std::string_view value) {
  start_cell();
  writer_.u32(static_cast<std::uint32_t>(value.size())).text(value);
  end_cell();
}

RowWriter& RowWriter::text(std::string_view value) {
  // The console speaks UTF-8; names and texts of clients may be anything.
  sized(is_utf8(value) ? value : std::string_view(as_utf8(value)));
  return *this;
}

RowWriter& RowWriter::number(std::uint64_t value) {
  const ColumnType type = columns_[column_].type;
  if (type == ColumnType::text || !formats_.is_binary(column_)) {
    sized(fmt::format_int(value).c_str());
  } else if (type == ColumnType::numeric) {
    sized(numeric_binary(value));
  } else {
    sized(big_endian(value, wire_size(type)));
  }
  return *this;
}

RowWriter& RowWriter::milliseconds(std::uint64_t micros) {
  const bool is_binary = formats_.is_binary(column_);
  sized(is_binary ? thousandths_binary(micros) : fmt::format("{}.{:03}", micros / 1000, micros % 1000));
  return *this;
}

RowWriter& RowWriter::null() {
  start_cell();
  writer_.u32(kNullCell);
  end_cell();
  return *this;
}

void write_row_description(wire::Writer& writer, const Columns& columns, const ResultFormats& formats) {
  writer.begin(wire::server::kRowDescription).u16(static_cast<std::uint16_t>(columns.size()));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    constexpr std::uint32_t kNoTable = 0;
    constexpr std::uint32_t kNoModifier = 0xFFFF'FFFF;
    writer.cstring(columns[i].name).u32(kNoTable).u16(0).u32(static_cast<std::uint32_t>(columns[i].type));
    writer.u16(wire_size(columns[i].type)).u32(kNoModifier).u16(formats.is_binary(i) ? 1 : 0);
  }
  writer.end();
}

namespace {

/// To the base of ten thousand, the highest first; of zero there are none.
std::vector<std::uint16_t> digits_of(std::uint64_t value) {
  constexpr std::uint64_t kBase = 10'000;
  std::vector<std::uint16_t> digits;
  for (; value != 0; value /= kBase) digits.push_back(static_cast<std::uint16_t>(value % kBase));
  std::ranges::reverse(digits);
  return digits;
}

/// `digits`: the first one is of 10,000^weight. `decimals`: how many to show behind the point.
std::string numeric_binary(std::vector<std::uint16_t> digits, int weight, std::uint16_t decimals) {
  while (!digits.empty() && digits.back() == 0) digits.pop_back();
  if (digits.empty()) weight = 0;
  constexpr std::uint16_t kPositive = 0;
  std::string bytes = big_endian(digits.size(), 2) + big_endian(static_cast<std::uint16_t>(weight), 2);
  bytes += big_endian(kPositive, 2) + big_endian(decimals, 2);
  for (const std::uint16_t digit : digits) bytes += big_endian(digit, 2);
  return bytes;
}

}  // namespace

std::string numeric_binary(std::uint64_t value) {
  auto digits = digits_of(value);
  const int weight = static_cast<int>(digits.size()) - 1;
  return numeric_binary(std::move(digits), weight, 0);
}

std::string thousandths_binary(std::uint64_t thousandths) {
  auto digits = digits_of(thousandths / 1000);
  const int weight = static_cast<int>(digits.size()) - 1;
  digits.push_back(static_cast<std::uint16_t>(thousandths % 1000 * 10));
  return numeric_binary(std::move(digits), weight, 3);
}

std::string timestamp(TimePoint at) {
  using std::chrono::system_clock;
  static const auto kClocks = std::pair(system_clock::now(), Clock::now());
  const auto since = std::chrono::duration_cast<system_clock::duration>(at - kClocks.second);
  const std::time_t when = system_clock::to_time_t(kClocks.first + since);
  std::tm local{};
  localtime_r(&when, &local);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %Z", &local)};
}

std::size_t size_of_rows(std::string_view rows, std::size_t count) {
  std::size_t at = 0;
  for (; count > 0 && at < rows.size(); --count) {
    at += wire::read_header(reinterpret_cast<const std::byte*>(rows.data() + at)).total();
  }
  return at;
}

}  // namespace forebay::pgfront
