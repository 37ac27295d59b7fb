// What a session asks of the catalog before its own statement runs: the code that its statements may reach.

#include "engine/burst.hpp"
#include "engine/code_question.hpp"
#include "engine/code_watch.hpp"
#include "engine/default_settings.hpp"
#include "engine/effect_sets.hpp"
#include "engine/session.hpp"
#include "net/loop.hpp"

namespace forebay::engine {

/// True when the catalog is being asked, and the message at hand has to wait.
bool Session::look_at_catalog() {
  const bool idle = !in_batch_ && backend_->is_settled() && to_server().empty() &&
                    backend_->tracker().transaction_status() == 'I' && profile_->replication.empty();
  if (!idle || !code_->claim(net::Loop::current()->now())) return false;
  ask(code_fingerprint_question(), &Session::on_code_fingerprint);
  return true;
}

void Session::on_code_fingerprint(const backend::QuestionError* error, const backend::Rows& rows) {
  const TimePoint now = net::Loop::current()->now();
  const bool complete =
      error == nullptr && rows.size() == 1 && rows[0].size() == 2 && rows[0][0] && rows[0][1];
  if (!complete) {
    code_->give_up(now);
    return unblock();
  }
  if (are_new_defaults(pool_->target()->name(), *rows[0][1])) pool_->renew_all();
  if (code_->is_known(*rows[0][0], now)) return unblock();
  code_fingerprint_ = std::make_unique<std::string>(*rows[0][0]);
  ask(std::string(code_question()), &Session::on_code_read);
}

void Session::on_code_read(const backend::QuestionError* error, const backend::Rows& rows) {
  const auto fingerprint = std::move(code_fingerprint_);
  const TimePoint now = net::Loop::current()->now();
  if (error != nullptr) {
    code_->give_up(now);
  } else {
    code_->adopt(*fingerprint, rows, now);
  }
  unblock();
}

/// What a statement may do beside what its text says. What a transaction has changed in the schema is not
/// known before it ends; neither is what comes first in a text of several statements.
Effects Session::reach_of(const sql::Verdict& verdict) const {
  Effects reached = code_->matters() ? code_->effects_of(verdict) : Effects();
  const bool changed_before = verdict.statements > 1 && verdict.effects.has(Effect::changes_schema);
  if (changed_before || effects_.has(Effect::changes_schema)) reached |= Effect::runs_code;
  return reached;
}

}  // namespace forebay::engine
