#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "engine/warm_list.hpp"

namespace forebay::engine {

/// Reads a list of at most `most` questions; none when there is no such file. Lines with mistakes are left
/// out and logged. The error says why it cannot be read.
Result<std::vector<WarmQuestion>> read_warm_file(const std::string& path, std::size_t most);

/// In one step, so that whoever reads the file gets all of it. It holds values of clients: only the owner may
/// read it.
Result<void> write_warm_file(const std::string& path, const std::vector<std::string>& lines);

}  // namespace forebay::engine
