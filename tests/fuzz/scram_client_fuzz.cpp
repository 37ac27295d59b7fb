#include "input.hpp"
#include "wire/scram_client.hpp"
#include "wire/scram_server.hpp"

/// What a server sends while we log in. One that makes its messages up must never be believed; of an honest
/// one, only messages that nobody has tampered with.
namespace {

using namespace forebay::wire;
using forebay::fuzz::expect;
using forebay::fuzz::Input;

constexpr std::string_view kMechanisms("SCRAM-SHA-256\0\0", 15);

ScramClient client(std::vector<std::byte> binding = {}) {
  static const ScramKeys keys = derive_scram_keys("pencil", "salt of the role", 1);
  ScramClient client(keys, true, std::move(binding));
  client.set_nonce("of-the-client");
  return client;
}

void take_anything(Input& input) {
  ScramClient scram = client(std::vector<std::byte>(input.flag() ? 32 : 0));
  const auto first = scram.start(forebay::as_bytes(input.take(input.byte())));
  const auto response = scram.respond(input.take(input.byte()));
  expect(first || !response);
  expect(!scram.finish(input.rest()) && !scram.finished());
}

void tamper(Input& input) {
  static const auto verifier = ScramVerifier::from_password("pencil", "salt of the role", 1);
  ScramServer server(verifier, {}, "of-the-server");
  ScramClient scram = client();
  const auto challenge = server.start(kScramSha256, *scram.start(forebay::as_bytes(kMechanisms)));
  const std::string first = forebay::fuzz::tampered(*challenge, input);
  const auto response = scram.respond(first);
  expect(response || first != *challenge);
  const auto proof = server.finish(response ? *response : "");
  expect(proof.has_value() == (first == *challenge));
  const std::string final = proof ? forebay::fuzz::tampered(*proof, input) : std::string(input.rest());
  const bool believed = scram.finish(final).has_value();
  expect(believed == (proof && final == *proof) && believed == scram.finished());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  input.flag() ? take_anything(input) : tamper(input);
  return 0;
}
