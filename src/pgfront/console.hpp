#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "pgfront/console_executor.hpp"
#include "wire/writer.hpp"

namespace forebay::pgfront {

class Client;

/// The administrators' console: what a client of the database "forebay" (or "pgbouncer") talks to. Simple
/// queries, and of the extended protocol what commands without parameters need. Reference: docs/console.md.
/// Used by the client's thread.
///
/// Files: console.cpp is the protocol, console_extended.cpp its extended part; console_executor.cpp runs
/// commands.
class Console {
 public:
  /// Greets the client, which outlives the console and has its cancel key.
  Console(Client& client, ConsoleIdentity identity);
  ~Console();

  /// Handles one message, when it is complete, and returns how many bytes were used.
  std::size_t on_input(const std::byte* bytes, std::size_t size);
  /// A command is running: further messages have to wait.
  bool is_waiting() const { return executor_.is_running(); }
  /// The client wants the command that runs to end.
  void cancel() { executor_.cancel(); }

  const ConsoleIdentity& identity() const { return identity_; }
  const std::string& application_name() const { return executor_.application_name(); }

 private:
  struct Portal {
    ConsolePlan plan;
    ResultFormats formats;
    bool executed = false;
    std::string rows;  ///< that the client has not fetched yet
    std::string tag;
  };

  // console.cpp
  void greet();
  void on_message(char type, std::string_view body);
  void on_query(std::string_view body);
  void run_queries();
  void answer_query(const ConsolePlan& plan, ConsoleAnswer answer);
  void on_sync();
  void ready(wire::Writer& writer);
  void send(const wire::Writer& writer);
  void send_error(const wire::ErrorMessage& error);
  void close(std::string_view sqlstate, std::string message);
  bool peer_is_there();

  // console_extended.cpp
  void on_parse(std::string_view body);
  void on_bind(std::string_view body);
  void on_describe(std::string_view body);
  void on_execute(std::string_view body);
  void on_close(std::string_view body);
  void answer_execute(const std::string& name, std::uint32_t limit, ConsoleAnswer answer);
  void send_part(Portal& portal, std::uint32_t limit);
  void fail_extended(std::string_view sqlstate, std::string message, std::string hint = {});
  void fail_extended(const wire::ErrorMessage& error);

  Client& client_;
  const ConsoleIdentity identity_;
  ConsoleExecutor executor_;
  char transaction_status_ = 'I';

  std::deque<ConsoleStatement> queries_;  ///< of the Query at hand, those that have not run

  bool skipping_ = false;  ///< after an error in the extended protocol, until Sync
  std::map<std::string, ConsolePlan, std::less<>> statements_;
  std::map<std::string, Portal, std::less<>> portals_;
};

}  // namespace forebay::pgfront
