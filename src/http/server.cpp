#include "http/server.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/intrusive_list.hpp"
#include "http/access.hpp"
#include "http/adviser.hpp"
#include "http/alert_watch.hpp"
#include "http/aliases.hpp"
#include "http/dispatch.hpp"
#include "http/events.hpp"
#include "http/json.hpp"
#include "http/otlp_exporter.hpp"
#include "http/peer.hpp"
#include "http/raw_request.hpp"
#include "http/recorder.hpp"
#include "http/rounds.hpp"
#include "observe/log.hpp"
#include "observe/log_failure.hpp"
#include "observe/rate_limit.hpp"

namespace forebay::http {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace beast_http = boost::beast::http;
using asio::awaitable;
using asio::use_awaitable;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tcp = asio::ip::tcp;
using ErrorOf = boost::system::error_code;

/// Of the line and the fields together.
constexpr std::uint32_t kLongestHeader = 8 * 1024;
/// Actions take a few words.
constexpr std::uint64_t kLongestBody = 64 * 1024;
/// Dashboards and scrapers have one or two each.
constexpr std::size_t kMostConnections = 64;
/// So many more for a moment: those who are being shown out.
constexpr std::size_t kGoing = 16;
constexpr int kMostRequests = 1000;
/// For a whole request from its first byte, for a handshake, and for a reply to be taken.
constexpr seconds kPatience{10};
/// Between requests: longer than the usual time between two scrapes.
constexpr seconds kIdle{65};
/// For the threads of clients to answer.
constexpr seconds kAnswer{5};
/// For what is done in several steps: names are resolved for a reload, and a plan takes two questions to the
/// server (plan_question.cpp).
constexpr seconds kAction{30};
/// Before somebody hears that what he said of himself is wrong.
constexpr milliseconds kPenance{500};

/// To those who are one too many.
constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: "
    "1\r\n\r\n";

/// What a client may expect of us before it sends a body, and what it is told then.
constexpr std::string_view kContinueExpected = "100-continue";
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// The first byte of what a TLS client sends: a record of the type handshake (RFC 8446, 5.1). No method of
/// HTTP begins with it.
constexpr unsigned char kTlsHandshake = 22;

using Parser = beast_http::request_parser<beast_http::string_body>;
/// The head of a reply, with what browsers are told of every one, and of a page that will come with one.
/// `length`: nothing when the end of the connection is that of the body.
std::string head_of(const Reply& reply, bool keeps_alive, std::optional<std::size_t> length) {
  beast_http::response<beast_http::empty_body> raw{static_cast<beast_http::status>(reply.status), 11};
  raw.set(beast_http::field::server, "forebay");
  raw.set(beast_http::field::content_type, reply.content_type);
  raw.set(beast_http::field::cache_control, "no-store");
  raw.set("Content-Security-Policy",
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
          "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  raw.set("X-Content-Type-Options", "nosniff");
  raw.set("X-Frame-Options", "DENY");
  raw.set("Referrer-Policy", "no-referrer");
  raw.set("Cross-Origin-Opener-Policy", "same-origin");
  raw.set("Cross-Origin-Resource-Policy", "same-origin");
  for (const auto& [name, value] : reply.fields) raw.set(name, value);
  raw.keep_alive(keeps_alive);
  if (length) raw.content_length(*length);
  std::ostringstream written;
  written << raw.base();
  return std::move(written).str();
}

/// A request that cannot be read: what is said of it, unless whoever sent it has gone or was too slow.
std::optional<Reply> reply_to(const ErrorOf& error) {
  if (error == beast_http::error::header_limit || error == beast_http::error::buffer_overflow)
    return error_reply(431, "header_too_long", "line and fields together have at most 8 KiB");
  if (error == beast_http::error::body_limit)
    return error_reply(413, "body_too_long", "a body has at most 64 KiB");
  const bool is_gone =
      error == beast_http::error::end_of_stream || error == beast_http::error::partial_message;
  if (!is_gone && error.category() == make_error_code(beast_http::error::bad_method).category())
    return error_reply(400, "malformed", "this is no HTTP request: " + error.message());
  return std::nullopt;
}

/// Reads on with what is in `buffer`. The parser bounds what it has before it at a time, but not the whole of
/// the fields, which may come in many pieces: `head` is how much of the line and the fields it has taken.
ErrorOf parse(Parser& parser, beast::flat_buffer& buffer, std::size_t& head) {
  while (buffer.size() > 0 && !parser.is_done()) {
    const bool is_head = !parser.is_header_done();
    ErrorOf error;
    const std::size_t used = parser.put(buffer.data(), error);
    buffer.consume(used);
    if (is_head) head += used;
    if (head > kLongestHeader) return beast_http::error::header_limit;
    if (error == beast_http::error::need_more) return {};
    if (error) return error;
  }
  return {};
}

/// The whole of a request, or its head, when that expects what we do not know; what has come behind it stays
/// in `buffer`.
awaitable<ErrorOf> receive(Peer& peer, beast::flat_buffer& buffer, Parser& parser, seconds patience) {
  peer.expires_after(patience);
  bool has_begun = false;
  bool is_head_done = false;
  std::size_t head = 0;
  for (;;) {
    if (buffer.size() > 0) {
      if (!std::exchange(has_begun, true)) peer.expires_after(kPatience);
      if (const ErrorOf error = parse(parser, buffer, head)) co_return error;
      if (parser.is_done()) co_return ErrorOf();
      // The parser waits without a limit for the end of a chunk's line, or of a field behind the last chunk.
      if (parser.is_header_done() && buffer.size() > kLongestHeader) co_return beast_http::error::body_limit;
      if (parser.is_header_done() && !std::exchange(is_head_done, true)) {
        const std::string expectation = expectation_of(parser.get());
        if (!expectation.empty() && expectation != kContinueExpected) co_return ErrorOf();
        if (expectation == kContinueExpected && parser.get().body().empty()) {
          if (const ErrorOf error = co_await peer.write({asio::buffer(kContinue), {}})) co_return error;
        }
      }
    }
    if (const ErrorOf error = co_await peer.read_some(buffer)) co_return error;
  }
}

struct GuestTag;

/// A connection. In a list while nothing is being done for it that somebody has a right to: a stranger's
/// all the time, for he may take as long to read as to ask.
struct Guest : ListHook<GuestTag> {
  Guest(asio::io_context& context, net::Fd of, const tcp::endpoint& from)
      : socket(std::move(of)),
        address(text_of(from)),
        is_local(from.address().is_loopback()),
        penance(context) {}

  /// There is no room for him.
  void show_out() {
    unlink();
    is_shown_out = true;
    ::shutdown(socket.get(), SHUT_RDWR);
    penance.cancel();
  }

  /// A descriptor of its own: the stream closes its own when time is up, and that number may be another's.
  const net::Fd socket;
  const std::string address;
  const bool is_local;
  std::atomic<bool> is_shown_out = false;
  asio::steady_timer penance;

 private:
  static std::string text_of(const tcp::endpoint& place) {
    const std::string host = place.address().to_string();
    return fmt::format(fmt::runtime(place.address().is_v6() ? "[{}]:{}" : "{}:{}"), host, place.port());
  }
};

/// As for logins of SQL clients. A name tells less than a token: what was sent in its place is not logged.
void log_refused_login(const Guest& guest, const Request& request, const Person& impostor) {
  static observe::RateLimit limit;
  const auto dropped = limit.admit(Clock::now());
  if (!dropped) return;
  observe::Event event("HTTP login refused");
  event.with("client", guest.address).with("user", impostor.said).with("path", request.path);
  event.with("reason", says_password(request)
                           ? "there is no such user of the console, or the password is wrong"
                           : "the token is not known, or a password must not be sent here");
  if (*dropped > 0) event.with("not_logged_before", *dropped);
  event.warning();
}

/// How this Forebay is known from others: the machine's name and the first port, as Prometheus would have it.
std::string instance_of(const std::vector<std::shared_ptr<net::Fd>>& sockets) {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return fmt::format("{}:{}", name, net::local_address(sockets.front()->get()).port());
}

/// What a handler is waited for with.
struct Waiting {
  explicit Waiting(asio::io_context& context) : timer(context) {}

  std::optional<Reply> reply;
  asio::steady_timer timer;
};

}  // namespace

/// Members go from the last to the first: what runs, before what it uses.
struct Server::State {
  State(pgfront::Front& served, const std::vector<std::shared_ptr<net::Fd>>& sockets);

