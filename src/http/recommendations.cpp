// What is recommended, and what came of it.

#include "advise/board.hpp"
#include "http/adviser.hpp"
#include "http/alert_json.hpp"
#include "http/handlers.hpp"
#include "http/json.hpp"

namespace forebay::http::handlers {

namespace {

namespace json = boost::json;
using advise::Recommendation;

json::object figure_of(double value, advise::Unit unit) {
  return {{"value", value}, {"unit", name_of(unit)}, {"text", advise::text_of(value, unit)}};
}

/// Null: nobody can say.
json::value gain_of(const advise::Gain& gain) {
  if (gain.text.empty()) return nullptr;
  const bool has_figure = gain.unit != advise::Unit::none;
  return json::object{{"value", has_figure ? json::value(gain.value) : json::value()},
                      {"unit", name_of(gain.unit)},
                      {"text", gain.text}};
}

json::value change_of(const advise::Change& change) {
  if (change.text.empty()) return nullptr;
  return json::object{{"form", name_of(change.form)}, {"text", change.text}};
}

json::object to_json(const Recommendation& what, double since) {
  json::object subject;
  for (const auto& [label, name] : what.subject) subject[label] = name;
  return {{"id", what.id},
          {"kind", what.kind},
          {"urgency", name_of(what.urgency)},
          {"title", what.title},
          {"evidence", what.evidence},
          {"advice", what.advice},
          {"change", change_of(what.change)},
          {"gain", gain_of(what.gain)},
          {"subject", std::move(subject)},
          {"area", what.area},
          {"since", time_text(since)}};
}

json::object to_json(const advise::Standing& standing) {
  json::object told = to_json(standing.what, standing.since);
  if (!standing.dismissed) return told;
  told["holds"] = standing.is_found;
  told["dismissed"] =
      json::object{{"time", time_text(standing.dismissed->time)}, {"by", standing.dismissed->by}};
  return told;
}

json::object to_json(const advise::Pending& pending) {
  json::object told = to_json(pending.what, pending.since);
  told["measured_seconds"] = pending.measured_seconds;
  return told;
}

json::object to_json(const advise::Ended& ended) {
  json::object told = to_json(ended.what, ended.since);
  told["ended"] = time_text(ended.ended);
  told["outcome"] = ended.effect ? "done" : "no_longer_seen";
  told["effect"] = nullptr;
  const advise::Kind* kind = advise::find_kind(ended.what.kind);
  if (!ended.effect || kind == nullptr) return told;
  told["effect"] = json::object{{"figure", kind->figure},
                                {"before", figure_of(ended.effect->before, kind->unit)},
                                {"after", figure_of(ended.effect->after, kind->unit)},
                                {"measured_seconds", ended.effect->seconds}};
  return told;
}

}  // namespace

void recommendations(const CallPtr& call, const Done& done) {
  const advise::Board& board = call->adviser.board();
  done(data_reply(json::object{{"open", array_of(board.open(), to_json)},
                               {"measuring", array_of(board.pending(), to_json)},
                               {"dismissed", array_of(board.dismissed(), to_json)},
                               {"done", array_of(board.ended(), to_json)},
                               {"may_change", call->person.role == Role::admin}}));
}

}  // namespace forebay::http::handlers
