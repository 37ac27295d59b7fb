#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <boost/system/result.hpp>

namespace forebay {

/// What went wrong, for code to branch on. The text beside it is for people.
enum class ErrorCode {
  invalid_input,   ///< bytes, text or a file that break the rules of their format
  configuration,   ///< a setting that cannot be used
  authentication,  ///< a password, certificate or SCRAM exchange that does not hold
  unavailable,     ///< a server that cannot be reached or refused the connection
  timeout,         ///< a deadline that passed
  limit,           ///< a limit of ours that is reached
  io,              ///< a system call that failed
  unsupported,     ///< something this build or server cannot do
};

/// A failure: a code to branch on and a text that says what happened, to what, and what to do.
struct Error {
  ErrorCode code;
  std::string text;
};

[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

/// A value or an Error. Used on the data path, where exceptions are not.
template <class T>
using Result = boost::system::result<T, Error>;

/// Text for an errno value, thread safe.
std::string errno_text(int number);

}  // namespace forebay
