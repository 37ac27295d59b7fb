// Statements that repeat.

#include "http/handlers.hpp"
#include "http/json.hpp"
#include "http/statement_json.hpp"
#include "http/statement_words.hpp"
#include "pgfront/repetition_report.hpp"

namespace forebay::http {

namespace {

namespace json = boost::json;

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value() : json::value(text);
}

/// Null when nothing is known of it.
json::value source_of(const engine::Repetition& each) {
  if (!each.is_confirmed()) return {};
  return json::object{{"fingerprint", fingerprint_text(each.source.fingerprint)},
                      {"text", each.source.text},
                      {"column", each.source.column}};
}

}  // namespace

json::object to_json(const engine::Repetition& each, TimePoint now) {
  const engine::RepetitionFigures& figures = each.figures;
  return {{"fingerprint", fingerprint_text(each.fingerprint)},
          {"database", each.database},
          {"kind", name_of(each.kind)},
          {"text", each.text},
          {"confirmed", each.is_confirmed()},
          {"within", pgfront::places_of(each)},
          {"windows", figures.windows},
          {"executions", figures.executions},
          {"most_executions", figures.most},
          {"total_seconds", static_cast<double>(figures.micros) / 1e6},
          {"earlier", source_of(each)},
          {"rewrite", text_or_null(each.rewrite)},
          {"first_seen", wall_time(figures.first_seen, now)},
          {"last_seen", wall_time(figures.last_seen, now)}};
}

void handlers::repetitions(const CallPtr& call, const Done& done) {
  const auto& statements = call->front.settings()->statements;
  const bool is_on = statements.enabled && statements.repetitions;
  pgfront::gather_repetitions(
      call->inquiry(), [call, is_on, done](const std::vector<engine::Repetition>& repetitions) {
        json::array all;
        for (const auto& each : repetitions) all.push_back(to_json(each, call->now));
        done(data_reply(json::object{{"enabled", is_on}, {"repetitions", std::move(all)}}));
      });
}

}  // namespace forebay::http
