#include "wire/error_message.hpp"

namespace forebay::wire {

namespace {

std::string_view severity_text(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "ERROR";
    case Severity::fatal:
      return "FATAL";
    case Severity::notice:
      return "NOTICE";
    case Severity::warning:
      return "WARNING";
  }
  return "ERROR";
}

void write_field(Writer& writer, char field, std::string_view value) {
  // A field ends at its first NUL byte; text from outside may hold one.
  writer.u8(static_cast<std::uint8_t>(field)).cstring(value.substr(0, value.find('\0')));
}

}  // namespace

void write_error(Writer& writer, const ErrorMessage& error) {
  const bool notice = error.severity == Severity::notice || error.severity == Severity::warning;
  writer.begin(notice ? 'N' : 'E');
  write_field(writer, 'S', severity_text(error.severity));
  write_field(writer, 'V', severity_text(error.severity));
  write_field(writer, 'C', error.sqlstate);
  write_field(writer, 'M', error.message);
  if (!error.detail.empty()) write_field(writer, 'D', error.detail);
  if (!error.hint.empty()) write_field(writer, 'H', error.hint);
  writer.u8(0).end();
}

std::string_view error_field(std::string_view body, char field) {
  while (!body.empty() && body.front() != '\0') {
    const auto end = body.find('\0', 1);
    if (end == std::string_view::npos) return {};
    if (body.front() == field) return body.substr(1, end - 1);
    body.remove_prefix(end + 1);
  }
  return {};
}

bool ends_connection(std::string_view body) {
  const std::string_view severity = error_field(body, 'V');
  return severity == "FATAL" || severity == "PANIC";
}

std::string replace_in_error(std::string_view body, std::string_view from, std::string_view to) {
  std::string result(body);
  for (auto at = result.find(from); at != std::string::npos; at = result.find(from, at + to.size())) {
    result.replace(at, from.size(), to);
  }
  return result;
}

}  // namespace forebay::wire
