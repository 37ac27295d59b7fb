#include "wire/scram_server.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "wire/scram_crypto.hpp"
#include "wire/scram_text.hpp"

namespace forebay::wire {
namespace {

// The texts are PostgreSQL's, so that a client sees what it would see there.

SaslFailure malformed(std::string detail) {
  return {"08P01", "malformed SCRAM message", std::move(detail)};
}

/// What must hold for any message before it is read.
SaslResult<void> check_shape(std::string_view message) {
  if (message.empty()) return malformed("The message is empty.");
  if (message.size() > kMaxSaslFromClient) {
    return malformed(fmt::format("The message is longer than {} bytes.", kMaxSaslFromClient));
  }
  if (message.find('\0') != std::string_view::npos) {
    return malformed("Message length does not match input length.");
  }
  return {};
}

/// What a SASL message begins with, and a zero byte when there is nothing left.
char front_of(std::string_view text) {
  return text.empty() ? '\0' : text.front();
}

bool same_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), b.size()) == 0;
}

}  // namespace

ScramServer::ScramServer(ScramVerifier verifier, std::vector<std::byte> binding)
    : ScramServer(std::move(verifier), std::move(binding), make_scram_nonce()) {}

ScramServer::ScramServer(ScramVerifier verifier, std::vector<std::byte> binding, std::string nonce)
    : verifier_(std::move(verifier)), binding_(std::move(binding)), nonce_(std::move(nonce)) {}

ScramServer ScramServer::for_unknown_user(std::string_view user, const ScramKey& secret,
                                          std::vector<std::byte> binding, std::uint32_t iterations) {
  ScramVerifier verifier;
  verifier.iterations = iterations;
  verifier.salt = as_text(scram_hmac(secret, user).bytes().first(kScramSaltSize));
  ScramServer server(std::move(verifier), std::move(binding));
  server.unknown_user_ = true;
  return server;
}

SaslResult<std::string> ScramServer::start(std::string_view mechanism, std::string_view client_first) {
  const bool expected = std::exchange(state_, State::failed) == State::fresh;
  if (!expected) return malformed("The exchange has begun already.");
  plus_ = mechanism == kScramSha256Plus && !binding_.empty();
  if (!plus_ && mechanism != kScramSha256) {
    return SaslFailure{"08P01", "client selected an invalid SASL authentication mechanism"};
  }
  if (const auto shape = check_shape(client_first); !shape) return shape.error();
  if (const auto read = read_client_first(client_first); !read) return read.error();
  server_first_ =
      fmt::format("r={},s={},i={}", nonce_, to_base64(as_bytes(verifier_.salt)), verifier_.iterations);
  state_ = State::challenged;
  return server_first_;
}

SaslResult<std::string> ScramServer::finish(std::string_view client_final) {
  const bool expected = std::exchange(state_, State::failed) == State::challenged;
  if (!expected) return malformed("The exchange has not begun or has ended already.");
  if (const auto shape = check_shape(client_final); !shape) return shape.error();
  const auto read = read_client_final(client_final);
  if (!read) return read.error();
  const std::string auth_message =
      fmt::format("{},{},{}", client_first_bare_, server_first_, read->without_proof);
  if (!accept_proof(auth_message, read->proof)) {
    return SaslFailure{SaslFailure::kWrongPassword, "password authentication failed"};
  }
  state_ = State::finished;
  return "v=" + to_base64(scram_hmac(verifier_.server_key, auth_message).bytes());
}

/// GS2 header, then the client-first-message-bare (RFC 5802 section 7).
SaslResult<void> ScramServer::read_client_first(std::string_view message) {
  std::string_view rest = message;
  if (const auto flag = read_binding_flag(rest); !flag) return flag.error();
  if (front_of(rest) == 'a') {
    return SaslFailure{"0A000", "client uses authorization identity, but it is not supported"};
  }
  if (front_of(rest) != ',') {
    return malformed(
        fmt::format("Unexpected attribute \"{}\" in client-first-message.", shown(front_of(rest))));
  }
  rest.remove_prefix(1);
  client_first_bare_ = rest;
  if (front_of(rest) == 'm') {
    return SaslFailure{"0A000", "client requires an unsupported SCRAM extension"};
  }
  AttributeReader attributes(rest);
  attributes.expect('n');  // the name is the startup message's
  const auto client_nonce = attributes.expect('r');
  if (!client_nonce) return malformed(attributes.fault());
  if (client_nonce->empty()) return malformed("The nonce is empty.");
  if (!is_scram_printable(*client_nonce)) {
    return SaslFailure{"08P01", "non-printable characters in SCRAM nonce"};
  }
  nonce_.insert(0, *client_nonce);
  while (!attributes.at_end()) {  // optional extensions, of which we know none
    if (!attributes.any()) return malformed(attributes.fault());
  }
  return {};
}