  /// Back to this thread.
  pgfront::Post here() {
    return [this](std::function<void()> task) { asio::post(context, std::move(task)); };
  }
  /// The figures of each second, for whoever follows them.
  void take(Figures& figures, TimePoint now);
  awaitable<void> accept(tcp::acceptor& acceptor);
  awaitable<void> meet(tcp::socket socket);
  awaitable<void> serve(Peer& peer, Guest& guest, beast::flat_buffer& buffer, bool is_private);
  awaitable<Person> identify_guest(const Guest& guest, const Request& request);
  awaitable<Reply> answer(const Route* route, Request request, Person person);
  awaitable<void> send_events(Peer& peer, const Guest& guest, Request request, const Route& route);
  awaitable<bool> send(Peer& peer, Reply reply, bool is_head, bool keeps_alive);

  pgfront::Front& front;
  std::size_t connections = 0;
  IntrusiveList<Guest, GuestTag> unserved;  ///< who has waited for longest first
  std::atomic<bool> is_handed_over = false;
  asio::io_context context{1};
  asio::thread_pool deriver{1};  ///< of keys from passwords: one at a time, and nobody else waits for it
  std::vector<std::unique_ptr<tcp::acceptor>> acceptors;
  monitor::Watched watched;
  AlertWatch watch;
  Events events;
  Recorder recorder;
  Adviser adviser;
  OtlpExporter exporter;
  Rounds rounds;
  std::thread thread;
};

Server::State::State(pgfront::Front& served, const std::vector<std::shared_ptr<net::Fd>>& sockets)
    : front(served),
      watched(served, here(), instance_of(sockets)),
      watch(context, served, watched, instance_of(sockets)),
      recorder(watched),
      adviser(served, here(), watched),
      exporter(context, served, here(), watched, watch, instance_of(sockets)),
      rounds(context, served, here(), watch,
             [this](Figures& figures, TimePoint now) { take(figures, now); }) {
  for (const auto& socket : sockets) {
    const int fd = ::fcntl(socket->get(), F_DUPFD_CLOEXEC, 0);
    auto acceptor = std::make_unique<tcp::acceptor>(context);
    const bool is_v6 = net::local_address(socket->get()).family() == AF_INET6;
    acceptor->assign(is_v6 ? tcp::v6() : tcp::v4(), fd);
    acceptors.push_back(std::move(acceptor));
    asio::co_spawn(context, accept(*acceptors.back()), observe::LogFailure{"HTTP takes no connections"});
  }
}

void Server::State::take(Figures& figures, TimePoint now) {
  watch.take(figures, now);
  figures.alerts = watch.figures();
  recorder.note(figures, now);
  adviser.note(figures, now);
  events.publish(figures);
  watched.planner.round(now);
}

awaitable<void> Server::State::accept(tcp::acceptor& acceptor) {
  while (acceptor.is_open()) {
    ErrorOf error;
    tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(use_awaitable, error));
    if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
    if (error) {
      // No descriptors are left, most likely: others go meanwhile.
      asio::steady_timer pause(context, milliseconds(100));
      co_await pause.async_wait(asio::redirect_error(use_awaitable, error));
      continue;
    }
    const bool is_full = connections >= kMostConnections;
    const bool has_idle = !unserved.empty();
    if (is_full && has_idle) {
      // Whoever asks for nothing, or takes long to say what, goes: health checks have to get in.
      unserved.front().show_out();
    }
    if (!is_full || (has_idle && connections < kMostConnections + kGoing)) {
      asio::co_spawn(context, meet(std::move(socket)),
                     observe::LogFailure{"an HTTP connection was given up"});
      continue;
    }
    socket.non_blocking(true, error);
    socket.write_some(asio::buffer(kBusy), error);
  }
}

