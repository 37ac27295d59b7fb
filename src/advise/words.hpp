#pragma once

#include <string>
#include <string_view>

/// Figures as people read them.
namespace forebay::advise {

/// Of the server's settings, in bytes.
inline constexpr double kMegabyte = 1024.0 * 1024.0;

std::string count(double value);         ///< "1,234"
std::string milliseconds(double value);  ///< "412 ms", "3.2 s"
std::string duration(double seconds);    ///< "58 s", "2.5 min", "3 h"
std::string bytes(double value);         ///< "1.2 GB", by powers of 1,000
/// "1024MB": by powers of 1,024, as the server's settings are written.
std::string megabytes(double bytes);
/// Of megabytes, at least one: a setting that is easy to read.
double next_power_of_two(double bytes);
std::string percent(double share);
/// "1 client", "2 clients".
std::string some(double number, std::string_view one, std::string_view many);
/// As one line of at most so many bytes, UTF-8 not cut within a character.
std::string shortened(std::string_view text, std::size_t most);

}  // namespace forebay::advise
