#include "input.hpp"
#include "wire/data_row.hpp"
#include "wire/writer.hpp"

/// A row of a server's answer to a question of ours. What is understood, written again, is the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  forebay::fuzz::Input input(bytes, size);
  const std::string_view body = input.rest();
  const auto row = forebay::wire::parse_data_row(body);
  if (!row) return 0;
  forebay::wire::Writer writer;
  writer.begin('D').u16(static_cast<std::uint16_t>(row->size()));
  for (const auto& column : *row) {
    if (column) {
      writer.u32(static_cast<std::uint32_t>(column->size())).text(*column);
    } else {
      writer.u32(0xffff'ffff);
    }
  }
  writer.end();
  forebay::fuzz::expect(forebay::as_text(writer.bytes()).substr(5) == body);
  return 0;
}
