#include "input.hpp"
#include "wire/startup.hpp"

/// A client's first packet. What is understood is written again, and has to be understood alike.
namespace {

using namespace forebay::wire;
using forebay::fuzz::expect;

std::vector<Parameter> parameters_of(const StartupMessage& message) {
  std::vector<Parameter> parameters = message.parameters;
  parameters.emplace_back("user", message.user);
  parameters.emplace_back("database", message.database);
  parameters.emplace_back("application_name", message.application_name);
  if (!message.replication.empty()) parameters.emplace_back("replication", message.replication);
  return parameters;
}

FirstPacket read_back(const Writer& writer) {
  const auto packet = parse_first_packet(forebay::as_text(writer.bytes()).substr(4));
  expect(packet.has_value());
  return *packet;
}

void check(const StartupMessage& message) {
  expect(!message.user.empty() && !message.database.empty() && message.application_name.size() < 64);
  Writer writer;
  write_startup(writer, parameters_of(message));
  const auto again = std::get<StartupMessage>(read_back(writer));
  expect(again.user == message.user && again.database == message.database);
  expect(again.replication == message.replication && again.application_name == message.application_name);
  expect(again.parameters == message.parameters);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  forebay::fuzz::Input input(bytes, size);
  const auto packet = parse_first_packet(input.rest());
  if (!packet) {
    expect(!packet.error().text.empty());
  } else if (const auto* message = std::get_if<StartupMessage>(&*packet)) {
    check(*message);
  } else if (const auto* cancel = std::get_if<CancelRequest>(&*packet)) {
    Writer writer;
    write_cancel(writer, cancel->key);
    expect(std::get<CancelRequest>(read_back(writer)).key == cancel->key);
  }
  return 0;
}
