#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "engine/read_request.hpp"

namespace forebay::engine {

/// One value that a statement was called with, as people are shown it. UTF-8.
struct SampleValue {
  std::string text;  ///< or, where values are masked, its size
  bool is_null = false;
  bool is_masked = false;
  bool is_cut = false;
};

/// The values of one call, in the order in which the text without values numbers them: of parameters, and
/// then of literals.
struct SampleValues {
  static constexpr std::size_t kMost = 32;
  static constexpr std::size_t kLongest = 64;  ///< in bytes, of what is shown

  std::vector<SampleValue> values;
  std::size_t left_out = 0;  ///< so many came behind these

  std::size_t bytes() const;  ///< of memory
};
using SampleValuesPtr = std::shared_ptr<const SampleValues>;

/// Null when there are none, or it neither reads nor writes rows. Allocates, otherwise. Thread safe.
SampleValuesPtr collect_values(const ReadRequest& request, bool is_masked);

/// Likewise; null as well when none are to be kept.
inline SampleValuesPtr sample_values(const ReadRequest& request, config::Samples samples) {
  return samples == config::Samples::off ? nullptr
                                         : collect_values(request, samples == config::Samples::masked);
}

}  // namespace forebay::engine
