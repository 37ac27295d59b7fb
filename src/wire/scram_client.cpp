#include "wire/scram_client.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "wire/sasl.hpp"
#include "wire/scram_crypto.hpp"
#include "wire/scram_text.hpp"

namespace forebay::wire {
namespace {

constexpr std::string_view kServerFirst = "server-first-message";
constexpr std::string_view kServerFinal = "server-final-message";
constexpr std::size_t kLongestShown = 200;

Error malformed(std::string_view which, std::string_view why) {
  return {ErrorCode::invalid_input,
          fmt::format("the server sent a malformed SCRAM {} ({}); is it PostgreSQL, and nothing in between?",
                      which, why)};
}

Error out_of_turn() {
  return {ErrorCode::invalid_input, "the server sent SCRAM messages out of order"};
}

/// The names in AuthenticationSASL. Nothing when the list is not ended as it should be.
std::optional<std::vector<std::string_view>> split_mechanisms(std::string_view list) {
  std::vector<std::string_view> names;
  for (;;) {
    const std::size_t end = list.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view name = list.substr(0, end);
    list.remove_prefix(end + 1);
    if (name.empty()) break;
    names.push_back(name);
  }
  if (!list.empty()) return std::nullopt;
  return names;
}

/// A server's words, fit for a log line.
std::string printable(std::string_view text) {
  std::string result(text.substr(0, kLongestShown));
  std::ranges::replace_if(
      result, [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  return result;
}

}  // namespace

ScramClient::ScramClient(ScramKeys keys, bool tls, std::vector<std::byte> binding)
    : have_keys_(true), tls_(tls), keys_(std::move(keys)), binding_(std::move(binding)) {}

ScramClient::ScramClient(SecretText password, bool tls, std::vector<std::byte> binding)
    : have_keys_(false), tls_(tls), password_(std::move(password)), binding_(std::move(binding)) {}

Result<std::string> ScramClient::start(Bytes mechanism_list) {
  if (std::exchange(state_, State::failed) != State::fresh) return out_of_turn();
  const auto names = split_mechanisms(as_text(mechanism_list));
  if (!names) return malformed("mechanism list", "it is not ended as it should be");
  const auto offers = [&](std::string_view name) { return std::ranges::find(*names, name) != names->end(); };
  if (offers(kScramSha256Plus) && !binding_.empty()) {
    mechanism_ = kScramSha256Plus;
    binding_flag_ = 'p';
  } else if (offers(kScramSha256)) {
    mechanism_ = kScramSha256;
    // 'y' says that we could bind and were not offered it; a server that did offer it then knows of a forger.
    // Where there is nothing to bind to, 'y' would be a lie.
    binding_flag_ = tls_ && !binding_.empty() ? 'y' : 'n';
  } else {
    return Error{
        ErrorCode::unsupported,
        fmt::format("the server offers no SASL mechanism that Forebay knows ({}); it knows SCRAM-SHA-256",
                    printable(fmt::format("{}", fmt::join(*names, ", "))))};
  }
  if (nonce_.empty()) nonce_ = make_scram_nonce();
  client_first_bare_ = fmt::format("n={},r={}", user_, nonce_);
  state_ = State::started;
  return gs2_header_for(binding_flag_) + client_first_bare_;
}

Result<std::string> ScramClient::respond(std::string_view server_first) {
  if (std::exchange(state_, State::failed) != State::started) return out_of_turn();
  if (const auto read = read_server_first(server_first); !read) return read.error();
  const std::string without_proof =
      fmt::format("c={},r={}", channel_binding_attribute(binding_flag_, binding_), nonce_);
  auth_message_ = fmt::format("{},{},{}", client_first_bare_, server_first, without_proof);
  const ScramKey signature = scram_hmac(scram_hash(keys_.client_key), auth_message_);
  state_ = State::responded;
  return fmt::format("{},p={}", without_proof, to_base64(scram_xor(keys_.client_key, signature).bytes()));
}

Result<void> ScramClient::read_server_first(std::string_view message) {
  if (message.size() > kMaxSaslFromServer) return malformed(kServerFirst, "it is too long");
  AttributeReader attributes(message);
  const auto nonce = attributes.expect('r');
  const auto salt_text = attributes.expect('s');
  const auto iterations_text = attributes.expect('i');
  if (!iterations_text) return malformed(kServerFirst, attributes.fault());
  if (!attributes.at_end()) return malformed(kServerFirst, "there is something after the iteration count");
  if (!is_scram_printable(*nonce) || !nonce->starts_with(nonce_) || nonce->size() == nonce_.size()) {
    return malformed(kServerFirst, "the nonce does not continue ours");
  }
  auto salt = from_base64(*salt_text);
  if (!salt || salt->empty() || salt->size() > kMaxScramSaltSize)
    return malformed(kServerFirst, "the salt is not usable");
  const auto iterations = parse_scram_iterations(*iterations_text);
  if (!iterations) return malformed(kServerFirst, "the iteration count is not a number above zero");
  nonce_ = *nonce;
  return use_salt(*std::move(salt), *iterations);
}

Result<void> ScramClient::use_salt(std::string salt, std::uint32_t iterations) {
  if (have_keys_) {
    if (salt == keys_.salt && iterations == keys_.iterations) return {};
    return Error{
        ErrorCode::authentication,
        "the server's SCRAM verifier is not the one that the keys at hand belong to: the role's password has "
        "been changed, or this is another server; look the verifier up again"};
  }
  if (iterations > kMaxScramIterations) {
    return Error{
        ErrorCode::limit,
        fmt::format("the server asks for {} SCRAM iterations, more than the {} that Forebay computes; lower "
                    "scram_iterations there and set the role's password again",
                    iterations, kMaxScramIterations)};
  }
  keys_ = derive_scram_keys(password_.view(), std::move(salt), iterations);
  password_ = SecretText();
  return {};
}

Result<void> ScramClient::finish(std::string_view server_final) {
  if (std::exchange(state_, State::failed) != State::responded) return out_of_turn();
  if (server_final.size() > kMaxSaslFromServer) return malformed(kServerFinal, "it is too long");
  AttributeReader attributes(server_final);
  const auto attribute = attributes.any();
  if (!attribute) return malformed(kServerFinal, attributes.fault());
  if (attribute->name == 'e') {
    return Error{ErrorCode::authentication,
                 fmt::format("the server refused the SCRAM exchange: {}", printable(attribute->value))};
  }
  if (attribute->name != 'v') return malformed(kServerFinal, "it has no signature");
  if (!attributes.at_end()) return malformed(kServerFinal, "there is something after the signature");
  const auto bytes = from_base64(attribute->value);
  const auto signature = bytes ? ScramKey::from(*bytes) : std::nullopt;
  if (!signature) return malformed(kServerFinal, "the signature is not 32 bytes in base64");
  if (*signature != scram_hmac(keys_.server_key, auth_message_)) {
    return Error{ErrorCode::authentication,
                 "the server's SCRAM signature is wrong: it does not know the role's verifier, so it is not "
                 "the server "
                 "that it should be; check the address and who answers there"};
  }
  state_ = State::finished;
  return {};
}

}  // namespace forebay::wire
