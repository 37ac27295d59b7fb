#include "observe/log.hpp"

#include <algorithm>
#include <iterator>
#include <memory>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace forebay::observe {

namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// The text of a line with its control characters escaped: a user name with a line end in it must not forge a
/// line.
class OneLine final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    for (const char c : message.payload) {
      if (c == '\n') {
        out.append(std::string_view("\\n"));
      } else if (is_control(c)) {
        fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
      } else {
        out.push_back(c);
      }
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<OneLine>(); }
};

bool needs_quotes(std::string_view value) {
  return std::ranges::any_of(
      value, [](char c) { return c == ' ' || c == '"' || c == '=' || c == '\\' || is_control(c); });
}

}  // namespace

void start_logging() {
  auto logger = std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<OneLine>('*').set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %*");
  logger->set_formatter(std::move(formatter));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

Event& Event::with(std::string_view key, std::string_view value) & {
  if (value.empty()) return *this;
  line_.append(1, ' ').append(key).append(1, '=');
  if (!needs_quotes(value)) {
    line_.append(value);
    return *this;
  }
  line_.push_back('"');
  for (const char c : value) {
    if (c == '"' || c == '\\') line_.push_back('\\');
    line_.push_back(c);
  }
  line_.push_back('"');
  return *this;
}

}  // namespace forebay::observe
