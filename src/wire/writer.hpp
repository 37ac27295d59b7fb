#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace forebay::wire {

/// Builds messages one after another in a string. Not thread safe.
///
///     Writer writer;
///     writer.begin('Q').cstring("SELECT 1").end();
///     stream.write(writer.bytes());
class Writer {
 public:
  Writer& begin(char type);
  /// A start-up style packet has no type byte.
  Writer& begin_untyped();
  Writer& u8(std::uint8_t value);
  Writer& u16(std::uint16_t value);
  Writer& u32(std::uint32_t value);
  Writer& text(std::string_view value);
  /// `value` must not hold a NUL byte.
  Writer& cstring(std::string_view value);
  /// Fills the length in.
  Writer& end();

  Writer& query(std::string_view sql) { return begin('Q').cstring(sql).end(); }
  Writer& parse(std::string_view name, std::string_view sql, Bytes parameter_types);
  Writer& close_statement(std::string_view name);
  Writer& sync();

  Bytes bytes() const { return as_bytes(data_); }
  bool empty() const { return data_.empty(); }
  void clear() { data_.clear(); }

 private:
  std::string data_;
  std::size_t length_at_ = 0;
};

}  // namespace forebay::wire
