#include "input.hpp"
#include "wire/error_message.hpp"

/// An ErrorResponse: any bytes are tolerated, and the fields of one that we write are read back.
namespace {

using namespace forebay::wire;
using forebay::fuzz::expect;
using forebay::fuzz::Input;

void take_anything(Input& input) {
  const std::string from = "_fb" + std::string(input.take(input.below(8)));
  const std::string_view to = input.take(input.below(20));
  const std::string_view body = input.rest();
  std::size_t longest = 0;
  for (int field = 1; field < 256; ++field) {
    longest = std::max(longest, error_field(body, static_cast<char>(field)).size());
  }
  expect(longest < std::max(body.size(), std::size_t{1}));
  const std::string replaced = replace_in_error(body, from, to);
  if (body.find(from) == std::string_view::npos) expect(replaced == body);
  if (to.empty()) expect(replaced.size() <= body.size());
}

void read_back(Input& input) {
  ErrorMessage error;
  error.severity = static_cast<Severity>(input.below(4));
  error.sqlstate = input.take(5);
  error.message = input.take(input.byte());
  error.detail = input.take(input.byte());
  error.hint = input.rest();
  Writer writer;
  write_error(writer, error);
  const std::string_view body = forebay::as_text(writer.bytes()).substr(5);
  const auto shown = [](std::string_view text) { return text.substr(0, text.find('\0')); };
  expect(error_field(body, 'C') == shown(error.sqlstate));
  expect(error_field(body, 'M') == shown(error.message));
  expect(error_field(body, 'D') == shown(error.detail));
  expect(error_field(body, 'H') == shown(error.hint));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  input.flag() ? take_anything(input) : read_back(input);
  return 0;
}
