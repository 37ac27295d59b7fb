#pragma once

#include <iosfwd>
#include <string>

namespace forebay {

/// `forebay topology`: asks the console of a running Forebay for its servers and prints them. `url`: as for
/// ConsoleClient. Returns the exit code: 0 when there is a primary, it is up, and no server is down or
/// refused; else 1.
int topology(const std::string& url, std::ostream& out, std::ostream& err);

}  // namespace forebay
