#include "config/environment.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "config/problem.hpp"

namespace forebay::config {
namespace {

bool is_name(std::string_view text) {
  return !text.empty() && !is_digit(text[0]) &&
         std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '_'; });
}

/// The value of what stands between `${` and `}`.
std::string look_up(std::string_view reference, const Environment& environment,
                    std::vector<std::string>& complaints) {
  const auto split = reference.find(":-");
  const std::string name(reference.substr(0, split));
  if (!is_name(name)) {
    complaints.push_back(
        fmt::format("${{{}}} names no environment variable; write ${{NAME}} or ${{NAME:-default}}, or $${{ "
                    "for a plain ${{",
                    reference.substr(0, 40)));
    return {};
  }
  const auto value = environment(name);
  if (split != std::string_view::npos) {
    return value && !value->empty() ? *value : std::string(reference.substr(split + 2));
  }
  if (!value) {
    complaints.push_back(fmt::format(
        "the environment variable {0} is not set; set it, or give a default: ${{{0}:-default}}", name));
    return {};
  }
  return *value;
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing calls setenv
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

std::string expand(std::string_view text, const Environment& environment,
                   std::vector<std::string>& complaints) {
  std::string out;
  while (!text.empty()) {
    const auto dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar);
    if (text.starts_with("$${")) {
      out += "${";
      text.remove_prefix(3);
    } else if (text.starts_with("${")) {
      const auto end = text.find('}');
      if (end == std::string_view::npos) {
        complaints.push_back(
            fmt::format("{} has no closing brace; write $${{ for a plain ${{", in_quotes(text)));
        break;
      }
      out += look_up(text.substr(2, end - 2), environment, complaints);
      text.remove_prefix(end + 1);
    } else {
      out += '$';
      text.remove_prefix(1);
    }
    if (out.size() > kMaxExpandedBytes) {
      complaints.push_back(fmt::format("longer than {} bytes after expansion", kMaxExpandedBytes));
      return {};
    }
  }
  return out;
}

}  // namespace forebay::config
