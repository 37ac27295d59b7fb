#include "serve.hpp"

#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "config/loader.hpp"
#include "net/loop.hpp"
#include "net/socket.hpp"
#include "pgfront/front.hpp"
#include "pgfront/worker.hpp"

namespace forebay {

namespace {

/// More than this and clients are refused by the kernel while we are busy; the kernel caps it at somaxconn.
constexpr int kBacklog = 4096;

/// One thread per two processors: PostgreSQL and the applications want the others.
std::size_t thread_count(const config::Settings& settings) {
  if (settings.threads != 0) return settings.threads;
  return std::max(1U, std::thread::hardware_concurrency() / 2);
}

std::vector<config::ListenAddress> listen_addresses(const config::Settings& settings) {
  if (!settings.listen.empty()) return settings.listen;
  return {config::ListenAddress{.host = "127.0.0.1", .port = 6432, .unix_directory = {}}};
}

Result<pgfront::ListeningSocket> open_listener(const config::ListenAddress& address) {
  const bool is_unix = !address.unix_directory.empty();
  auto at = net::resolve(is_unix ? address.unix_directory : address.host, address.port);
  if (!at) return at.error();
  auto fd = net::listen_on(*at, kBacklog);
  if (!fd) {
    return Error{fd.error().code,
                 fmt::format("cannot listen on {}:{}: {}", is_unix ? address.unix_directory : address.host,
                             address.port, fd.error().text)};
  }
  return pgfront::ListeningSocket{std::make_shared<net::Fd>(std::move(*fd)), is_unix};
}

std::string listening_name(const config::ListenAddress& address, const pgfront::ListeningSocket& socket) {
  if (socket.is_unix) return fmt::format("{}/.s.PGSQL.{}", address.unix_directory, address.port);
  const auto bound = net::local_address(socket.fd->get());
  return fmt::format("{}:{}", bound.host(), bound.port());
}

/// SIGTERM and SIGINT end the daemon, SIGHUP reloads it. They arrive through a descriptor, on the first
/// thread.
class Signals final : public net::Handler {
 public:
  Signals(net::Loop& loop, pgfront::Front& front) : loop_(loop), front_(front) {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    fd_ = net::Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    loop_.add(fd_.get(), EPOLLIN, *this);
  }
  ~Signals() { loop_.remove(fd_.get(), *this); }

  void on_io(std::uint32_t) override {
    signalfd_siginfo info{};
    while (::read(fd_.get(), &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGHUP) {
        reload();
      } else {
        // The second signal does not wait for transactions.
        const bool again = front_.is_draining();
        spdlog::info("stopping ({}){}", strsignal(static_cast<int>(info.ssi_signo)), again ? " at once" : "");
        front_.shut_down(again ? Duration(0) : front_.settings()->timeouts.shutdown);
      }
    }
  }

 private:
  void reload() {
    if (auto reloaded = front_.reload(); reloaded) {
      spdlog::info("configuration reloaded");
    } else {
      spdlog::error("configuration not reloaded, the old one stays in use:\n{}", reloaded.error().text);
    }
  }

  net::Loop& loop_;
  pgfront::Front& front_;
  net::Fd fd_;
};

}  // namespace

int serve(const ServeOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto settings = options.settings;
  std::vector<std::unique_ptr<net::Loop>> loops;
  std::vector<net::Loop*> loop_pointers;
  for (std::size_t i = 0; i < thread_count(*settings); ++i) {
    loops.push_back(std::make_unique<net::Loop>());
    loop_pointers.push_back(loops.back().get());
  }

  pgfront::Front front(loop_pointers, options.reload);
  std::vector<std::unique_ptr<pgfront::Worker>> workers;
  for (std::size_t i = 0; i < loops.size(); ++i) {
    workers.push_back(std::make_unique<pgfront::Worker>(front, *loops[i], static_cast<std::uint16_t>(i)));
  }
  if (auto configured = front.configure(settings); !configured) {
    spdlog::error("{}", configured.error().text);
    return 1;
  }

  std::vector<pgfront::ListeningSocket> sockets;
  for (const auto& address : listen_addresses(*settings)) {
    auto socket = open_listener(address);
    if (!socket) {
      spdlog::error("{}", socket.error().text);
      return 1;
    }
    sockets.push_back(*socket);
    spdlog::info("listening on {}", listening_name(address, *socket));
  }
  const Signals signals(*loops.front(), front);
  for (const auto& worker : workers) worker->listen(sockets);

  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < loops.size(); ++i) {
    threads.emplace_back([&loop = *loops[i]] { loop.run(); });
  }
  loops.front()->run();
  for (auto& thread : threads) thread.join();
  return 0;
}

}  // namespace forebay
