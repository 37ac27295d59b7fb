#include "engine/question.hpp"

#include <array>
#include <charconv>

#include "base/bytes.hpp"
#include "cache/entry.hpp"
#include "engine/prepared_statement.hpp"

namespace forebay::engine {

namespace {

// How a request is made, in one character.
constexpr int kSimple = 1;
constexpr int kParses = 2;
constexpr int kDescribes = 4;

void append(std::string& bytes, std::string_view part) {
  std::array<std::byte, 4> size{};
  store_u32(size.data(), static_cast<std::uint32_t>(part.size()));
  bytes += as_text(size);
  bytes += part;
}

/// The same where there is room; returns what is behind it.
char* put(char* to, std::string_view part) {
  store_u32(reinterpret_cast<std::byte*>(to), static_cast<std::uint32_t>(part.size()));
  return to + 4 + part.copy(to + 4, part.size());
}

int how(const ReadRequest& request) {
  return (request.simple ? kSimple : 0) | (request.parses ? kParses : 0) |
         (request.describes ? kDescribes : 0);
}

std::string_view take(std::string_view& bytes) {
  const std::size_t size = load_u32(as_bytes(bytes).data());
  const std::string_view part = bytes.substr(4, size);
  bytes.remove_prefix(4 + size);
  return part;
}

wire::Parameter take_parameter(std::string_view& bytes, std::string_view name) {
  return {std::string(name), std::string(take(bytes))};
}

}  // namespace

std::string context_bytes(std::uint64_t cache, std::uint64_t defaults_generation, const std::string& user,
                          const backend::Profile& profile, const backend::SessionSettingsPtr& settings) {
  std::string bytes;
  append(bytes, std::to_string(cache));
  append(bytes, std::to_string(defaults_generation));
  append(bytes, user);
  for (const auto& [name, value] : profile.parameters) {
    append(bytes, name);
    append(bytes, value);
  }
  append(bytes, {});
  if (settings == nullptr) return bytes;
  for (const auto& [name, value] : *settings) {
    if (name == "application_name") continue;
    append(bytes, name);
    append(bytes, value);
  }
  return bytes;
}

/// As append() would, in a memory that has its size already: this is done for each question.
std::size_t write_key(std::string& bytes, std::string_view context, const ReadRequest& request) {
  bytes.resize(4 + context.size() + 1 + 4 + request.text.size() + 4 + request.types.size() + 4 +
               request.values.size());
  char* at = put(bytes.data(), context);
  *at++ = static_cast<char>(how(request));
  at = put(at, request.text);
  const auto text_at = static_cast<std::size_t>(at - bytes.data()) - request.text.size();
  put(put(at, request.types), request.values);
  return text_at;
}

std::uint64_t question_hash(std::uint64_t context_hash, const ReadRequest& request) {
  const PreparedStatement* const statement = request.statement;
  const std::uint64_t asked = statement != nullptr && statement->hash != 0
                                  ? statement->hash
                                  : statement_hash(request.text, request.types);
  return cache::key_hash(
      {context_hash, 2 * static_cast<std::uint64_t>(how(request)), asked, cache::key_hash(request.values)});
}

ReadRequest request_of(const Question& question) {
  return {.simple = question.simple,
          .parses = question.parses,
          .describes = question.describes,
          .text = question.text,
          .types = question.types,
          .values = question.values};
}

Question question_of(std::string_view key) {
  Question question;
  std::string_view context = take(key);
  const std::string_view cache = take(context);
  std::from_chars(cache.data(), cache.data() + cache.size(), question.cache);
  take(context);
  question.user = take(context);
  for (auto name = take(context); !name.empty(); name = take(context))
    question.parameters.push_back(take_parameter(context, name));
  while (!context.empty()) {
    const std::string_view name = take(context);
    question.settings.push_back(take_parameter(context, name));
  }
  const int how = key.front();
  key.remove_prefix(1);
  question.simple = (how & kSimple) != 0;
  question.parses = (how & kParses) != 0;
  question.describes = (how & kDescribes) != 0;
  question.text = take(key);
  question.types = take(key);
  question.values = take(key);
  return question;
}

}  // namespace forebay::engine
