#pragma once

#include <string>

namespace forebay::backend {

/// Whether a stream that was not asked for by name takes only what others can spare.
enum class Claim { any, spare };
/// So many replication slots and senders are left to others, who need them for a new standby or a backup.
inline constexpr int kLeftToOthers = 2;

/// Answers with one row: why the server's changes cannot be decoded, for people; empty when they can. Asked
/// before a replication connection is tried, for the server logs one that fails. `claimed`: slots that are
/// not there yet and will be.
std::string decoding_question(Claim claim, int claimed);

}  // namespace forebay::backend
