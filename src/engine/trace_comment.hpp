#pragma once

#include <string_view>

namespace forebay::engine {

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
