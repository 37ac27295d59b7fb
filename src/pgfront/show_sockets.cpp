#include <fmt/format.h>
#include <sys/socket.h>

#include "net/socket.hpp"
#include "pgfront/console.hpp"
#include "pgfront/console_gather.hpp"
#include "pgfront/show_census.hpp"
#include "pgfront/show_commands.hpp"

namespace forebay::pgfront::show {

namespace {

/// Which rows are wanted, and how.
struct Selection {
  bool clients = false;
  bool servers = false;
  bool logins = false;       ///< clients that have not logged in yet
  bool active_only = false;  ///< only those that are at work
  bool buffers = false;      ///< with the columns about buffers
};

constexpr Selection kClients{.clients = true};
constexpr Selection kServers{.servers = true};
constexpr Selection kSockets{.clients = true, .servers = true, .logins = true, .buffers = true};
constexpr Selection kActiveSockets{
    .clients = true, .servers = true, .logins = true, .active_only = true, .buffers = true};

/// One row but for its place in the table.
struct Socket {
  char type = 'C';
  std::string user;
  std::string database;
  std::string_view replication = "none";
  std::string_view state;
  const net::Stream* stream = nullptr;
  bool is_unix = false;
  TimePoint connected_at;
  TimePoint requested_at;
  std::uint64_t wait_micros = 0;
  bool close_needed = false;
  const void* self = nullptr;
  const void* link = nullptr;
  std::uint64_t remote_pid = 0;
  std::string application_name;
  std::uint64_t prepared_statements = 0;
  std::uint64_t id = 0;
  std::string_view transaction = "";
  std::string_view held_because = "";
};

std::string pointer_text(const void* pointer) {
  return pointer == nullptr ? std::string() : fmt::format("{}", pointer);
}

std::string tls_text(const net::Stream& stream) {
  if (!stream.has_tls()) return {};
  return fmt::format("{}/{}", stream.tls_version(), stream.tls_cipher());
}

std::string_view replication_text(const std::string& startup_value) {
  if (startup_value.empty()) return "none";
  return startup_value == "database" ? "logical" : "physical";
}

std::string_view transaction_text(char status) {
  switch (status) {
    case 'T':
      return "open";
    case 'E':
      return "failed";
    default:
      return "none";
  }
}

std::uint64_t peer_process(const net::Stream& stream) {
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = getsockopt(stream.fd(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  return known ? static_cast<std::uint64_t>(peer.pid) : 0;
}

/// PgBouncer prefixes states where clients and servers are shown together.
std::string_view client_state(std::string_view alone, std::string_view together, const Selection& selection) {
  return selection.buffers ? together : alone;
}

std::string_view backend_state(BackendState state, const Selection& selection) {
  struct Names {
    std::string_view alone;
    std::string_view together;
  };
  const auto names = [state]() -> Names {
    switch (state) {
      case BackendState::active:
        return {"active", "sv_active"};
      case BackendState::idle:
        return {"idle", "sv_idle"};
      case BackendState::used:
        return {"used", "sv_used"};
      case BackendState::tested:
        return {"tested", "sv_tested"};
      case BackendState::login:
        return {"new", "sv_login"};
      case BackendState::being_canceled:
        return {"being_canceled", "sv_being_canceled"};
    }
    return {};
  }();
  return selection.buffers ? names.together : names.alone;
}

void describe_session(Socket& row, const engine::Session& session, const Selection& selection,
                      TimePoint now) {
  row.user = session.pool().user();
  row.database = session.pool().database();
  row.replication = replication_text(session.profile().replication);
  row.link = session.lent_backend();
  row.application_name = session.application_name();
  row.prepared_statements = session.prepared_statements();
  row.held_because = session.held_because();
  row.transaction = "none";
  if (session.is_waiting()) {
    row.state = client_state("waiting", "cl_waiting", selection);
    row.wait_micros = micros_between(session.state_since(), now);
  } else if (const auto* backend = session.lent_backend(); backend != nullptr) {
    row.state = client_state("active", "cl_active", selection);
    row.transaction = transaction_text(backend->tracker().transaction_status());
  } else {
    row.state = client_state("idle", "cl_active", selection);
  }
}

/// Empty when the client does not belong to the selection.
std::optional<Socket> describe(const Client& client, const Selection& selection, TimePoint now) {
  Socket row;
  row.stream = &client.stream();
  row.is_unix = client.is_local_socket();
  row.connected_at = client.connected_at();
  row.requested_at = client.last_input_at();
  row.self = &client;
  row.id = client.id();
  if (client.is_ending() || !row.stream->open()) return std::nullopt;
  if (row.is_unix) row.remote_pid = peer_process(*row.stream);
  if (const auto* session = client.session(); session != nullptr) {
    describe_session(row, *session, selection, now);
    const bool at_work = session->is_waiting() || session->lent_backend() != nullptr;
    if (selection.active_only && !at_work) return std::nullopt;
  } else if (const Console* console = client.console(); console != nullptr) {
    row.user = console->identity().user;
    row.database = console->identity().database;
    row.application_name = console->application_name();
    row.state = client_state("active", "cl_active", selection);
  } else {
    if (!selection.logins) return std::nullopt;
    row.user = "(nouser)";
    row.database = "(nodb)";
    row.state = "cl_login";
  }
  return row;
}

std::optional<Socket> describe(const Census::BackendEntry& entry, const Selection& selection) {
  const backend::Backend& backend = *entry.backend;
  if (selection.active_only && (entry.state == BackendState::idle || entry.state == BackendState::used)) {
    return std::nullopt;
  }
  Socket row;
  row.type = 'S';
  row.user = backend.pool().user();
  row.database = backend.pool().database();
  row.replication = replication_text(backend.profile()->replication);
  row.state = backend_state(entry.state, selection);
  row.stream = &backend.stream();
  row.connected_at = entry.state == BackendState::login ? backend.changed_at() : backend.opened_at();
  row.requested_at = backend.changed_at();
  row.close_needed = backend.generation() != backend.pool().generation();
  row.self = &backend;
  row.link = entry.client;
  row.remote_pid = backend.cancel_key().process_id;
  row.prepared_statements = backend.prepared_count();
  row.id = backend.id();
  row.transaction = transaction_text(backend.tracker().transaction_status());
  if (entry.client != nullptr) {
    row.application_name = entry.client->session()->application_name();
    row.held_because = entry.client->session()->held_because();
  }
  return row;
}

class SocketTable {
 public:
  SocketTable(const ShowRequest& request, const Selection& selection, std::uint64_t thread)
      : request_(request), selection_(selection), thread_(thread), rows_(request.columns, request.formats) {}

  void add(const Socket& socket) {
    rows_.text({&socket.type, 1}).text(socket.user).text(socket.database).text(socket.replication);
    rows_.text(socket.state);
    add_addresses(socket);
    rows_.text(timestamp(socket.connected_at)).text(timestamp(socket.requested_at));
    rows_.number(socket.wait_micros / 1'000'000).number(socket.wait_micros % 1'000'000);
    rows_.number(socket.close_needed ? 1 : 0).text(pointer_text(socket.self)).text(pointer_text(socket.link));
    rows_.number(socket.remote_pid).text(tls_text(*socket.stream)).text(socket.application_name);
    rows_.number(socket.prepared_statements).number(socket.id);
    if (selection_.buffers) {
      // Positions inside PgBouncer's buffers: an idle connection has none here.
      constexpr int kBufferColumns = 7;
      for (int i = 0; i < kBufferColumns; ++i) rows_.number(0);
    }
    if (request_.shows_own_columns()) {
      rows_.text(socket.transaction).text(socket.held_because).number(thread_);
    }
  }

  std::string take() const { return std::string(as_text(rows_.bytes())); }

 private:
  void add_addresses(const Socket& socket) {
    if (!socket.stream->open()) {
      rows_.text("").number(0).text("").number(0);
      return;
    }
    const net::Address peer = net::peer_address(socket.stream->fd());
    const net::Address local = net::local_address(socket.stream->fd());
    rows_.text(peer.host()).number(peer.port()).text(local.host()).number(local.port());
  }

  const ShowRequest& request_;
  const Selection& selection_;
  const std::uint64_t thread_;
  RowWriter rows_;
};

std::string rows_here(Worker& worker, const ShowRequest& request, const Selection& selection) {
  const Census census(worker, request.now);
  SocketTable table(request, selection, worker.index());
  if (selection.clients) {
    for (const Client* client : census.clients()) {
      if (const auto row = describe(*client, selection, request.now)) table.add(*row);
    }
  }
  if (selection.servers) {
    for (const auto& entry : census.backends()) {
      if (const auto row = describe(entry, selection)) table.add(*row);
    }
  }
  return table.take();
}

void show_sockets(const ShowRequestPtr& request, const Selection& selection, ShowDone done) {
  gather(
      request->front, request->asker,
      [request, &selection](Worker& worker) { return rows_here(worker, *request, selection); },
      [done](const std::vector<std::string>& threads) {
        std::string all;
        for (const std::string& rows : threads) all += rows;
        done(std::move(all));
      });
}

}  // namespace

void clients(const ShowRequestPtr& request, ShowDone done) {
  show_sockets(request, kClients, std::move(done));
}

void servers(const ShowRequestPtr& request, ShowDone done) {
  show_sockets(request, kServers, std::move(done));
}

void sockets(const ShowRequestPtr& request, ShowDone done) {
  show_sockets(request, kSockets, std::move(done));
}

void active_sockets(const ShowRequestPtr& request, ShowDone done) {
  show_sockets(request, kActiveSockets, std::move(done));
}

}  // namespace forebay::pgfront::show
