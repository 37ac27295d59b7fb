#include "wire/md5.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/ascii.hpp"
#include "wire/secret_text.hpp"

namespace forebay::wire {
namespace {

constexpr std::string_view kPrefix = "md5";
constexpr std::size_t kHexSize = 32;

std::string md5_hex(std::string_view text) {
  std::array<unsigned char, 16> digest{};
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_md5(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL cannot compute MD5 (FIPS mode?); use scram authentication");
  }
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

bool same_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), b.size()) == 0;
}

}  // namespace

Md5Salt make_md5_salt() {
  Md5Salt salt;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(salt.data()), static_cast<int>(salt.size())) != 1) {
    throw std::runtime_error("no random bytes from the system for an md5 salt");
  }
  return salt;
}

std::optional<Md5Hash> Md5Hash::parse(std::string_view stored) {
  if (stored.size() != kPrefix.size() + kHexSize || !stored.starts_with(kPrefix)) return std::nullopt;
  if (!std::ranges::all_of(stored.substr(kPrefix.size()), is_lower_hex)) return std::nullopt;
  return Md5Hash(std::string(stored));
}

Md5Hash Md5Hash::from_password(std::string_view user, std::string_view password) {
  std::string both;
  both.reserve(password.size() + user.size());
  both.append(password).append(user);
  Md5Hash hash(std::string(kPrefix) + md5_hex(both));
  wipe(both);
  return hash;
}

std::string Md5Hash::response(Md5Salt salt) const {
  std::string salted = text_.substr(kPrefix.size());
  for (const std::byte b : salt) salted += static_cast<char>(b);
  return std::string(kPrefix) + md5_hex(salted);
}

bool Md5Hash::accepts(std::string_view answer, Md5Salt salt) const {
  return same_in_constant_time(answer, response(salt));
}

bool operator==(const Md5Hash& a, const Md5Hash& b) {
  return same_in_constant_time(a.text_, b.text_);
}

}  // namespace forebay::wire
