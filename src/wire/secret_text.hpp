#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace forebay::wire {

/// A password in clear. Its bytes are wiped when it goes or is moved from, and it does not print.
class SecretText {
 public:
  SecretText() = default;
  explicit SecretText(std::string_view text) : text_(text) {}
  SecretText(SecretText&& other) noexcept;
  SecretText& operator=(SecretText&& other) noexcept;
  SecretText(const SecretText& other) = default;
  SecretText& operator=(const SecretText& other);
  ~SecretText() { wipe(); }

  std::string_view view() const { return text_; }
  bool empty() const { return text_.empty(); }

  /// In constant time for texts of one length.
  bool equals(std::string_view other) const;

 private:
  void wipe();

  std::string text_;
};

/// Overwrites the text and makes it empty. For strings that had to hold a secret for a moment.
void wipe(std::string& text);

}  // namespace forebay::wire
