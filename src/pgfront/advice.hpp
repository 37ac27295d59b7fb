#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace forebay::pgfront {

/// What is recommended at present, as the console shows it: SHOW RECOMMENDATIONS.
struct AdviceLine {
  std::string urgency;
  std::string title;
  std::string evidence;
  std::string gain;  ///< empty: nobody can say
  std::string advice;
  std::string change;  ///< empty: `advice` says all there is
  std::string id;
};
/// The most urgent first. Null: nobody makes any, because HTTP is not served.
using AdvicePtr = std::shared_ptr<const std::vector<AdviceLine>>;

}  // namespace forebay::pgfront
