#pragma once

#include "sql/verdict.hpp"

namespace forebay::engine {

using sql::Effect;
using sql::Effects;

/// Statements that leave nothing in the session that a later client could see.
inline constexpr Effects kLeaveNothing =
    Effect::writes | Effect::begins_transaction | Effect::ends_transaction | Effect::advances_sequence |
    Effect::reads_sequence_state | Effect::reads_identity | Effect::changes_schema |
    Effect::changes_databases | Effect::changes_defaults | Effect::reads_session_views |
    Effect::closes_cursor | Effect::drops_objects | Effect::unlistens | Effect::cascades |
    Effect::sets_locally;

/// What they may do to the session cannot be read from their text.
inline constexpr Effects kDoubtful = Effect::calls_unknown | Effect::runs_code | Effect::unparsable;

/// They may have made what stands before a table of the same name (see Shadows).
inline constexpr Effects kMayShadow = Effect::runs_code | Effect::unparsable;

/// State that lives in one server process and cannot be carried to another.
inline constexpr Effects kHoldBackend = Effect::sets_authorization | Effect::prepares |
                                        Effect::uses_prepared | Effect::makes_temporary |
                                        Effect::holds_cursor | Effect::listens | Effect::locks_session |
                                        Effect::loads_library | Effect::seeds_random | Effect::hides_state;

/// State that nothing but the end of the session removes: the client keeps the backend.
inline constexpr Effects kIndelible = Effect::loads_library | Effect::seeds_random | Effect::hides_state;

/// What even DISCARD ALL leaves behind: such a backend serves no other client afterwards. Temporary objects
/// leave their namespace.
inline constexpr Effects kLeaveTraces = kIndelible | Effect::makes_temporary;

/// The outcome must be known before anything that follows can be judged.
inline constexpr Effects kBarrier = Effect::resets_all | Effect::discards_all | Effect::deallocates |
                                    Effect::prepares | Effect::uses_prepared | Effect::changes_databases |
                                    Effect::changes_lexing;

}  // namespace forebay::engine
