#pragma once

#include <string>
#include <vector>

#include "world.hpp"

namespace checker {

/// {table}, {key}, {n} and {v} replaced.
std::string filled(std::string text, const Attempt& attempt);

/// A path of texts sent one after the other by the simple protocol. The last one commits: only when its
/// answer is lost the outcome is unknown. So they are one statement, or begin with BEGIN.
Path script(const char* name, std::vector<std::string> texts);

/// One statement with parameters.
Path statement(const char* name, std::string text, Protocol protocol);

/// BEGIN, the statements, PREPARE TRANSACTION, and then COMMIT PREPARED, by the same way or by the other one.
Path two_phase(const char* name, std::vector<std::string> texts, bool other_way);

/// Ends what may be left of a transaction and says what is known of an answer that was not good.
Fate fate_of(Session& session, const Answer& answer);

}  // namespace checker
