// Asks the same questions over many connections, as cheaply as redis-benchmark does, so that the server is
// measured and not the client: bursts are made beforehand, answers are only counted. cache_flood.py compiles
// and starts it.
//
//   cache_flood HOST PORT CONNECTIONS SECONDS FILE
//
// FILE holds chunks, each with its length before it (4 bytes, big endian): the start-up packet, the set-up
// burst, and any number of bursts, of which a random one is sent each time. Every burst is answered with one
// ReadyForQuery. The server must let everybody in.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kHeader = 5;
constexpr int kKeepOneIn = 16;  // latencies

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "cache_flood: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

std::uint32_t number(const char* bytes) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return ntohl(value);
}

std::vector<std::string> chunks_of(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> chunks;
  for (std::size_t at = 0; at + 4 <= all.size();) {
    const std::size_t length = number(all.data() + at);
    chunks.push_back(all.substr(at + 4, length));
    at += 4 + length;
  }
  if (chunks.size() < 3) fail("the file has no bursts");
  return chunks;
}

/// Finds the ends of messages in a stream without keeping it.
class Framer {
 public:
  /// How many ReadyForQuery ended in these bytes. Counts errors.
  int feed(const char* bytes, std::size_t length) {
    int ready = 0;
    while (length > 0) {
      const std::size_t part = std::min(length, left_ > 0 ? left_ : kHeader - held_);
      if (left_ == 0) {
        std::memcpy(head_.data() + held_, bytes, part);
        held_ += part;
        if (held_ == kHeader) begin_body();
      } else {
        left_ -= part;
      }
      if (held_ == kHeader && left_ == 0) {
        ready += head_[0] == 'Z';
        errors += head_[0] == 'E';
        held_ = 0;
      }
      bytes += part;
      length -= part;
    }
    return ready;
  }

  std::uint64_t errors = 0;

 private:
  void begin_body() { left_ = number(head_.data() + 1) - 4; }

  std::array<char, kHeader> head_{};
  std::size_t held_ = 0;
  std::size_t left_ = 0;
};

struct Connection {
  int socket = -1;
  Framer framer;
  Clock::time_point sent;
};

int connect_to(const char* host, int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, host, &address.sin_addr);
  const int yes = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("connect");
  return socket;
}

void send_all(int socket, const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t sent = ::write(socket, bytes.data() + at, bytes.size() - at);
    if (sent <= 0) fail("write");
    at += static_cast<std::size_t>(sent);
  }
}

void ask_and_wait(Connection& connection, const std::string& bytes) {
  send_all(connection.socket, bytes);
  std::array<char, 16384> buffer;
  for (int ready = 0; ready == 0;) {
    const ssize_t got = ::read(connection.socket, buffer.data(), buffer.size());
    if (got <= 0) fail("the server closed the connection");
    ready = connection.framer.feed(buffer.data(), static_cast<std::size_t>(got));
  }
  if (connection.framer.errors) fail("the server refused to serve");
}

}  // namespace

int main(int count, char** words) {
  if (count != 6) fail("usage: cache_flood HOST PORT CONNECTIONS SECONDS FILE");
  const auto chunks = chunks_of(words[5]);
  std::vector<Connection> connections(static_cast<std::size_t>(std::atoi(words[3])));
  const int poll = ::epoll_create1(0);
  std::minstd_rand random(1);
  const auto burst = [&]() -> const std::string& { return chunks[2 + random() % (chunks.size() - 2)]; };

  for (Connection& connection : connections) {
    connection.socket = connect_to(words[1], std::atoi(words[2]));
    ask_and_wait(connection, chunks[0]);
    if (!chunks[1].empty()) ask_and_wait(connection, chunks[1]);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, connection.socket, &event);
  }
  const auto start = Clock::now();
  const auto end = start + std::chrono::duration<double>(std::atof(words[4]));
  for (Connection& connection : connections) {
    connection.sent = Clock::now();
    send_all(connection.socket, burst());
  }

  std::vector<float> latencies;
  std::uint64_t answered = 0;
  std::vector<char> buffer(1 << 18);
  std::vector<epoll_event> events(connections.size());
  auto now = start;
  while (now < end) {
    const int found = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 1000);
    for (int at = 0; at < found; ++at) {
      auto& connection = *static_cast<Connection*>(events[static_cast<std::size_t>(at)].data.ptr);
      const ssize_t got = ::read(connection.socket, buffer.data(), buffer.size());
      if (got <= 0) fail("the server closed the connection");
      if (connection.framer.feed(buffer.data(), static_cast<std::size_t>(got)) == 0) continue;
      now = Clock::now();
      if (++answered % kKeepOneIn == 0) {
        latencies.push_back(std::chrono::duration<float, std::milli>(now - connection.sent).count());
      }
      connection.sent = now;
      send_all(connection.socket, burst());
    }
    if (found == 0) now = Clock::now();
  }
  std::uint64_t errors = 0;
  for (const Connection& connection : connections) errors += connection.framer.errors;
  std::sort(latencies.begin(), latencies.end());
  const auto percentile = [&](double part) {
    return latencies.empty()
               ? 0.0F
               : latencies[static_cast<std::size_t>(part * static_cast<double>(latencies.size() - 1))];
  };
  std::printf("{\"bursts\": %llu, \"seconds\": %.6f, \"errors\": %llu, \"p50_ms\": %.4f, \"p99_ms\": %.4f}\n",
              static_cast<unsigned long long>(answered), std::chrono::duration<double>(now - start).count(),
              static_cast<unsigned long long>(errors), static_cast<double>(percentile(0.5)),
              static_cast<double>(percentile(0.99)));
  return 0;
}
