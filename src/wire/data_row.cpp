#include "wire/data_row.hpp"

#include "base/bytes.hpp"

namespace forebay::wire {

std::optional<Row> parse_data_row(std::string_view body) {
  constexpr std::uint32_t kNull = 0xffff'ffff;
  const auto at = [&body] { return reinterpret_cast<const std::byte*>(body.data()); };
  if (body.size() < 2) return std::nullopt;
  const std::size_t columns = load_u16(at());
  body.remove_prefix(2);
  Row row;
  for (std::size_t i = 0; i < columns; ++i) {
    if (body.size() < 4) return std::nullopt;
    const std::uint32_t length = load_u32(at());
    body.remove_prefix(4);
    if (length == kNull) {
      row.emplace_back();
      continue;
    }
    if (length > body.size()) return std::nullopt;
    row.emplace_back(body.substr(0, length));
    body.remove_prefix(length);
  }
  if (!body.empty()) return std::nullopt;
  return row;
}

}  // namespace forebay::wire
