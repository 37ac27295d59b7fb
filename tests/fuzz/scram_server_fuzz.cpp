#include "input.hpp"
#include "wire/scram_client.hpp"
#include "wire/scram_server.hpp"

/// What a client sends to log in. Made-up messages must never succeed; of an honest exchange, only the one
/// that nobody has tampered with may.
namespace {

using namespace forebay::wire;
using forebay::fuzz::expect;
using forebay::fuzz::Input;

constexpr std::string_view kMechanisms("SCRAM-SHA-256\0\0", 15);

const ScramKeys& keys() {
  static const ScramKeys keys = derive_scram_keys("pencil", "salt of the role", 1);
  return keys;
}

ScramServer server(std::vector<std::byte> binding = {}) {
  static const auto verifier = ScramVerifier::from_password("pencil", "salt of the role", 1);
  return {verifier, std::move(binding), "of-the-server"};
}

void take_anything(Input& input) {
  const std::vector<std::byte> binding(input.flag() ? 32 : 0);
  const std::string_view body = input.take(input.byte());
  const auto initial = parse_sasl_initial_response(forebay::as_bytes(body));
  if (!initial) return;
  if (initial->response) {
    expect(format_sasl_initial_response(initial->mechanism, *initial->response) == body);
  }
  ScramServer scram = server(binding);
  if (const auto first = scram.start(initial->mechanism, initial->response.value_or(""))) {
    expect(first->size() <= kMaxSaslFromServer);
  }
  expect(!scram.finish(input.rest()) && !scram.finished());
}

void tamper(Input& input) {
  ScramServer scram = server();
  ScramClient client(keys(), false, {});
  client.set_nonce("of-the-client");
  const auto client_first = client.start(forebay::as_bytes(kMechanisms));
  const std::string first = forebay::fuzz::tampered(*client_first, input);
  const auto challenge = scram.start(client.mechanism(), first);
  if (!challenge) return expect(first != *client_first);
  const auto client_final = client.respond(*challenge);
  if (!client_final) return expect(first != *client_first);
  const std::string final = forebay::fuzz::tampered(*client_final, input);
  const bool accepted = scram.finish(final).has_value();
  expect(accepted == (first == *client_first && final == *client_final));
  expect(accepted == scram.finished());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  input.flag() ? take_anything(input) : tamper(input);
  return 0;
}