awaitable<void> Server::State::meet(tcp::socket socket) {
  struct Counted {
    explicit Counted(std::size_t& of) : count(of) { ++count; }
    ~Counted() { --count; }
    std::size_t& count;
  };
  const Counted counted(connections);
  ErrorOf error;
  const tcp::endpoint place = socket.remote_endpoint(error);
  if (error) co_return;
  net::Fd own(::fcntl(socket.native_handle(), F_DUPFD_CLOEXEC, 0));
  if (!own) co_return;
  Guest guest(context, std::move(own), place);
  unserved.push_back(guest);
  beast::tcp_stream stream(std::move(socket));
  beast::flat_buffer buffer(kLongestHeader + kLongestBody);
  const auto tls = front.tls();
  const config::TlsMode mode = front.settings()->tls.mode;
  bool is_refused = false;
  if (tls != nullptr && *tls && mode != config::TlsMode::disable) {
    stream.expires_after(kPatience);
    const auto room = buffer.prepare(kLongestHeader);
    buffer.commit(co_await stream.async_read_some(room, asio::redirect_error(use_awaitable, error)));
    if (error) co_return;
    if (*static_cast<const unsigned char*>(buffer.data().data()) == kTlsHandshake) {
      const auto secured = co_await tls_peer(std::move(stream), buffer, *tls);
      if (secured == nullptr) co_return;
      co_await serve(*secured, guest, buffer, true);
      // Whose farewell may not come.
      if (!guest.is_linked()) unserved.push_back(guest);
      secured->expires_after(kPatience);
      co_await secured->end();
      co_return;
    }
    is_refused = mode != config::TlsMode::allow && mode != config::TlsMode::prefer;
  }
  const auto peer = plain_peer(std::move(stream));
  if (is_refused) {
    co_await send(*peer, error_reply(426, "tls_required", "this address speaks TLS only (tls.mode)"), false,
                  false);
  } else {
    co_await serve(*peer, guest, buffer, false);
  }
}

