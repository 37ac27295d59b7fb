// What a session asks of the catalog before its own statement runs: the code that its statements may reach.

#include "backend/pool_directory.hpp"
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
                    backend_->tracker().transaction_status() == 'I' && !is_replication();
  if (!idle) return false;
  look_ = code_->claim(net::Loop::current()->now());
  if (look_ == nullptr) return false;
  ask(code_fingerprint_question(), &Session::on_code_fingerprint);
  return true;
}

void Session::on_code_fingerprint(const backend::QuestionError* error, const backend::Rows& rows) {
  const TimePoint now = net::Loop::current()->now();
  const bool complete =
      error == nullptr && rows.size() == 1 && rows[0].size() == 2 && rows[0][0] && rows[0][1];
  if (!complete) {
    look_->give_up(now);
    return finish_look(false);
  }
  if (are_new_defaults(pool_->target()->name(), *rows[0][1])) pool_->directory().renew_defaults();
  if (look_->is_known(*rows[0][0], now)) return finish_look(true);
  ask(std::string(code_question()), &Session::on_code_read);
}

void Session::on_code_read(const backend::QuestionError* error, const backend::Rows& rows) {
  const TimePoint now = net::Loop::current()->now();
  if (error != nullptr) {
    look_->give_up(now);
  } else {
    look_->adopt(rows, now);
  }
  finish_look(error == nullptr);
}

/// Functions have come that may set settings whose names are not known yet: only when they are, a look at the
/// session shows everything.
void Session::look_at_catalog_and_probe() {
  look_ = code_->claim(net::Loop::current()->now());
  if (look_ == nullptr) return finish_probe_later();
  probes_after_look_ = true;
  ask(code_fingerprint_question(), &Session::on_code_fingerprint);
}

void Session::finish_look(bool success) {
  look_.reset();
  if (!probes_after_look_) return unblock();
  probes_after_look_ = false;
  if (!success) return finish_probe_later();
  probe();
}

/// The backend is kept until somebody wants it again.
void Session::finish_probe_later() {
  ran_since_probe_ = true;
  keep_or_give_back();
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
