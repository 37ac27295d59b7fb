#include "wire/sasl.hpp"

#include <array>
#include <stdexcept>

namespace forebay::wire {
namespace {

/// The length that stands for "no response": -1.
constexpr std::uint32_t kLeftOut = 0xFFFFFFFF;

SaslFailure malformed(std::string detail) {
  return {"08P01", "malformed SASL initial response", std::move(detail)};
}

}  // namespace

void throw_exception_from_error(const SaslFailure& failure, const boost::source_location&) {
  throw std::runtime_error(failure.message);
}

std::string sasl_mechanism_list(bool with_channel_binding) {
  std::string list;
  if (with_channel_binding) (list += kScramSha256Plus) += '\0';
  (list += kScramSha256) += '\0';
  return list += '\0';
}

SaslResult<SaslInitialResponse> parse_sasl_initial_response(Bytes body) {
  const std::string_view text = as_text(body);
  const std::size_t end = text.find('\0');
  if (end == std::string_view::npos) return malformed("The mechanism name has no end.");
  const std::string_view mechanism = text.substr(0, end);
  const Bytes rest = body.subspan(end + 1);
  if (rest.size() < 4) return malformed("The length of the response is missing.");
  const std::uint32_t length = load_u32(rest.data());
  const Bytes response = rest.subspan(4);
  if (length == kLeftOut && response.empty()) return SaslInitialResponse{mechanism, std::nullopt};
  if (length != response.size()) return malformed("The length of the response does not fit the message.");
  return SaslInitialResponse{mechanism, as_text(response)};
}

std::string format_sasl_initial_response(std::string_view mechanism, std::string_view response) {
  std::array<std::byte, 4> length;
  store_u32(length.data(), static_cast<std::uint32_t>(response.size()));
  std::string body(mechanism);
  body += '\0';
  body += as_text(length);
  return body += response;
}

}  // namespace forebay::wire
