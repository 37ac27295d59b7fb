#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "engine/question.hpp"

namespace forebay::engine {

/// A question that is asked again after a start, in the name of the role that asked it. The question's cache
/// says nothing here.
struct WarmQuestion {
  std::string database;  ///< as clients name it
  Question question;
};

/// A list of questions as a file, a line of JSON for each, which people may write as well:
///
///     {"database": "shop", "user": "app", "text": "SELECT …"}
///
/// and, where they are not as in a plain query: "parameters" of the start-up packet and "settings" of the
/// session as objects; "protocol": "extended", or "prepared" when the statement is executed by its name; then
/// "describe": whether the client asks for a description, and in base64, as they are sent, "types" of the
/// parameters and "values".
std::string to_text(const WarmQuestion& question);
/// Of one line. The error says what is wrong with it.
Result<WarmQuestion> parse_warm_question(std::string_view line);

}  // namespace forebay::engine
