#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "wire/writer.hpp"

namespace forebay::wire {

/// SQLSTATEs that Forebay itself reports (https://www.postgresql.org/docs/15/errcodes-appendix.html).
namespace sqlstate {
inline constexpr std::string_view kProtocolViolation = "08P01", kConnectionFailure = "08006",
                                  kOutcomeUnknown = "08007", kCannotConnect = "08001",
                                  kInvalidPassword = "28P01", kInvalidAuthorization = "28000",
                                  kTooManyConnections = "53300", kConfigurationLimit = "53400",
                                  kAdminShutdown = "57P01", kCannotConnectNow = "57P03",
                                  kQueryCanceled = "57014", kProgramLimitExceeded = "54000",
                                  kTransactionTimeout = "25P04", kIdleSessionTimeout = "57P05",
                                  kFeatureNotSupported = "0A000", kInvalidStatementName = "26000",
                                  kDuplicateStatement = "42P05", kSyntaxError = "42601",
                                  kNameTooLong = "42622", kInsufficientPrivilege = "42501",
                                  kInvalidCatalogName = "3D000", kUndefinedObject = "42704",
                                  kNotInThatState = "55000";
}

enum class Severity { error, fatal, notice, warning };

/// What a client is told when something cannot be done.
struct ErrorMessage {
  Severity severity = Severity::error;
  std::string sqlstate;
  std::string message;
  std::string detail;
  std::string hint;
};

/// Appends `error` as an ErrorResponse, or as a NoticeResponse for notices and warnings.
void write_error(Writer& writer, const ErrorMessage& error);

/// A field of the body of an ErrorResponse: 'S' severity, 'C' SQLSTATE, 'M' message, 'D' detail, 'H' hint.
/// Empty when it is not there. Tolerates any bytes.
std::string_view error_field(std::string_view body, char field);

/// Whether nothing can follow the ErrorResponse with this body but the end of the connection.
bool ends_connection(std::string_view body);

/// The body of an ErrorResponse with every occurrence of `from` in its message replaced by `to`.
std::string replace_in_error(std::string_view body, std::string_view from, std::string_view to);

}  // namespace forebay::wire
