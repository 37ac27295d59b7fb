#include "cache/decoded_change.hpp"
#include "input.hpp"

/// Half of the inputs go to the parser as they are. The others are cut into names and values, which are
/// printed as the server would; what is read must then be what was printed.
namespace {

using namespace forebay::cache;
using forebay::fuzz::expect;
using forebay::fuzz::Input;

std::string quoted(std::string_view text, char quote) {
  std::string result(1, quote);
  for (const char c : text) result.append(c == quote ? 2 : 1, c);
  return result + quote;
}

void read_anything(std::string_view line) {
  const auto change = parse_decoded_change(line);
  if (!change) return;
  std::string_view list = change->relations;
  std::size_t names = 0;
  while (!next_relation(list).empty()) ++names;
  expect(list.empty());
  expect(change->kind == ChangeKind::truncate ? names > 0 : names <= 1);
  if (const auto keys = touched_keys(*change, "id")) {
    std::string buffer;
    for (const PrintedValue& value : keys->values()) expect(value.plain(buffer).size() <= line.size());
  }
}

void expect_keys(const std::string& line, std::string_view relation, std::string_view column,
                 std::string_view first, std::string_view last, std::size_t count) {
  const auto change = parse_decoded_change(line);
  expect(change && change->relations == relation);
  const auto keys = touched_keys(*change, column);
  expect(keys && keys->values().size() == count);
  std::string buffer;
  expect(keys->values().front().plain(buffer) == first);
  expect(keys->values().back().plain(buffer) == last);
}

/// Neither names nor values can hold a byte 0.
void read_back(Input& input) {
  const std::string_view table = input.piece();
  const std::string_view column = input.piece();
  const std::string_view other = input.piece();
  const std::string_view type = input.piece();
  const std::string_view before = input.piece();
  const std::string_view after = input.piece();
  const std::string_view data = input.rest();
  if (column == other) return;

  const std::string relation = "public." + quoted(table, '"');
  const auto print = [&](std::string_view name, std::string_view value) {
    return " " + quoted(name, '"') + "[" + quoted(type, '"') + "[]]:" + quoted(value, '\'');
  };
  const std::string new_tuple = print(other, data) + print(column, after);
  const std::string start = "table " + relation + ": ";
  expect_keys(start + "INSERT:" + new_tuple, relation, column, after, after, 1);
  expect_keys(start + "DELETE:" + print(column, before), relation, column, before, before, 1);
  expect_keys(start + "UPDATE:" + new_tuple, relation, column, after, after, 1);
  expect_keys(start + "UPDATE: old-key:" + print(column, before) + " new-tuple:" + new_tuple, relation,
              column, before, after, 2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  input.flag() ? read_anything(input.rest()) : read_back(input);
  return 0;
}
