#include "base/utf8.hpp"
#include "config/document.hpp"
#include "config/loader.hpp"
#include "config/yaml_writer.hpp"
#include "input.hpp"

/// A configuration file: any bytes give settings or at least one problem. And what we write as YAML is read
/// back.
namespace {

using namespace forebay::config;
using forebay::fuzz::expect;

std::optional<std::string> variable(const std::string& name) {
  if (name == "PASSWORD") return "a: [b, \"${PASSWORD}";
  return std::nullopt;
}

void load_anything(std::string_view text) {
  const Loaded loaded =
      load_all({.file = "forebay.yaml", .text = std::string(text), .overrides = {}, .environment = variable});
  expect((loaded.settings != nullptr) == loaded.problems.empty());
  for (const Problem& problem : loaded.problems) {
    expect(!problem.text.empty() && to_string(problem).find('\n') == std::string::npos);
  }
}

void read_back(std::string_view value) {
  if (!forebay::is_utf8(value)) return;
  std::vector<Problem> problems;
  const NodePtr root = parse_document("key: " + yaml_text(value), "text", variable, problems);
  expect(root != nullptr && problems.empty() && root->entries.size() == 1);
  expect(root->entries[0].value->text == value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  forebay::fuzz::Input input(bytes, size);
  input.flag() ? load_anything(input.rest()) : read_back(input.rest());
  return 0;
}
