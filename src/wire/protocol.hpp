#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"

/// PostgreSQL's frontend/backend protocol, version 3.0.
/// Source of every rule and number: https://www.postgresql.org/docs/15/protocol.html
namespace forebay::wire {

/// A message is one type byte, four bytes of length (which count themselves but not the type) and a body.
inline constexpr std::size_t kHeaderSize = 5;

inline constexpr std::uint32_t kProtocol30 = 0x0003'0000;
inline constexpr std::uint32_t kCancelRequestCode = 80877102;
inline constexpr std::uint32_t kSslRequestCode = 80877103;
inline constexpr std::uint32_t kGssRequestCode = 80877104;

/// PostgreSQL refuses longer start-up packets (MAX_STARTUP_PACKET_LENGTH in libpq/pqcomm.h).
inline constexpr std::size_t kMaxStartupSize = 10000;
/// Longest body of any message (PQ_LARGE_MESSAGE_LIMIT, which is MaxAllocSize - 1).
inline constexpr std::uint32_t kMaxMessageLength = 0x3fff'fffe;
/// Longest body of messages that are always short (PQ_SMALL_MESSAGE_LIMIT).
inline constexpr std::uint32_t kMaxSmallMessageLength = 10000;

/// Types of messages that a client sends.
namespace frontend {
inline constexpr char kBind = 'B', kClose = 'C', kCopyData = 'd', kCopyDone = 'c', kCopyFail = 'f',
                      kDescribe = 'D', kExecute = 'E', kFlush = 'H', kFunctionCall = 'F', kParse = 'P',
                      kPassword = 'p', kQuery = 'Q', kSync = 'S', kTerminate = 'X';
}

/// Types of messages that a server sends.
namespace server {
inline constexpr char kAuthentication = 'R', kBackendKeyData = 'K', kBindComplete = '2', kCloseComplete = '3',
                      kCommandComplete = 'C', kCopyBothResponse = 'W', kCopyData = 'd', kCopyDone = 'c',
                      kCopyInResponse = 'G', kCopyOutResponse = 'H', kDataRow = 'D',
                      kEmptyQueryResponse = 'I', kErrorResponse = 'E', kFunctionCallResponse = 'V',
                      kNegotiateProtocolVersion = 'v', kNoData = 'n', kNoticeResponse = 'N',
                      kNotificationResponse = 'A', kParameterDescription = 't', kParameterStatus = 'S',
                      kParseComplete = '1', kPortalSuspended = 's', kReadyForQuery = 'Z',
                      kRowDescription = 'T';
}

/// What an AuthenticationRequest asks for.
namespace authentication {
inline constexpr std::uint32_t kOk = 0, kCleartextPassword = 3, kMd5Password = 5, kSasl = 10,
                               kSaslContinue = 11, kSaslFinal = 12;
}

/// The header of a message: what comes and how long its body is.
struct Header {
  char type;
  std::uint32_t length;  ///< as sent: the body plus four

  std::size_t body() const { return length - 4; }
  std::size_t total() const { return length + 1; }
};

/// `at` has at least kHeaderSize bytes.
inline Header read_header(const std::byte* at) {
  return {static_cast<char>(at[0]), load_u32(at + 1)};
}

}  // namespace forebay::wire
