#include "wire/scram.hpp"

#include <optional>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "wire/saslprep.hpp"
#include "wire/scram_crypto.hpp"
#include "wire/scram_text.hpp"
#include "wire/secret_text.hpp"

namespace forebay::wire {
namespace {

constexpr std::string_view kScheme = "SCRAM-SHA-256$";

unsigned char* raw(ScramKey& key) {
  return reinterpret_cast<unsigned char*>(key.data());
}

const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

ScramKey salted_password(std::string_view password, std::string_view salt, std::uint32_t iterations) {
  std::string prepared = prepared_password(password);
  ScramKey salted;
  const int done = PKCS5_PBKDF2_HMAC(prepared.data(), static_cast<int>(prepared.size()), raw(salt),
                                     static_cast<int>(salt.size()), static_cast<int>(iterations),
                                     EVP_sha256(), static_cast<int>(ScramKey::kSize), raw(salted));
  wipe(prepared);
  if (done != 1) throw std::runtime_error("OpenSSL cannot compute PBKDF2 with SHA-256");
  return salted;
}

std::optional<ScramKey> parse_key(std::string_view text) {
  std::optional<std::string> bytes = from_base64(text);
  if (!bytes) return std::nullopt;
  std::optional<ScramKey> key = ScramKey::from(*bytes);
  wipe(*bytes);
  return key;
}

/// Cuts `text` at the first `separator`: gives what is before it and leaves what is after it.
std::optional<std::string_view> cut(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(at + 1);
  return before;
}

std::optional<ScramVerifier> parse_verifier(std::string_view text) {
  if (!text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  const auto iterations_text = cut(text, ':');
  const auto salt_text = cut(text, '$');
  const auto stored_text = cut(text, ':');
  if (!iterations_text || !salt_text || !stored_text) return std::nullopt;
  const auto iterations = parse_scram_iterations(*iterations_text);
  auto salt = from_base64(*salt_text);
  const auto stored_key = parse_key(*stored_text);
  const auto server_key = parse_key(text);
  if (!iterations || !salt || salt->empty() || salt->size() > kMaxScramSaltSize || !stored_key ||
      !server_key) {
    return std::nullopt;
  }
  return ScramVerifier{*iterations, *std::move(salt), *stored_key, *server_key};
}

}  // namespace

ScramKey::~ScramKey() {
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

std::optional<ScramKey> ScramKey::from(std::string_view bytes) {
  if (bytes.size() != kSize) return std::nullopt;
  ScramKey key;
  bytes.copy(reinterpret_cast<char*>(key.data()), kSize);
  return key;
}

bool operator==(const ScramKey& a, const ScramKey& b) {
  return CRYPTO_memcmp(a.data(), b.data(), ScramKey::kSize) == 0;
}

ScramKey scram_hmac(const ScramKey& key, std::string_view text) {
  ScramKey result;
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(ScramKey::kSize), raw(text), text.size(), raw(result),
           &size) == nullptr) {
    throw std::runtime_error("OpenSSL cannot compute HMAC with SHA-256");
  }
  return result;
}

ScramKey scram_hash(const ScramKey& key) {
  ScramKey result;
  unsigned size = 0;
  if (EVP_Digest(key.data(), ScramKey::kSize, raw(result), &size, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL cannot compute SHA-256");
  }
  return result;
}

ScramKey scram_xor(const ScramKey& a, const ScramKey& b) {
  ScramKey result;
  for (std::size_t i = 0; i < ScramKey::kSize; ++i) result.data()[i] = a.data()[i] ^ b.data()[i];
  return result;
}

ScramKeys derive_scram_keys(std::string_view password, std::string salt, std::uint32_t iterations) {
  const ScramKey salted = salted_password(password, salt, iterations);
  return {scram_hmac(salted, "Client Key"), scram_hmac(salted, "Server Key"), std::move(salt), iterations};
}

Result<ScramVerifier> ScramVerifier::parse(std::string_view text) {
  std::optional<ScramVerifier> verifier = parse_verifier(text);
  if (!verifier) {
    return Error{ErrorCode::invalid_input,
                 "not a SCRAM-SHA-256 verifier: it must read "
                 "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey> "
                 "with the last three in base64; copy it again from pg_authid.rolpassword"};
  }
  return *std::move(verifier);
}

ScramVerifier ScramVerifier::from_password(std::string_view password, std::uint32_t iterations) {
  std::string salt(kScramSaltSize, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(salt.data()), static_cast<int>(salt.size())) != 1) {
    throw std::runtime_error("no random bytes from the system for a SCRAM salt");
  }
  return from_password(password, std::move(salt), iterations);
}

ScramVerifier ScramVerifier::from_password(std::string_view password, std::string salt,
                                           std::uint32_t iterations) {
  ScramKeys keys = derive_scram_keys(password, std::move(salt), iterations);
  return {iterations, std::move(keys.salt), scram_hash(keys.client_key), keys.server_key};
}

std::string ScramVerifier::format() const {
  return fmt::format("{}{}:{}${}:{}", kScheme, iterations, to_base64(as_bytes(salt)),
                     to_base64(stored_key.bytes()), to_base64(server_key.bytes()));
}

bool ScramVerifier::matches(std::string_view password) const {
  if (iterations > kMaxScramIterations) return false;
  return derive_scram_keys(password, salt, iterations).server_key == server_key;
}

}  // namespace forebay::wire
