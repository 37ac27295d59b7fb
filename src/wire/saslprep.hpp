#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace forebay::wire {

/// SASLprep (RFC 4013) in exactly PostgreSQL's reading: ASCII comes back as it is; the rules on prohibited,
/// unassigned (Unicode 3.2) and bidirectional characters look at the text after mapping and before
/// normalisation. Nothing when the text is not UTF-8, is empty after mapping, or breaks a rule.
std::optional<std::string> saslprep(std::string_view text);

/// What a password is hashed as: saslprep() of it, or its own bytes where that fails, as PostgreSQL does
/// (https://www.postgresql.org/docs/15/sasl-authentication.html).
std::string prepared_password(std::string_view password);

}  // namespace forebay::wire
