#include <vector>

#include "input.hpp"
#include "wire/protocol.hpp"
#include "wire/reply_tracker.hpp"
#include "wire/writer.hpp"

/// A server's answers to made-up requests. However they are cut into pieces, the same has to go to the client
/// and to the owner, and what goes to the client has to be whole messages.
namespace {

using namespace forebay::wire;
using forebay::fuzz::expect;
using forebay::fuzz::Input;

/// Writes down what it is told.
struct Recorder final : ReplyTracker::Observer {
  std::string told;
  std::string replacement;

  void note(std::string_view what, std::uint64_t tag = 0, std::string_view text = {}) {
    ((told += what) += std::to_string(tag)).append(text).push_back('\n');
  }
  void on_done(const Expectation& expectation) override { note("done", expectation.tag); }
  void on_skipped(const Expectation& expectation, bool failed) override {
    note(failed ? "failed" : "skipped", expectation.tag);
  }
  void on_parameter_status(std::string_view name, std::string_view value) override {
    note(name, value.size(), value);
  }
  std::string_view on_error(const Expectation* cause, std::string_view body) override {
    note("error", cause == nullptr ? 0 : cause->tag, body);
    if (body.size() < 20) return body;
    return replacement = body.substr(10);
  }
  void on_silent_message(char type, std::string_view body) override { note({&type, 1}, body.size(), body); }
  void on_command(const Expectation& expectation, char type, std::string_view body,
                  std::uint64_t rows) override {
    note({&type, 1}, expectation.call + rows, body);
  }
  /// Not written down: what is told depends on how the bytes come in pieces.
  void on_result(const Expectation&, char, std::string_view) override {}
  void on_ready(bool silent) override { note("ready", silent); }
  void on_notification(std::byte* process_id) override { process_id[0] ^= std::byte{1}; }
};

/// One connection to a server, with the buffer that a reader keeps.
struct Connection {
  ReplyTracker tracker;
  Recorder recorder;
  Splice splice;
  std::string pending;  ///< the beginning of a message
  std::string sent;     ///< to the client
  bool valid = true;

  void send() {
    sent += forebay::as_text(splice.finish());
    splice.clear();
  }
  void expect_reply(const Expectation& expectation) {
    tracker.expect(expectation, splice, recorder);
    send();
  }
  void receive(std::string_view bytes) {
    pending += bytes;
    const auto fed =
        tracker.feed(reinterpret_cast<std::byte*>(pending.data()), pending.size(), splice, recorder);
    send();
    expect(fed.consumed <= pending.size());
    pending.erase(0, fed.consumed);
    valid = fed.valid;
  }
};

/// What a session and its backend really ask for: see the uses of Expectation in engine and backend.
Expectation made_up(Input& input) {
  Expectation expectation;
  expectation.request = static_cast<Request>(input.below(10));
  const std::size_t whose = input.below(3);
  const Request request = expectation.request;
  const bool named = request == Request::parse || request == Request::close;
  expectation.silent = whose == 1 && (named || request == Request::query || request == Request::sync);
  expectation.answered_here = whose == 2 && named;
  expectation.tag = input.below(4);
  expectation.call = expectation.silent ? 0 : static_cast<std::uint32_t>(expectation.tag);
  return expectation;
}

/// Sizes up to this are as they are, larger ones stand for multiples of 16 KiB.
constexpr std::size_t kLargest = 250;

/// A message of the type and size that the input says, or bytes as they are.
std::string made_up_bytes(Input& input) {
  if (input.flag()) return std::string(input.take(input.byte()));
  const char type = static_cast<char>(input.byte());
  const std::size_t size = input.byte();
  std::string body(input.take(size < kLargest ? size : 4));
  if (size >= kLargest) body.append((size - kLargest) * 16 * 1024, 'x');
  Writer writer;
  writer.begin(type).text(body).end();
  return std::string(forebay::as_text(writer.bytes()));
}

/// Whether they are whole messages; the last one may go on.
bool are_messages(std::string_view bytes, bool may_go_on) {
  while (bytes.size() >= kHeaderSize) {
    const Header header = read_header(forebay::as_bytes(bytes).data());
    if (header.length < 4) return false;
    if (header.total() > bytes.size()) return may_go_on;
    bytes.remove_prefix(header.total());
  }
  return bytes.empty();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  Connection whole;
  Connection pieces;
  while (!input.empty() && whole.valid) {
    if (input.flag()) {
      const Expectation expectation = made_up(input);
      whole.expect_reply(expectation);
      pieces.expect_reply(expectation);
    } else {
      const std::string reply = made_up_bytes(input);
      whole.receive(reply);
      for (std::string_view rest = reply; !rest.empty() && pieces.valid;) {
        const std::string_view piece = rest.substr(0, 1 + input.below(rest.size()) * (rest.size() / 200 + 1));
        pieces.receive(piece);
        rest.remove_prefix(piece.size());
      }
    }
    expect(whole.valid == pieces.valid && whole.sent == pieces.sent);
    expect(whole.pending == pieces.pending || !whole.valid);
    expect(whole.recorder.told == pieces.recorder.told);
    expect(whole.tracker.outstanding() == pieces.tracker.outstanding());
    expect(whole.tracker.is_idle() == pieces.tracker.is_idle());
    expect(are_messages(whole.sent, whole.tracker.is_inside_message()));
  }
  return 0;
}
