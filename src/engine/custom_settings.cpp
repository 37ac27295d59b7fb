#include "engine/custom_settings.hpp"

#include <atomic>
#include <mutex>
#include <set>

namespace forebay::engine {

namespace {

/// Each costs a line in the look at a session's state.
constexpr std::size_t kMaxNames = 1000;

std::mutex mutex;
std::set<std::string> names;  // guarded by mutex
std::atomic<bool> is_complete = true;

bool is_custom(const std::string& name) {
  return name.find('.') != std::string::npos;
}

}  // namespace

bool is_custom_name(std::string_view name) {
  bool begins_word = true;
  for (const char each : name) {
    const bool is_letter = (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') || each == '_';
    const bool is_inner = (each >= '0' && each <= '9') || each == '$';
    if (begins_word ? !is_letter : !is_letter && !is_inner && each != '.') return false;
    begins_word = each == '.';
  }
  return !begins_word && name.find('.') != std::string_view::npos;
}

void note_custom_setting(const std::string& name) {
  if (!is_custom(name)) return;
  const std::lock_guard lock(mutex);
  if (names.size() < kMaxNames) {
    names.insert(name);
  } else if (!names.contains(name)) {
    is_complete = false;
  }
}

bool knows_all_custom_settings() {
  return is_complete;
}

bool is_unheard_of_module_setting(const std::string& name) {
  if (!name.starts_with("plpgsql.")) return false;
  const std::lock_guard lock(mutex);
  return !names.contains(name);
}

std::vector<std::string> custom_settings() {
  const std::lock_guard lock(mutex);
  return {names.begin(), names.end()};
}

}  // namespace forebay::engine
