#include "wire/writer.hpp"

namespace forebay::wire {

Writer& Writer::begin(char type) {
  data_.push_back(type);
  return begin_untyped();
}

Writer& Writer::begin_untyped() {
  length_at_ = data_.size();
  data_.append(4, '\0');
  return *this;
}

Writer& Writer::u8(std::uint8_t value) {
  data_.push_back(static_cast<char>(value));
  return *this;
}

Writer& Writer::u16(std::uint16_t value) {
  std::byte bytes[2];
  store_u16(bytes, value);
  return text(as_text(bytes));
}

Writer& Writer::u32(std::uint32_t value) {
  std::byte bytes[4];
  store_u32(bytes, value);
  return text(as_text(bytes));
}

Writer& Writer::text(std::string_view value) {
  data_.append(value);
  return *this;
}

Writer& Writer::cstring(std::string_view value) {
  data_.append(value);
  data_.push_back('\0');
  return *this;
}

Writer& Writer::end() {
  store_u32(reinterpret_cast<std::byte*>(data_.data() + length_at_),
            static_cast<std::uint32_t>(data_.size() - length_at_));
  return *this;
}

Writer& Writer::parse(std::string_view name, std::string_view sql, Bytes parameter_types) {
  begin('P').cstring(name).cstring(sql);
  u16(static_cast<std::uint16_t>(parameter_types.size() / 4));
  return text(as_text(parameter_types)).end();
}

Writer& Writer::close_statement(std::string_view name) {
  return begin('C').u8('S').cstring(name).end();
}

Writer& Writer::sync() {
  return begin('S').end();
}

}  // namespace forebay::wire
