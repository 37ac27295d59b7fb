// One statement: what it has come to, how servers run it, and the order to ask them.

#include <charconv>
#include <optional>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "http/handlers.hpp"
#include "http/json.hpp"
#include "http/parameters.hpp"
#include "http/statement_json.hpp"
#include "http/statement_words.hpp"
#include "http/unreserved.hpp"
#include "observe/log.hpp"
#include "pgfront/repetition_report.hpp"
#include "sql/split_statements.hpp"

namespace forebay::http {

namespace {

namespace json = boost::json;

constexpr std::size_t kDigits = 16;
constexpr std::string_view kPath = "/api/v1/statements/{id}";
constexpr std::string_view kExplainByTextPath = "/api/v1/statements/explain";
constexpr std::string_view kExplainPath = "/api/v1/statements/{id}/explain";

bool read_hexadecimal(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<pgfront::StatementName> named(const Request& request, std::string_view path) {
  const auto id = id_in(request.path, path);
  return id ? name_of(*id) : std::nullopt;
}

Reply no_statement() {
  return error_reply(404, "no_statement", "no statement of that name is counted",
                     "/api/v1/statements lists them, with the `id` of each; names change with each start.");
}

struct Order {
  bool analyzes = false;
  monitor::Values values;
  std::string statement;  ///< its text; empty: the path names it
  std::string database;   ///< of that text; empty: any
};

Result<Order> order_of(const std::string& body, bool is_by_text) {
  Order order;
  if (body.empty()) return order;
  const auto wrong = [](std::string text) { return Error{ErrorCode::invalid_input, std::move(text)}; };
  json::error_code error;
  const json::value value = json::parse(body, error);
  if (error || !value.is_object()) return wrong("the body is no JSON object");
  for (const auto& [key, each] : value.as_object()) {
    if (is_by_text && key == "statement" && each.is_string()) {
      order.statement = each.get_string();
    } else if (is_by_text && key == "database" && each.is_string()) {
      order.database = each.get_string();
    } else if (key == "analyze" && each.is_bool()) {
      order.analyzes = each.get_bool();
    } else if (key == "parameters" && each.is_array()) {
      for (const json::value& one : each.get_array()) {
        if (!one.is_string() && !one.is_null()) return wrong("each of the parameters is a text, or null");
        order.values.push_back(one.is_null() ? std::nullopt : std::optional(std::string(one.get_string())));
        if (order.values.back() && order.values.back()->find('\0') != std::string::npos)
          return wrong("no parameter can hold the character 0");
      }
    } else {
      return wrong(is_by_text ? "this takes statement and database, texts, analyze, true or false, and "
                                "parameters, a list of texts"
                              : "this takes analyze, true or false, and parameters, a list of texts");
    }
  }
  if (!order.analyzes && !order.values.empty())
    return wrong("parameters are for analyze: a plan is for any values");
  return order;
}

void log_order(const Call& call, const pgfront::StatementName& name, bool analyzes) {
  observe::Event("action by HTTP")
      .with("path", call.request.path)
      .with("by", call.person.shown())
      .with("statement", fingerprint_text(name.fingerprint))
      .with("analyze", analyzes ? "true" : "false")
      .info();
}

/// Values of clients, for administrators.
json::value to_json(const engine::StatementTable::Sample& sample, TimePoint now) {
  if (sample.values == nullptr) return nullptr;
  json::array values;
  for (const engine::SampleValue& value : sample.values->values) {
    values.push_back(json::object{{"text", value.is_null ? json::value() : json::value(value.text)},
                                  {"masked", value.is_masked},
                                  {"cut", value.is_cut}});
  }
  return json::object{{"values", std::move(values)},
                      {"left_out", sample.values->left_out},
                      {"seconds", static_cast<double>(sample.micros) / 1e6},
                      {"at", wall_time(sample.at, now)}};
}

}  // namespace

std::string id_of(const engine::StatementTable::Name& name) {
  std::string id = fingerprint_text(name.fingerprint) + "-";
  for (const char letter : name.database)
    id += is_unreserved(letter) ? std::string(1, letter)
                                : fmt::format("%{:02X}", static_cast<unsigned char>(letter));
  return id;
}

std::optional<pgfront::StatementName> name_of(std::string_view id) {
  pgfront::StatementName name;
  const bool is_one = id.size() > 2 * kDigits && id[2 * kDigits] == '-' &&
                      read_hexadecimal(id.substr(0, kDigits), name.fingerprint.high) &&
                      read_hexadecimal(id.substr(kDigits, kDigits), name.fingerprint.low);
  const auto database = is_one ? decoded(id.substr(2 * kDigits + 1)) : std::nullopt;
  if (!database) return std::nullopt;
  name.database = *database;
  return name;
}

namespace {

void explain(const CallPtr& call, const Done& done, const pgfront::StatementName& name, const Order& order) {
  log_order(*call, name, order.analyzes);
  const auto explained = [call, name, done](const std::string& problem) {
    if (!problem.empty()) return done(error_reply(422, "not_explained", problem));
    done(data_reply(json::object{{"id", id_of(name.view())},
                                 {"explained", call->watched.planner.tell(name, Clock::now())}}));
  };
  auto& planner = call->watched.planner;
  order.analyzes ? planner.analyze(name, order.values, explained) : planner.explain(name, explained);
}

/// The first of these that is counted.
void explain_first(const CallPtr& call, const Done& done, std::vector<pgfront::StatementName> names,
                   const Order& order) {
  if (names.empty()) return done(no_statement());
  const pgfront::StatementName name = std::move(names.front());
  names.erase(names.begin());
  pgfront::gather_statement(call->inquiry(), name, [call, done, name, names, order](const auto& row) {
    row ? explain(call, done, name, order) : explain_first(call, done, names, order);
  });
}

/// What a text of one statement is counted as, in the database that is named or in each.
std::vector<pgfront::StatementName> names_of(const Call& call, const Order& order) {
  const sql::Fingerprint fingerprint = sql::fingerprint(sql::split_statements(order.statement).front());
  if (!order.database.empty()) return {{fingerprint, order.database}};
  std::vector<pgfront::StatementName> names;
  for (const auto& facts : pgfront::database_facts(call.front)) names.push_back({fingerprint, facts.name});
  return names;
}

}  // namespace

namespace handlers {

void statement(const CallPtr& call, const Done& done) {
  const auto name = named(call->request, kPath);
  if (!name) return done(no_statement());
  pgfront::gather_statement(call->inquiry(), *name, [call, name, done](const auto& row) {
    if (!row) return done(no_statement());
    json::object told = to_json(*row, call->now);
    told["plan"] = call->watched.planner.summary(*name);
    told["explained"] = call->watched.planner.tell(*name, call->now);
    const bool is_admin = call->person.role == Role::admin;
    told["may_explain"] = is_admin;
    told["sample"] = is_admin ? to_json(row->sample, call->now) : json::value();
    pgfront::gather_repetitions(call->inquiry(), [call, name, done, told](const auto& repetitions) mutable {
      json::array own;
      for (const auto& each : repetitions) {
        if (each.fingerprint == name->fingerprint && each.database == name->database)
          own.push_back(to_json(each, call->now));
      }
      told["repetitions"] = std::move(own);
      done(data_reply(std::move(told)));
    });
  });
}

void explain_statement(const CallPtr& call, const Done& done) {
  const bool is_by_text = call->request.path == kExplainByTextPath;
  auto order = order_of(call->request.body, is_by_text);
  if (!order) return done(error_reply(400, "invalid_body", order.error().text));
  if (is_by_text) {
    if (sql::split_statements(order->statement).size() != 1)
      return done(error_reply(400, "invalid_body", "\"statement\" is to be the text of one statement"));
    return explain_first(call, done, names_of(*call, *order), *order);
  }
  const auto name = named(call->request, kExplainPath);
  if (!name) return done(no_statement());
  explain_first(call, done, {*name}, *order);
}

}  // namespace handlers

}  // namespace forebay::http
