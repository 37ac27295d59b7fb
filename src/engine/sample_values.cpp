#include "engine/sample_values.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "base/utf8.hpp"
#include "engine/value_text.hpp"
#include "sql/first_word.hpp"
#include "sql/read_shape.hpp"

namespace forebay::engine {

namespace {

class Collector {
 public:
  explicit Collector(bool is_masked) : is_masked_(is_masked) {}

  bool is_masked() const { return is_masked_; }

  /// Nothing: NULL. What is no text is shown by its bytes.
  void add(std::optional<std::string_view> bytes, bool is_text) {
    if (made_->values.size() == SampleValues::kMost) {
      ++made_->left_out;
      return;
    }
    SampleValue& value = made_->values.emplace_back();
    value.is_null = !bytes;
    value.is_masked = is_masked_ && bytes;
    if (!bytes) return;
    if (is_masked_) {
      value.text = fmt::format("{} bytes", bytes->size());
    } else if (is_text && is_utf8(*bytes)) {
      value.text = utf8_prefix(*bytes, SampleValues::kLongest);
      value.is_cut = value.text.size() < bytes->size();
    } else {
      constexpr std::size_t kMostBytes = (SampleValues::kLongest - 2) / 2;
      value.text.reserve(2 + 2 * std::min(bytes->size(), kMostBytes));
      value.text = "\\x";
      for (const char byte : bytes->substr(0, kMostBytes))
        value.text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
      value.is_cut = bytes->size() > kMostBytes;
    }
  }

  SampleValuesPtr take() { return made_->values.empty() ? nullptr : SampleValuesPtr(std::move(made_)); }

 private:
  const bool is_masked_;
  std::shared_ptr<SampleValues> made_ = std::make_shared<SampleValues>();
};

void add_bound(Collector& to, const BoundValue& value) {
  std::string buffer;
  std::string_view text;
  const std::uint32_t type = value.type;
  if (to.is_masked()) return to.add(value.bytes, true);
  if (value.binary && (type == kInt2Type || type == kInt4Type || type == kInt8Type))
    text = integer_text(value.bytes, buffer);
  if (value.binary && type == kUuidType) text = uuid_text(value.bytes, buffer);
  if (!text.empty()) return to.add(text, true);
  to.add(value.bytes, !value.binary || type == kTextType || type == kVarcharType);
}

}  // namespace

std::size_t SampleValues::bytes() const {
  std::size_t bytes = sizeof(SampleValues) + values.capacity() * sizeof(SampleValue);
  for (const SampleValue& value : values) bytes += value.text.capacity();
  return bytes;
}

SampleValuesPtr collect_values(const ReadRequest& request, bool is_masked) {
  // Elsewhere literals may be passwords: ALTER ROLE … PASSWORD.
  if (!sql::is_about_rows(sql::first_word(request.text))) return nullptr;
  Collector to(is_masked);
  const int count = request.simple ? 0 : bound_count(request);
  for (int parameter = 1; parameter <= count; ++parameter) {
    const auto value = bound_value(request, parameter);
    value ? add_bound(to, *value) : to.add(std::nullopt, true);
  }
  std::string buffer;
  for (const std::string_view literal : sql::literals_of(request.text))
    to.add(literal_text(literal, buffer), true);
  return to.take();
}

}  // namespace forebay::engine
