#include <algorithm>

#include "engine/read_request.hpp"
#include "engine/statement_names.hpp"
#include "input.hpp"
#include "wire/writer.hpp"

/// A client's batch that may be answered from memory. Only a whole one is understood, whatever comes behind
/// it; and of one that we write, each value is found.
namespace {

using namespace forebay;
using engine::ReadBatch;
using engine::ReadRequest;
using fuzz::expect;
using fuzz::Input;

const engine::StatementNames& names() {
  static const engine::StatementNames names = [] {
    engine::StatementNames known;
    known.settle("s",
                 engine::private_statement("SELECT $1", as_bytes(std::string_view("\0\0\0\x17", 4)), {}));
    return known;
  }();
  return names;
}

bool alike(const ReadRequest& a, const ReadRequest& b) {
  return a.simple == b.simple && a.parses == b.parses && a.describes == b.describes &&
         a.max_rows == b.max_rows && a.text == b.text && a.types == b.types && a.values == b.values;
}

bool alike(const ReadBatch& a, const ReadBatch& b) {
  return a.size == b.size &&
         std::ranges::equal(a.requests, b.requests,
                            [](const ReadRequest& x, const ReadRequest& y) { return alike(x, y); });
}

void take_anything(Input& input) {
  const std::size_t cut = input.byte();
  const std::string_view bytes = input.rest();
  ReadBatch batch;
  if (!batch.read(bytes, &names())) return;
  expect(batch.size <= bytes.size() && !batch.requests.empty() &&
         batch.requests.size() <= ReadBatch::kMostRequests);
  const std::string_view alone = bytes.substr(0, batch.size);
  ReadBatch again;
  expect(!again.read(alone.substr(0, cut % alone.size()), &names()));
  expect(again.read(alone, &names()) && alike(again, batch));
  for (const ReadRequest& request : batch.requests) {
    expect(!request.simple || batch.requests.size() == 1);
    for (int parameter = -1; parameter < 300; ++parameter) {
      if (const auto value = bound_value(request, parameter)) {
        expect(!request.simple && parameter > 0 && value->bytes.size() <= request.values.size());
      }
    }
  }
}

void read_back(Input& input) {
  const std::size_t formats = input.below(3);
  const std::string_view first = input.piece();
  const std::string_view second = input.piece();
  const std::string_view text = input.piece();
  const bool binary = input.flag();
  wire::Writer writer;
  writer.parse("", text, as_bytes(std::string_view("\0\0\0\x17", 4)));
  writer.begin('B').cstring("").cstring("").u16(static_cast<std::uint16_t>(formats));
  for (std::size_t i = 0; i < formats; ++i) writer.u16(binary ? 1 : 0);
  writer.u16(3).u32(static_cast<std::uint32_t>(first.size())).text(first).u32(0xffff'ffff);
  writer.u32(static_cast<std::uint32_t>(second.size())).text(second).u16(0).end();
  writer.begin('E').cstring("").u32(0).end().sync();
  ReadBatch batch;
  const bool is_read = batch.read(as_text(writer.bytes()), nullptr);
  if (first.size() + second.size() + text.size() > 32'000) return;
  expect(is_read && batch.size == writer.bytes().size() && batch.requests.size() == 1);
  const ReadRequest* request = batch.requests.data();
  expect(request->text == text);
  const auto one = bound_value(*request, 1);
  const auto three = bound_value(*request, 3);
  expect(one && one->bytes == first && one->type == 23 && one->binary == (binary && formats > 0));
  expect(three && three->bytes == second && three->type == 0 && three->binary == (binary && formats == 1));
  expect(!bound_value(*request, 0) && !bound_value(*request, 2) && !bound_value(*request, 4));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  input.flag() ? take_anything(input) : read_back(input);
  return 0;
}
