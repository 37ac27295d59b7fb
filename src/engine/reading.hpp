#pragma once

#include <string>
#include <string_view>

#include "engine/prepared_statement.hpp"

namespace forebay::engine {

/// What a text says is settled when it is parsed, by some of the session's settings: '01/02/2024' by
/// DateStyle, a timestamptz by TimeZone. A statement that the client has prepared keeps what was settled,
/// whatever the client sets afterwards. So where it has to be prepared anew, that is done under those
/// settings as they were.
struct Reading {
  std::string there;       ///< SQL to be run before the Parse, in its transaction, without rows; empty: none
  std::string back;        ///< to be run after it
  bool is_as_then = true;  ///< what is prepared between them is what the client has prepared
};

/// `now`: parsing_settings() of the session. The statement knows those that it was prepared under. Thread
/// safe.
Reading reading_as_then(const PreparedStatement& statement, std::string_view now);

}  // namespace forebay::engine
