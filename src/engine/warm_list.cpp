#include "engine/warm_list.hpp"

#include <algorithm>
#include <array>
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

constexpr std::string_view kSimpleProtocol = "simple";
constexpr std::string_view kExtendedProtocol = "extended";
constexpr std::string_view kPreparedProtocol = "prepared";

/// Longer ones are not asked again (see Refills), and deeper ones nobody's list.
constexpr std::size_t kMaxLine = 64 * 1024;
constexpr std::size_t kMaxDepth = 4;

/// What a start-up packet says of other things must not be said once more behind it.
bool is_setting(std::string_view name) {
  constexpr std::array<std::string_view, 4> kOthers{"user", "database", "replication", "application_name"};
  return !name.empty() && name.find('\0') == name.npos && !name.starts_with("_pq_.") &&
         std::ranges::find(kOthers, name) == kOthers.end();
}

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
    return text_of(name, *value);
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
    for (const auto& [key, text] : value->get_object()) {
      if (!is_setting(key)) complain(fmt::format("\"{}\" has a name that is no setting", name));
      found.emplace_back(key, text_of(key, text));
    }
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
  std::string text_of(std::string_view name, const json::value& value) {
    if (const auto* text = value.if_string(); text != nullptr && text->find('\0') == text->npos)
      return std::string(*text);
    complain(fmt::format("\"{}\" is not a text", name));
    return {};
  }

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
    object["protocol"] = question.parses ? kExtendedProtocol : kPreparedProtocol;
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
  question.simple = protocol.empty() || protocol == kSimpleProtocol;
  question.parses = protocol == kExtendedProtocol;
  if (!question.simple && !question.parses && protocol != kPreparedProtocol)
    fields.complain("\"protocol\" is simple, extended or prepared");
  if (!question.simple) {
    question.describes = fields.flag("describe");
    question.types = fields.bytes("types");
    question.values = fields.bytes("values");
  }
  if (question.types.size() % 4 != 0) fields.complain("\"types\" are not of four bytes each");
  if (!question.simple && question.values.size() < 6) fields.complain("\"values\" are missing or cut");
  if (std::string mistake = fields.mistake(); !mistake.empty()) return wrong(std::move(mistake));
  return warm;
}

}  // namespace forebay::engine
