#include "backend/outbox_tool.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <ostream>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <poll.h>

#include "backend/outbox_sql.hpp"
#include "backend/stream_reply.hpp"
#include "backend/target.hpp"
#include "base/clock.hpp"

namespace forebay::backend {
namespace {

using Action = OutboxOrder::Action;
using Progress = StreamConnection::Progress;
using Reply = StreamConnection::Reply;

/// More than the server's own limit for a statement (kQuestionLimits in stream_connection.cpp).
constexpr Duration kLimit{20'000};

struct Table {
  std::string quoted;
  std::string name;
  std::string schema;
  std::string state;  ///< see outbox::tables_question()
};

class OutboxTool {
 public:
  OutboxTool(const OutboxOrder& order, const Target& target, std::ostream& out, std::ostream& err)
      : order_(order),
        out_(out),
        err_(err),
        connection_(target, order.upstream.database, StreamConnection::Purpose::questions) {}

  int run() {
    if (!connect() || !look()) return 1;
    switch (order_.action) {
      case Action::install:
        return install();
      case Action::remove:
        return remove();
      case Action::status:
        break;
    }
    return show();
  }

 private:
  bool connect() {
    const TimePoint limit = Clock::now() + kLimit;
    Progress progress = Progress::busy;
    while ((progress = connection_.connect()) == Progress::busy && wait(limit)) {
    }
    return progress == Progress::done || complain("cannot connect");
  }

  /// False when `limit` has passed.
  bool wait(TimePoint limit) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - Clock::now());
    pollfd polled{connection_.fd(), connection_.events(), 0};
    return left.count() > 0 && poll(&polled, 1, static_cast<int>(left.count())) >= 0;
  }

  std::optional<Reply> ask(const std::string& sql) {
    const TimePoint limit = Clock::now() + kLimit;
    if (!connection_.ask(sql)) return std::nullopt;
    Reply reply;
    Progress progress = Progress::busy;
    while (progress == Progress::busy && wait(limit)) {
      progress = connection_.transfer() ? connection_.take_reply(reply) : Progress::failed;
    }
    return progress == Progress::done ? std::optional(std::move(reply)) : std::nullopt;
  }

  bool complain(std::string_view what) {
    const auto& text = connection_.problem().text;
    fmt::print(err_, "forebay: {}: {}\n", what, text.empty() ? "the server does not answer" : text);
    return false;
  }

  /// What is there, and which of it is meant.
  bool look() {
    const auto facts = ask(outbox::facts_question());
    const auto tables = facts ? ask(std::string(outbox::tables_question())) : std::nullopt;
    if (!tables || tables_of(*tables).empty() || tables_of(*facts).empty()) return complain("the catalog");
    trouble_ = value_of(tables_of(*facts).front(), 0, 0);
    const PGresult* const rows = tables_of(*tables).front();
    for (int row = 0; row < PQntuples(rows); ++row) {
      const auto text = [&](int column) { return std::string(value_of(rows, row, column)); };
      tables_.push_back({text(0), text(1), text(2), text(3)});
    }
    return choose();
  }

  bool choose() {
    if (order_.relations.empty()) return true;
    const auto is_meant = [](const Table& table, const std::string& name) {
      return name == table.name || name == table.schema + "." + table.name || name == table.quoted;
    };
    for (const std::string& name : order_.relations) {
      if (std::ranges::any_of(tables_, [&](const Table& table) { return is_meant(table, name); })) continue;
      fmt::print(err_, "forebay: there is no table {} that could have a trigger\n", name);
      return false;
    }
    std::erase_if(tables_, [&](const Table& table) {
      return std::ranges::none_of(order_.relations,
                                  [&](const std::string& name) { return is_meant(table, name); });
    });
    return true;
  }

  int install() {
    bool done = true;
    for (const std::string& sql : outbox::base_statements()) {
      // The first one makes the schema, if nobody has: what others have put there is not to be used.
      done = done && execute(sql) && is_trusted();
    }
    if (!done) return 1;
    for (const Table& table : tables_) {
      if (table.state == "subscribed") {
        fmt::print(err_, "forebay: {} is left out: a subscription writes to it past triggers\n",
                   table.quoted);
      } else if (table.state != "good") {
        done = execute(outbox::trigger_statement(table.quoted)) && done;
      }
    }
    return done ? 0 : 1;
  }

  bool is_trusted() {
    const auto reply = ask(std::string(outbox::foreign_question()));
    if (!reply || tables_of(*reply).empty()) return complain("the schema forebay");
    const std::string why(value_of(tables_of(*reply).front(), 0, 0));
    if (!why.empty()) fmt::print(err_, "forebay: {}\n", why);
    return why.empty();
  }

  int remove() {
    const auto triggers = ask(std::string(outbox::triggers_question()));
    if (!triggers || tables_of(*triggers).empty()) return complain("the triggers") ? 0 : 1;
    const PGresult* const rows = tables_of(*triggers).front();
    bool done = true;
    for (int row = 0; row < PQntuples(rows); ++row) {
      const std::string relation(value_of(rows, row, 1));
      if (is_chosen(relation))
        done = execute(outbox::trigger_removal_statement(value_of(rows, row, 0), relation)) && done;
    }
    if (!done || !order_.relations.empty()) return done ? 0 : 1;
    for (const std::string& sql : outbox::base_removal_statements()) done = done && execute(sql);
    return done ? 0 : 1;
  }

  bool is_chosen(const std::string& relation) const {
    return order_.relations.empty() || std::ranges::find(tables_, relation, &Table::quoted) != tables_.end();
  }

  int show() {
    fmt::print(out_, "{}\n", trouble_.empty() ? "the outbox can be used" : trouble_);
    for (const Table& table : tables_) {
      const std::string_view why = table.state == "none"    ? ": it has no trigger"
                                   : table.state == "wrong" ? ": its trigger is not enabled for all writes"
                                   : table.state == "subscribed" ? ": a subscription writes to it"
                                                                 : "";
      fmt::print(out_, "{} {}{}\n", why.empty() ? "followed    " : "not followed", table.quoted, why);
    }
    return 0;
  }

  /// Prints it; and unless that is all that is wanted, does it.
  bool execute(const std::string& sql) {
    fmt::print(out_, "{};\n", sql);
    return order_.dry_run || ask(sql).has_value() || complain("not done");
  }

  const OutboxOrder& order_;
  std::ostream& out_;
  std::ostream& err_;
  StreamConnection connection_;
  std::string trouble_;  ///< why it cannot be used; empty: it can
  std::vector<Table> tables_;
};

}  // namespace

int run_outbox(const OutboxOrder& order, std::ostream& out, std::ostream& err) {
  const auto target = Target::make(order.upstream);
  if (!target) {
    fmt::print(err, "forebay: {}\n", target.error().text);
    return 1;
  }
  return OutboxTool(order, **target, out, err).run();
}

}  // namespace forebay::backend
