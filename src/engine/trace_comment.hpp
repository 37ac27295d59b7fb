#pragma once

#include <string_view>

namespace forebay::engine {

/// Whether a comment may stand at an end of the text: false for most texts, after a look at both.
inline bool may_have_outer_comment(std::string_view text) {
  const auto is_border = [](char c) { return c == ';' || (c >= 0 && c <= ' '); };
  while (!text.empty() && is_border(text.back())) text.remove_suffix(1);
  return !text.empty() && (text.back() == '/' || text.front() == '/' || is_border(text.front()));
}

/// The trace that a statement belongs to, as a comment at the end of its text says it, or at its beginning:
///
///     SELECT … /*traceparent='00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'*/
///
/// `traceparent` (https://www.w3.org/TR/trace-context/#traceparent-header, written as
/// https://google.github.io/sqlcommenter/spec/ has it), of which the trace's id counts, or a `trace_id`.
/// Empty when there is none: then it costs a look at both ends of the text.
std::string_view trace_of(std::string_view text);

/// The text without the comments at its ends, which differ where its values do not.
std::string_view without_outer_comments(std::string_view text);

}  // namespace forebay::engine