awaitable<void> Server::State::serve(Peer& peer, Guest& guest, beast::flat_buffer& buffer, bool is_private) {
  for (int requests = 1;; ++requests) {
    guest.unlink();
    unserved.push_back(guest);
    Parser parser;
    parser.header_limit(kLongestHeader);
    parser.body_limit(kLongestBody);
    const ErrorOf error = co_await receive(peer, buffer, parser, requests == 1 ? kPatience : kIdle);
    if (error) {
      auto refusal = reply_to(error);
      if (refusal) co_await send(peer, std::move(*refusal), false, false);
      co_return;
    }
    if (is_ambiguous(parser.get())) {
      co_await send(peer, error_reply(400, "malformed", kUnambiguous), false, false);
      co_return;
    }
    const std::string expectation = expectation_of(parser.get());
    if (!expectation.empty() && expectation != kContinueExpected) {
      co_await send(peer, error_reply(417, "expectation_failed", "nothing can be expected but 100-continue"),
                    false, false);
      co_return;
    }
    const TimePoint read_at = Clock::now();
    Request request = request_of(parser.get(), guest.is_local, is_private);
    resolve_alias(front.settings()->http, request);
    const bool is_for_health = request.path == "/health" || request.path.starts_with("/health/");
    const bool is_head = request.method == "HEAD";
    const bool keeps_alive = parser.get().keep_alive() && requests < kMostRequests && !is_handed_over;
    const Person person = co_await identify_guest(guest, request);
    if (guest.is_shown_out) co_return;
    if (person.is_impostor) {
      log_refused_login(guest, request, person);
      ErrorOf woken;
      guest.penance.expires_after(kPenance);
      co_await guest.penance.async_wait(asio::redirect_error(use_awaitable, woken));
    }
    if (!person.name.empty()) guest.unlink();
    Dispatch found = dispatch(request, person);
    const bool is_stream = found.route != nullptr && found.route->run == nullptr;
    if (is_stream && !is_head) {
      guest.unlink();  // of readers there are only so many, and they have to read
      co_await send_events(peer, guest, std::move(request), *found.route);
      co_return;
    }
    Reply reply;
    if (is_stream) {
      reply.content_type = found.route->answers;
    } else if (found.route != nullptr) {
      reply = co_await answer(found.route, std::move(request), found.person);
    } else {
      reply = std::move(found.reply);
    }
    const bool was_sent = co_await send(peer, std::move(reply), is_head, keeps_alive);
    if (is_for_health) watch.health().answers.add(micros_between(read_at, Clock::now()));
    if (!was_sent || !keeps_alive) co_return;
  }
}

awaitable<Person> Server::State::identify_guest(const Guest& guest, const Request& request) {
  const auto settings = front.settings();
  const auto user_list = front.user_list();
  if (!says_password(request)) co_return identify(request, *settings, user_list.get());
  const auto derive = [&]() -> awaitable<Person> {
    if (guest.is_shown_out) co_return Person{.is_impostor = true};
    co_return identify(request, *settings, user_list.get());
  };
  co_return co_await asio::co_spawn(deriver, derive, use_awaitable);
}

