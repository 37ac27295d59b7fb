#include "input.hpp"
#include "wire/saslprep.hpp"

/// A password in clear as a client sends it. Plain ASCII stays as it is; what is longer does not vanish.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using forebay::fuzz::expect;
  forebay::fuzz::Input input(bytes, size);
  const std::string_view password = input.rest();
  const auto prepared = forebay::wire::saslprep(password);
  const bool plain = std::ranges::all_of(password, [](char c) { return c >= 0x20 && c < 0x7f; });
  if (plain && !password.empty()) expect(prepared && *prepared == password);
  if (prepared) expect(prepared->empty() == password.empty());
  expect(forebay::wire::prepared_password(password) == (prepared ? *prepared : password));
  return 0;
}
