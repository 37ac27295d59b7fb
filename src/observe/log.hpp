#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

/// The log: one line per event on standard error, `time level what happened key=value key="two words"`.
///
///     observe::Event("client has logged in").with("user", user).with("pid", pid).info();
///
/// Passwords, verifiers, parameters and SQL never go into it. Whatever a line holds, it stays one line:
/// control characters are written as escapes.
namespace forebay::observe {

/// Makes spdlog's default logger write in this form, so that what other code gives to spdlog looks the same.
/// Called once, before the first thread.
void start_logging();

/// What happened, and the facts that belong to it. Cheap when its level is not logged only if the caller asks
/// first; so on paths that run often ask spdlog::should_log.
class Event {
 public:
  explicit Event(std::string_view what) : line_(what) {}

  /// Adds ` key=value`; the value is quoted where it has to be. An empty text adds nothing.
  Event& with(std::string_view key, std::string_view value) &;
  Event& with(std::string_view key, std::uint64_t value) & {
    return with(key, std::string_view(fmt::to_string(value)));
  }
  template <class T>
  Event&& with(std::string_view key, const T& value) && {
    return std::move(with(key, value));
  }

  void info() const { spdlog::log(spdlog::level::info, line_); }
  void warning() const { spdlog::log(spdlog::level::warn, line_); }
  void error() const { spdlog::log(spdlog::level::err, line_); }

 private:
  std::string line_;
};

}  // namespace forebay::observe
