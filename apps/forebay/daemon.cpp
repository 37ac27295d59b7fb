#include "daemon.hpp"

#include <algorithm>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "config/options.hpp"
#include "config/summary.hpp"
#include "config/values.hpp"
#include "observe/log.hpp"
#include "pgfront/console_service.hpp"
#include "successor_process.hpp"
#include "takeover_channel.hpp"

namespace forebay {

namespace {

/// One thread per two processors: PostgreSQL and the applications want the others.
std::size_t thread_count(const config::Settings& settings) {
  if (settings.threads != 0) return settings.threads;
  return std::max(1U, std::thread::hardware_concurrency() / 2);
}

std::vector<std::unique_ptr<net::Loop>> make_loops(std::size_t count) {
  std::vector<std::unique_ptr<net::Loop>> loops;
  for (std::size_t i = 0; i < count; ++i) loops.push_back(std::make_unique<net::Loop>());
  return loops;
}

std::vector<net::Loop*> pointers_to(const std::vector<std::unique_ptr<net::Loop>>& loops) {
  std::vector<net::Loop*> pointers;
  pointers.reserve(loops.size());
  for (const auto& loop : loops) pointers.push_back(loop.get());
  return pointers;
}

std::uint64_t number(pid_t process) {
  return static_cast<std::uint64_t>(process);
}

}  // namespace

Daemon::Daemon(const ServeOptions& options)
    : options_(options),
      takeover_path_(takeover::socket_path(*options.settings)),
      loops_(make_loops(thread_count(*options.settings))),
      loop_pointers_(pointers_to(loops_)),
      signals_(*loops_.front(), {.stop = [this](const char* name) { stop(name); },
                                 .reload = [this] { reload(); },
                                 .replace = [this] { replace(); }}),
      front_(loop_pointers_, options.reload) {
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    workers_.push_back(std::make_unique<pgfront::Worker>(front_, *loops_[i], static_cast<std::uint16_t>(i)));
  }
  front_.set_close_listeners([this] { close_listeners(); });
}

Daemon::~Daemon() {
  front_.console_service().stop();  // a reload that is under way tells the workers
  front_.directory().stop_watching();
  if (http_) http_->stop();
  for (const auto& loop : loops_) loop->forget_tasks();
}

Result<void> Daemon::start() {
  const config::Settings& settings = *options_.settings;
  if (auto configured = front_.configure(options_.settings); !configured) return configured.error();
  observe::Event("forebay " FOREBAY_VERSION " starts")
      .with("process", number(::getpid()))
      .with("file", options_.config_file)
      .with("upstream", config::masked_upstream(settings.upstream))
      .with("pool_mode", config::to_text(settings.pool_mode))
      .with("auth", config::to_text(settings.auth))
      .with("tls", config::to_text(settings.tls.mode))
      .with("threads", loops_.size())
      .with("cache", config::cache_line(settings.cache))
      .info();
  if (auto found = find_predecessor(); !found) return found.error();
  if (auto got = get_sockets(); !got) return got.error();
  for (const std::string& name : sockets_.names()) observe::Event("listening on " + name).info();
  return {};
}

Result<void> Daemon::find_predecessor() {
  if (!options_.takeover) return {};
  if (takeover_path_.empty()) {
    return Error{ErrorCode::configuration,
                 "--takeover needs a takeover_socket: there is no runtime folder, or the "
                 "system chooses the port"};
  }
  auto found = takeover::Predecessor::find(takeover_path_);
  if (!found) return found.error();
  predecessor_ = std::move(*found);
  if (predecessor_ == nullptr) {
    observe::Event("there is nobody to take over from").with("socket", takeover_path_).info();
    return {};
  }
  observe::Event("taking over").with("from", number(predecessor_->process())).info();
  front_.forward_cancels([this](const wire::CancelKey& key) { predecessor_->cancel(*loops_.front(), key); });
  return {};
}

