#pragma once

#include <string_view>
#include <vector>

#include "sql/fingerprint.hpp"

namespace forebay::sql {

/// What one pass over a text tells.
struct Scan {
  Fingerprint fingerprint;
  std::vector<Span> literals;  ///< those of literals_of()
};

/// Of the last text that this thread asked for it costs a comparison: the rooms that handle a statement ask
/// one after the other. Valid until the thread's next call. Takes any bytes; allocates nothing as a rule.
const Scan& scan(std::string_view text);

}  // namespace forebay::sql
