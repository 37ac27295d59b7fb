#include "base/result.hpp"

#include <stdexcept>
#include <system_error>

namespace forebay {

void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::runtime_error(error.text);
}

std::string errno_text(int number) {
  return std::generic_category().message(number);
}

}  // namespace forebay