Result<void> Daemon::get_sockets() {
  if (auto adopted = sockets_.adopt(manager_.take_sockets(), {}); !adopted) {
    return adopted.error();
  }
  if (predecessor_ != nullptr) {
    auto passed = predecessor_->take_sockets();
    if (auto adopted = sockets_.adopt(std::move(passed.clients), passed.files); !adopted)
      return adopted.error();
    const bool serves_http = !options_.settings->http.listen.empty();
    if (serves_http) {
      if (auto adopted = http_sockets_.adopt(std::move(passed.http), {}); !adopted) return adopted.error();
    }
  }
  if (auto opened = sockets_.open(*options_.settings); !opened) return opened.error();
  return http_sockets_.open_http(*options_.settings);
}

void Daemon::serve_http() {
  if (http_sockets_.all().empty()) return;
  std::vector<std::shared_ptr<net::Fd>> sockets;
  for (const auto& socket : http_sockets_.all()) sockets.push_back(socket.fd);
  http_.emplace(front_, sockets);
  for (const std::string& name : http_sockets_.names()) observe::Event("HTTP is served on " + name).info();
}

void Daemon::run() {
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < loops_.size(); ++i) {
    threads.emplace_back([&loop = *loops_[i]] { loop.run(); });
  }
  for (const auto& worker : workers_) worker->listen(sockets_.all());
  serve_http();
  loops_.front()->post([this] { on_running(); });
  loops_.front()->run();
  for (auto& thread : threads) thread.join();
}

void Daemon::on_running() {
  const pid_t former = predecessor_ == nullptr ? 0 : predecessor_->process();
  if (predecessor_ != nullptr) predecessor_->serving(*loops_.front());
  await_successor(former);
  manager_.ready(fmt::format("serving on {}", fmt::join(sockets_.names(), ", ")), former != 0);
  manager_.watch(loop_pointers_);
  first_look_.emplace(front_);
}

void Daemon::await_successor(pid_t predecessor) {
  if (takeover_path_.empty()) return;
  auto successor = takeover::Successor::await(
      *loops_.front(), takeover_path_, predecessor,
      {.sockets =
           [this] {
             auto all = sockets_.descriptors();
             for (const int fd : http_sockets_.descriptors()) all.push_back(fd);
             return all;
           },
       .files =
           [this] { return sockets_.files() + std::string(http_sockets_.all().size(), takeover::kHttp); },
       .handed_over = [this](pid_t process) { hand_over(process); },
       .cancel = [this](const wire::CancelKey& key) { pgfront::Worker::cancel(front_, key); }});
  if (successor) {
    successor_ = std::move(*successor);
  } else {
    observe::Event("no online restart will be possible").with("reason", successor.error().text).warning();
  }
}

void Daemon::hand_over(pid_t successor) {
  observe::Event("another process serves now; this one serves the clients that it has")
      .with("process", number(successor))
      .with("clients", front_.clients())
      .info();
  sockets_.hand_over();
  if (http_) http_->hand_over();
  http_sockets_.hand_over();
  first_look_.reset();
  manager_.fall_silent();
  retirement_.emplace(*loops_.front(), front_);
}

void Daemon::stop(const char* why) {
  // The second signal does not wait for transactions.
  const bool again = front_.is_draining();
  observe::Event(again ? "stopping at once" : "stopping")
      .with("why", why)
      .with("clients", front_.clients())
      .info();
  close_listeners();
  if (again) {
    front_.shut_down(Duration(0));
  } else {
    front_.shut_down_in_order();
  }
}

void Daemon::close_listeners() {
  manager_.stopping(fmt::format("waiting for {} clients", front_.clients()));
  sockets_.close();
  first_look_.reset();
  if (!retirement_) successor_.reset();  // there is nothing left to take over
}

void Daemon::reload() {
  manager_.reloading();
  // The loop goes on meanwhile: names that are slow to resolve must not stop its clients.
  front_.console_service().reload([this](const Result<std::vector<std::string>>&) { manager_.reloaded(); });
}

void Daemon::replace() {
  if (successor_ == nullptr || retirement_) {
    observe::Event("no online restart: this process has no takeover socket, or has handed over already")
        .warning();
    return;
  }
  if (auto process = start_successor(); process) {
    observe::Event("a new process was started to take over").with("process", number(*process)).info();
  } else {
    observe::Event("no online restart").with("reason", process.error().text).error();
  }
}

}  // namespace forebay
