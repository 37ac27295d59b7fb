#pragma once

#include "backend/stream_connection.hpp"
#include "route/roll_call.hpp"

namespace forebay::backend {

/// Asks a server for its route::AnswerSettings. It takes the server a millisecond or two.
extern const char* const kAnswerSettingsQuestion;

/// Of the question's reply. A name that is not in there was set by a role, a database or the connection.
route::AnswerSettings read_answer_settings(const StreamConnection::Reply& reply);

}  // namespace forebay::backend