/// Reads "n,", "y," or "p=<type>," and checks it against the mechanism chosen and what we could offer.
SaslResult<void> ScramServer::read_binding_flag(std::string_view& rest) {
  binding_flag_ = front_of(rest);
  if (binding_flag_ == 'p') return read_binding_type(rest);
  if (binding_flag_ != 'n' && binding_flag_ != 'y') {
    return malformed(fmt::format("Unexpected channel-binding flag \"{}\".", shown(binding_flag_)));
  }
  if (plus_) {
    return malformed(
        "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding "
        "data.");
  }
  if (binding_flag_ == 'y' && !binding_.empty()) {
    // Somebody between us has removed SCRAM-SHA-256-PLUS from the list (RFC 5802 section 6).
    return SaslFailure{
        "28000", "SCRAM channel binding negotiation error",
        "The client supports SCRAM channel binding but thinks the server does not.  However, this "
        "server does support channel binding."};
  }
  rest.remove_prefix(1);
  if (front_of(rest) != ',') {
    return malformed(fmt::format("Comma expected, but found character \"{}\".", shown(front_of(rest))));
  }
  rest.remove_prefix(1);
  return {};
}

SaslResult<void> ScramServer::read_binding_type(std::string_view& rest) {
  if (!plus_) {
    return malformed(
        "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel "
        "binding "
        "data.");
  }
  AttributeReader header(rest);
  const auto type = header.expect('p');
  if (!type) return malformed(header.fault());
  if (*type != kEndPointBinding) {
    return SaslFailure{"08P01",
                       fmt::format("unsupported SCRAM channel-binding type \"{}\"", shown_text(*type))};
  }
  rest.remove_prefix(header.position());
  return {};
}

SaslResult<ScramServer::ClientFinal> ScramServer::read_client_final(std::string_view message) {
  AttributeReader attributes(message);
  const auto binding = attributes.expect('c');
  if (!binding) return malformed(attributes.fault());
  if (const auto checked = check_binding(*binding); !checked) return checked.error();
  const auto nonce = attributes.expect('r');
  if (!nonce) return malformed(attributes.fault());
  std::size_t without_proof = 0;
  std::string_view proof_text;
  for (char name = 0; name != 'p';) {  // optional extensions come before the proof
    without_proof = attributes.position() - 1;
    const auto attribute = attributes.any();
    if (!attribute) return malformed(attributes.fault());
    name = attribute->name;
    proof_text = attribute->value;
  }
  const auto proof_bytes = from_base64(proof_text);
  const auto proof = proof_bytes ? ScramKey::from(*proof_bytes) : std::nullopt;
  if (!proof) return malformed("Malformed proof in client-final-message.");
  if (!attributes.at_end()) return malformed("Garbage found at the end of client-final-message.");
  if (!same_in_constant_time(*nonce, nonce_)) {
    return SaslFailure{"08P01", "invalid SCRAM response", "Nonce does not match."};
  }
  return ClientFinal{message.substr(0, without_proof), *proof};
}

SaslResult<void> ScramServer::check_binding(std::string_view attribute) const {
  if (same_in_constant_time(attribute, channel_binding_attribute(binding_flag_, binding_))) return {};
  if (plus_) return SaslFailure{"28000", "SCRAM channel binding check failed"};
  return SaslFailure{"08P01", "unexpected SCRAM channel-binding attribute in client-final-message"};
}

/// ClientKey = ClientProof XOR ClientSignature, and its hash is the StoredKey (RFC 5802 section 3). The work
/// is the same for a user that does not exist.
bool ScramServer::accept_proof(std::string_view auth_message, const ScramKey& proof) {
  const ScramKey client_key = scram_xor(proof, scram_hmac(verifier_.stored_key, auth_message));
  if (scram_hash(client_key) != verifier_.stored_key || unknown_user_) return false;
  keys_ = {client_key, verifier_.server_key, verifier_.salt, verifier_.iterations};
  return true;
}

}  // namespace forebay::wire