awaitable<Reply> Server::State::answer(const Route* route, Request request, Person person) {
  const auto waiting = std::make_shared<Waiting>(context);
  const CallPtr call = std::make_shared<const Call>(Call{
      front, watched, here(), std::move(request), std::move(person), Clock::now(), watch, adviser, waiting});
  // It holds on to nothing: whoever keeps it for too long keeps nothing of ours.
  const Done done = [weak = std::weak_ptr(waiting)](Reply reply) {
    const auto waits = weak.lock();
    if (waits == nullptr) return;
    waits->reply = std::move(reply);
    waits->timer.cancel();
  };
  const seconds patience = route->method == "POST" ? kAction : kAnswer;
  route->run(call, done);
  if (!waiting->reply) {
    ErrorOf error;
    waiting->timer.expires_after(patience);
    co_await waiting->timer.async_wait(asio::redirect_error(use_awaitable, error));
  }
  if (waiting->reply) co_return std::move(*waiting->reply);
  co_return error_reply(
      503, "no_answer",
      fmt::format("there was no answer within {} s; what was asked for may still be done", patience.count()));
}

awaitable<bool> Server::State::send(Peer& peer, Reply reply, bool is_head, bool keeps_alive) {
  const bool has_body = reply.status != 304;
  const std::string head =
      head_of(reply, keeps_alive, has_body ? std::optional(reply.body.size()) : std::nullopt);
  peer.expires_after(kPatience);
  const std::string_view body = is_head || !has_body ? std::string_view() : reply.body;
  co_return !co_await peer.write({asio::buffer(head), asio::buffer(body)});
}

awaitable<void> Server::State::send_events(Peer& peer, const Guest& guest, Request request,
                                           const Route& route) {
  struct Reading {
    Reading(Events& of, asio::io_context& in) : events(of), reader(in), is_in(of.add(reader)) {}
    /// At the end of the server there are no events any more, and nobody is linked.
    ~Reading() {
      if (reader.is_linked()) events.remove(reader);
    }
    Events& events;
    Reader reader;
    const bool is_in;
  };
  Reading reading(events, context);
  if (!reading.is_in) {
    co_await send(peer, error_reply(503, "too_many_readers", "there are 16 readers of events already"), false,
                  false);
    co_return;
  }
  const std::string head = head_of({.content_type = "text/event-stream"}, false, std::nullopt);
  peer.expires_after(kPatience);
  ErrorOf error = co_await peer.write({asio::buffer(head), {}});
  config::SettingsPtr settings = front.settings();
  while (!error && !is_handed_over) {
    if (settings != front.settings()) {
      settings = front.settings();
      // A token may have been taken back by a reload.
      if ((co_await identify_guest(guest, request)).role < route.role) co_return;
    }
    if (reading.reader.latest == nullptr) {
      ErrorOf woken;
      reading.reader.arrived.expires_after(kPatience);
      co_await reading.reader.arrived.async_wait(asio::redirect_error(use_awaitable, woken));
    }
    const auto event = std::exchange(reading.reader.latest, nullptr);
    // A comment, when the threads of clients are that slow: who has gone is found out by writing.
    const std::string_view bytes = event == nullptr ? std::string_view(": nothing yet\n\n") : *event;
    peer.expires_after(kPatience);
    error = co_await peer.write({asio::buffer(bytes), {}});
  }
}

Server::Server(pgfront::Front& front, const std::vector<std::shared_ptr<net::Fd>>& sockets)
    : state_(std::make_unique<State>(front, sockets)) {
  state_->thread = std::thread([this] { state_->context.run(); });
}

Server::~Server() {
  stop();
}

void Server::hand_over() {
  state_->is_handed_over = true;
  asio::post(state_->context, [state = state_.get()] {
    ErrorOf error;
    for (const auto& acceptor : state->acceptors) acceptor->close(error);
    state->watch.stop();
    state->exporter.stop();
    state->watched.sampler.stop();  // the other process asks and writes now
    state->watched.writer.stop();
  });
}

void Server::stop() {
  state_->context.stop();
  if (state_->thread.joinable()) state_->thread.join();
  // What it still does looks at requests that go with the context.
  state_->deriver.stop();
  state_->deriver.join();
  state_->watched.sampler.stop();
  state_->watched.writer.stop();
}

}  // namespace forebay::http
