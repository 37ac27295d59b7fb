#include "input.hpp"
#include "wire/secret.hpp"

/// A user list. What is understood is written again and has to be understood alike; mistakes name their line.
namespace {

using namespace forebay::wire;
using forebay::fuzz::expect;

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) result.append(c == '"' ? 2 : 1, c);
  return result + '"';
}

std::string text_of(const Secret& secret) {
  if (const auto* plain = secret.plain()) return std::string(plain->view());
  if (const auto* verifier = secret.scram()) return verifier->format();
  if (const auto* hash = secret.md5()) return hash->text();
  return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  forebay::fuzz::Input input(bytes, size);
  const auto list = parse_user_list(input.rest(), "users.txt");
  if (!list) {
    expect(list.error().text.starts_with("users.txt:"));
    return 0;
  }
  std::string text;
  for (const auto& [name, secret] : *list) {
    text += quoted(name) + " " + quoted(text_of(secret)) + "\n";
  }
  const auto again = parse_user_list(text, "users.txt");
  expect(again && again->size() == list->size());
  for (const auto& [name, secret] : *list) {
    const auto found = again->find(name);
    expect(found != again->end() && text_of(found->second) == text_of(secret));
  }
  return 0;
}
