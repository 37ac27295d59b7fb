#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "wire/startup.hpp"

/// What the two processes say to each other, in this order. The number is the version: a process answers a
/// greeting that it does not know with kUnknown, and goes on serving.
namespace forebay::takeover {

inline constexpr std::string_view kTakeOver = "forebay takeover 1";  ///< new to old
/// Old to new, with the listening sockets; a letter for each follows: whether Forebay has opened it, so that
/// its queue is to be emptied and its file removed at the end; or that it is for HTTP.
inline constexpr std::string_view kSockets = "sockets ";
inline constexpr std::string_view kServing = "serving";  ///< new to old: take no more clients
inline constexpr std::string_view kCancel = "cancel ";   ///< new to old, any number: process id and secret
inline constexpr std::string_view kUnknown = "not understood: another version of Forebay";
inline constexpr std::string_view kTaken = "another process is taking over, or has done so";

inline std::string cancel_message(const wire::CancelKey& key) {
  return fmt::format("{}{} {}", kCancel, key.process_id, key.secret);
}

inline std::optional<wire::CancelKey> parse_cancel(std::string_view text) {
  if (!text.starts_with(kCancel)) return std::nullopt;
  const char* end = text.data() + text.size();
  wire::CancelKey key{0, 0};
  const auto first = std::from_chars(text.data() + kCancel.size(), end, key.process_id);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, key.secret);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  return key;
}

}  // namespace forebay::takeover
