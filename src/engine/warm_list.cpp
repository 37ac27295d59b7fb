#include "engine/warm_list.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/bytes.hpp"
#include "wire/scram_text.hpp"

namespace forebay::engine {

namespace {

namespace json = boost::json;

constexpr std::string_view kSimple = "simple";
constexpr std::string_view kExtended = "extended";
constexpr std::string_view kPrepared = "prepared";

/// Longer ones are nobody's questions (see kMaxJudged), and deeper ones nobody's list.
constexpr std::size_t kMaxLine = 256 * 1024;
constexpr std::size_t kMaxDepth = 4;

json::object object_of(const std::vector<wire::Parameter>& parameters) {
  json::object object;
  for (const auto& [name, value] : parameters) object[name] = value;
  return object;
}

/// Reads the fields of one line; remembers the first mistake.
class Fields {
 public:
  explicit Fields(json::object object) : object_(std::move(object)) {}

  std::string text(const char* name, bool needed) {
    const json::value* value = take(name);
    if (value == nullptr) {
      if (needed) complain(fmt::format("\"{}\" is missing", name));
      return {};
    }
    if (const auto* text = value->if_string(); text != nullptr && text->find('\0') == text->npos)
      return std::string(*text);
    complain(fmt::format("\"{}\" is not a text", name));
    return {};
  }

  std::string bytes(const char* name) {
    const auto bytes = wire::from_base64(text(name, false));
    if (!bytes) complain(fmt::format("\"{}\" is not base64", name));
    return bytes.value_or(std::string());
  }

  bool flag(const char* name) {
    const json::value* value = take(name);
    if (value != nullptr && !value->is_bool())
      complain(fmt::format("\"{}\" is neither true nor false", name));
    return value != nullptr && value->is_bool() && value->get_bool();
  }

  std::vector<wire::Parameter> parameters(const char* name) {
    std::vector<wire::Parameter> found;
    const json::value* value = take(name);
    if (value == nullptr) return found;
    if (!value->is_object()) {
      complain(fmt::format("\"{}\" is not an object", name));
      return found;
    }
    Fields fields(value->get_object());
    for (const auto& field : value->get_object()) {
      const std::string key(field.key());
      found.emplace_back(key, fields.text(key.c_str(), true));
    }
    if (!fields.mistake_.empty()) complain(fields.mistake_);
    std::ranges::sort(found);
    return found;
  }

  std::string mistake() {
    for (const auto& field : object_) {
      if (!known_.contains(std::string(field.key())))
        complain(fmt::format("there is no \"{}\"", field.key()));
    }
    return mistake_;
  }

  void complain(std::string mistake) {
    if (mistake_.empty()) mistake_ = std::move(mistake);
  }

 private:
  const json::value* take(const char* name) {
    known_.insert(name);
    return object_.if_contains(name);
  }

  const json::object object_;
  std::set<std::string> known_;
  std::string mistake_;
};

}  // namespace

std::string to_text(const WarmQuestion& warm) {
  const Question& question = warm.question;
  json::object object;
  object["database"] = warm.database;
  object["user"] = question.user;
  if (!question.parameters.empty()) object["parameters"] = object_of(question.parameters);
  if (!question.settings.empty()) object["settings"] = object_of(question.settings);
  object["text"] = question.text;
  if (!question.simple) {
    object["protocol"] = question.parses ? kExtended : kPrepared;
    object["describe"] = question.describes;
    object["types"] = wire::to_base64(as_bytes(question.types));
    object["values"] = wire::to_base64(as_bytes(question.values));
  }
  return json::serialize(object);
}

Result<WarmQuestion> parse_warm_question(std::string_view line) {
  const auto wrong = [](std::string text) { return Error{ErrorCode::invalid_input, std::move(text)}; };
  if (line.size() > kMaxLine) return wrong(fmt::format("more than {} KiB", kMaxLine / 1024));
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::value value = json::parse(json::string_view(line.data(), line.size()), error, {}, options);
  if (error) return wrong("no JSON: " + error.message());
  if (!value.is_object()) return wrong("no object");
  Fields fields(std::move(value.get_object()));
  WarmQuestion warm;
  Question& question = warm.question;
  warm.database = fields.text("database", true);
  question.user = fields.text("user", true);
  question.parameters = fields.parameters("parameters");
  question.settings = fields.parameters("settings");
  question.text = fields.text("text", true);
  const std::string protocol = fields.text("protocol", false);
  question.simple = protocol.empty() || protocol == kSimple;
  question.parses = protocol == kExtended;
  if (!question.simple && !question.parses && protocol != kPrepared)
    fields.complain("\"protocol\" is simple, extended or prepared");
  question.describes = fields.flag("describe");
  question.types = fields.bytes("types");
  question.values = fields.bytes("values");
  if (question.types.size() % 4 != 0) fields.complain("\"types\" are not of four bytes each");
  if (!question.simple && question.values.size() < 6) fields.complain("\"values\" are missing or cut");
  if (std::string mistake = fields.mistake(); !mistake.empty()) return wrong(std::move(mistake));
  return warm;
}

}  // namespace forebay::engine
