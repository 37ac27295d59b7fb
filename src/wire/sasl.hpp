#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/system/result.hpp>

#include "base/bytes.hpp"

namespace forebay::wire {

/// Why a login exchange ended, in the words and with the SQLSTATE of PostgreSQL's ErrorResponse.
///
/// "28P01" (kWrongPassword) means that the exchange was well-formed and the password wrong: the front end
/// then says what it says for every failed login, so that users cannot be told from strangers. "08P01" is a
/// malformed message, "0A000" something that neither PostgreSQL nor we do, "28000" a failed channel binding.
struct SaslFailure {
  static constexpr std::string_view kWrongPassword = "28P01";

  SaslFailure() = default;
  SaslFailure(std::string_view code, std::string what, std::string why = {})
      : sqlstate(code), message(std::move(what)), detail(std::move(why)) {}

  std::string_view sqlstate;  ///< five characters with static lifetime
  std::string message;
  std::string detail;  ///< may be empty

  bool wrong_password() const { return sqlstate == kWrongPassword; }
};

[[noreturn]] void throw_exception_from_error(const SaslFailure& failure, const boost::source_location& where);

template <class T>
using SaslResult = boost::system::result<T, SaslFailure>;

inline constexpr std::string_view kScramSha256 = "SCRAM-SHA-256";
inline constexpr std::string_view kScramSha256Plus = "SCRAM-SHA-256-PLUS";

/// Longest SASL message taken from a client, in bytes: PostgreSQL's PG_MAX_SASL_MESSAGE_LENGTH. The front end
/// should refuse a longer one before it buffers it.
inline constexpr std::size_t kMaxSaslFromClient = 1024;

/// Longest SASL message taken from a server, in bytes: libpq's bound for authentication requests.
inline constexpr std::size_t kMaxSaslFromServer = 2000;

/// The body of AuthenticationSASL after its code: the mechanisms that we offer, each ended by a zero byte,
/// and one more. SCRAM-SHA-256-PLUS comes first, and only where there is channel binding data to check.
std::string sasl_mechanism_list(bool with_channel_binding);

/// SASLInitialResponse: the mechanism chosen, and the first message of it, which may be left out (then an
/// empty AuthenticationSASLContinue asks for it).
struct SaslInitialResponse {
  std::string_view mechanism;
  std::optional<std::string_view> response;
};

/// Parses the body of a 'p' message (after the length) as SASLInitialResponse. The views point into `body`.
/// https://www.postgresql.org/docs/15/protocol-message-formats.html
SaslResult<SaslInitialResponse> parse_sasl_initial_response(Bytes body);

/// The body of a SASLInitialResponse with which a client answers (without type and length).
std::string format_sasl_initial_response(std::string_view mechanism, std::string_view response);

}  // namespace forebay::wire
