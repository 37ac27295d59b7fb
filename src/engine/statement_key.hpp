#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "sql/fingerprint.hpp"

namespace forebay::engine {

using TextPtr = std::shared_ptr<const std::string>;

/// Names a statement of a database within one thread's tables.
struct StatementKey {
  sql::Fingerprint fingerprint;
  std::uint32_t database = 0;  ///< StatementTable::number_of()

  friend bool operator==(const StatementKey&, const StatementKey&) = default;
};

struct StatementKeyHash {
  std::size_t operator()(const StatementKey& key) const {
    return key.fingerprint.low ^ (std::uint64_t{key.database} << 32U);
  }
};

}  // namespace forebay::engine
