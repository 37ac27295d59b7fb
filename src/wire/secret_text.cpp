#include "wire/secret_text.hpp"

#include <openssl/crypto.h>

namespace forebay::wire {

void wipe(std::string& text) {
  OPENSSL_cleanse(text.data(), text.capacity());
  text.clear();
}

// A short string is copied, not moved, by std::string's own move: the source has to be wiped by hand.
SecretText::SecretText(SecretText&& other) noexcept : text_(std::move(other.text_)) {
  other.wipe();
}

SecretText& SecretText::operator=(SecretText&& other) noexcept {
  if (this != &other) {
    wipe();
    text_ = std::move(other.text_);
    other.wipe();
  }
  return *this;
}

SecretText& SecretText::operator=(const SecretText& other) {
  if (this != &other) {
    wipe();
    text_ = other.text_;
  }
  return *this;
}

bool SecretText::equals(std::string_view other) const {
  return text_.size() == other.size() && CRYPTO_memcmp(text_.data(), other.data(), other.size()) == 0;
}

void SecretText::wipe() {
  forebay::wire::wipe(text_);
}

}  // namespace forebay::wire
