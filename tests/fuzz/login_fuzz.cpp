#include "backend/login.hpp"
#include "input.hpp"

/// A server's messages while we log in. Before AuthenticationOk nothing is finished, and a server that begins
/// SCRAM and cannot know the keys is never believed.
namespace {

using namespace forebay;
using fuzz::expect;
using fuzz::Input;

backend::Credentials credentials(std::size_t kind) {
  static const wire::ScramKeys keys = wire::derive_scram_keys("pencil", "salt", 1);
  switch (kind) {
    case 1:
      return wire::SecretText("pencil");
    case 2:
      return keys;
    case 3:
      return wire::Md5Hash::from_password("user", "pencil");
    default:
      return std::monostate();
  }
}

bool has_code(std::string_view body, std::uint32_t code) {
  return body.size() >= 4 && load_u32(as_bytes(body).data()) == code;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  const std::size_t kind = input.below(4);
  const std::vector<std::byte> binding(input.flag() ? 32 : 0);
  backend::Login login({{"database", "db"}, {"user", "user"}}, credentials(kind), !binding.empty(), binding);
  wire::Writer reply;
  login.start(reply);
  bool admitted = false;
  bool in_scram = false;
  while (!input.empty() && !login.is_finished()) {
    const char type = static_cast<char>(input.byte());
    const std::string_view body = input.take(input.byte());
    if (!login.on_message(type, body, reply)) {
      expect(!login.refusal().ours.message.empty() || type == 'E');
      return 0;
    }
    in_scram = in_scram || (type == 'R' && has_code(body, 10));
    admitted = admitted || (type == 'R' && has_code(body, 0));
  }
  expect(!login.is_finished() || (admitted && !in_scram));
  return 0;
}
