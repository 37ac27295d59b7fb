#include "top.hpp"

#include <chrono>
#include <csignal>
#include <optional>
#include <ostream>
#include <string_view>

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "console_client.hpp"
#include "top_view.hpp"

namespace forebay {

namespace {

using std::chrono::steady_clock;

constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";  ///< the other screen, no cursor
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kRestOfLine = "\x1b[K\r\n";
constexpr std::string_view kRestOfScreen = "\x1b[J";

std::optional<TopSample> take(ConsoleClient& console) {
  const auto totals = console.ask("SHOW TOTALS");
  const auto pools = totals ? console.ask("SHOW POOLS") : std::nullopt;
  const auto caches = pools ? console.ask("SHOW CACHE") : std::nullopt;
  const auto servers = caches ? console.ask("SHOW TOPOLOGY") : std::nullopt;
  const auto statements = servers ? console.ask("SHOW STATEMENTS") : std::nullopt;
  const auto advice = statements ? console.ask("SHOW RECOMMENDATIONS") : std::nullopt;
  const auto alerts = advice ? console.ask("SHOW ALERTS") : std::nullopt;
  const auto latencies = alerts ? console.ask("SHOW LATENCIES") : std::nullopt;
  if (!latencies) return std::nullopt;
  TopSample sample{.taken = steady_clock::now()};
  for (int row = 0; row < totals->size(); ++row) {
    const std::string_view name = totals->cell(row, 0);
    const double value = totals->number(row, totals->columns()[1]);
    if (name == "total_query_count") sample.queries = value;
    if (name == "total_xact_count") sample.transactions = value;
    if (name == "total_wait_time") sample.wait_time = value / 1e3;
    if (name == "total_server_assignment_count") sample.assignments = value;
  }
  for (int row = 0; row < pools->size(); ++row) {
    const auto number = [&](std::string_view column) { return pools->number(row, column); };
    sample.pools.push_back(
        {.database = std::string(pools->cell(row, "database")),
         .user = std::string(pools->cell(row, "user")),
         .server = std::string(servers->size() > 0 ? pools->cell(row, "server") : std::string_view()),
         .clients = number("cl_active"),
         .waiting = number("cl_waiting"),
         .longest_wait = number("maxwait") * 1e3 + number("maxwait_us") / 1e3,
         .busy = number("sv_active"),
         .open = number("sv_active") + number("sv_idle") + number("sv_used") + number("sv_tested"),
         .most = number("sv_most")});
  }
  for (int row = 0; row < latencies->size(); ++row) {
    if (latencies->cell(row, "of") != "calls") continue;
    sample.calls += latencies->number(row, "count");
    sample.call_time += latencies->number(row, "total_time");
  }
  for (int row = 0; row < alerts->size(); ++row) {
    sample.alerts.push_back(
        fmt::format("{} {} {}: {}, since {}{}", alerts->cell(row, "level"), alerts->cell(row, "rule"),
                    alerts->cell(row, "object"), alerts->cell(row, "value"), alerts->cell(row, "since"),
                    alerts->cell(row, "acknowledged_by").empty() ? "" : ", acknowledged"));
  }
  for (int row = 0; row < advice->size(); ++row) {
    sample.advice.push_back(fmt::format("{}: {}", advice->cell(row, "urgency"), advice->cell(row, "title")));
  }
  sample.has_cache = caches->size() > 0;
  for (int row = 0; row < caches->size(); ++row) {
    sample.hits += caches->number(row, "hits");
    sample.misses += caches->number(row, "misses");
    sample.saved += caches->number(row, "saved_ms");
  }
  for (int row = 0; row < servers->size(); ++row) {
    sample.servers.push_back({.name = std::string(servers->cell(row, "server")),
                              .role = std::string(servers->cell(row, "role")),
                              .state = std::string(servers->cell(row, "state")),
                              .lag = std::string(servers->cell(row, "lag_ms")),
                              .backends = servers->number(row, "backends"),
                              .assignments = servers->number(row, "assignments")});
  }
  for (int row = 0; row < statements->size(); ++row) {
    const auto number = [&](std::string_view column) { return statements->number(row, column); };
    sample.statements[{std::string(statements->cell(row, "database")),
                       std::string(statements->cell(row, "query"))}] = {
        .calls = number("calls"),
        .time = number("total_exec_time") + number("total_error_time"),
        .rows = number("rows"),
        .hits = number("cache_hits"),
        .errors = number("errors")};
  }
  return sample;
}

/// The terminal as this needs it, and as it was when this goes. Ctrl-C and the like are read, not obeyed.
class Terminal {
 public:
  explicit Terminal(std::ostream& out) : out_(out) {
    ::tcgetattr(STDIN_FILENO, &before_);
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    ::sigemptyset(&signals_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals_, signal);
    ::sigprocmask(SIG_BLOCK, &signals_, nullptr);
    fd_ = ::signalfd(-1, &signals_, SFD_CLOEXEC);
    out_ << kEnter << std::flush;
  }
  ~Terminal() {
    out_ << kLeave << std::flush;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    ::close(fd_);
    ::sigprocmask(SIG_UNBLOCK, &signals_, nullptr);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void paint(const TopSample& before, const TopSample& now, TopScreen screen) {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
      screen.columns = size.ws_col;
      screen.rows = size.ws_row;
    }
    std::string bytes(kHome);
    const auto lines = top_lines(before, now, screen);
    for (std::size_t at = 0; at < lines.size(); ++at) {
      bytes += lines[at];
      if (at + 1 < screen.rows) bytes += kRestOfLine;
    }
    bytes += kRestOfScreen;
    out_ << bytes << std::flush;
  }

  /// Until then; true: somebody wants to leave.
  bool wait(steady_clock::time_point until) {
    pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {fd_, POLLIN, 0}};
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
      if (left <= 0) return false;
      if (::poll(fds, 2, static_cast<int>(left)) <= 0) continue;
      if (fds[1].revents != 0) return true;
      char key = 'q';
      if (fds[0].revents != 0 && (::read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q'))
        return true;
    }
  }

 private:
  std::ostream& out_;
  termios before_{};
  sigset_t signals_{};
  int fd_ = -1;
};

int print_once(ConsoleClient& console, const TopOptions& options, std::ostream& out, std::ostream& err) {
  const auto before = take(console);
  if (before) ::usleep(static_cast<useconds_t>(options.interval * 1e6));
  const auto now = before ? take(console) : std::nullopt;
  if (!now) {
    err << "forebay: " << console.mistake();
    return 1;
  }
  constexpr std::size_t all = 1'000;
  for (const std::string& line :
       top_lines(*before, *now, {.place = console.place(), .columns = all, .rows = all}))
    out << line << '\n';
  return 0;
}

int watch(ConsoleClient& console, const TopOptions& options, std::ostream& out, std::ostream& err) {
  // Before anything is painted: a mistake in the URL or a password is told as by other commands.
  auto before = take(console);
  if (!before) {
    err << "forebay: " << console.mistake();
    return 1;
  }
  Terminal terminal(out);
  const std::string place = console.place();
  TopSample now = *before;
  const auto interval =
      std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(options.interval));
  for (auto next = steady_clock::now() + interval;; next += interval) {
    terminal.paint(*before, now, {.place = place});
    if (terminal.wait(next)) return 0;
    next = std::max(next, steady_clock::now() - interval);
    auto taken = take(console);
    while (!taken) {
      const std::string why = console.mistake().substr(0, console.mistake().find('\n'));
      terminal.paint(*before, now, {.place = place, .trouble = why});
      if (terminal.wait(steady_clock::now() + interval)) return 0;
      taken = take(console);
    }
    before = std::exchange(now, std::move(*taken));
  }
}

}  // namespace

int top(const TopOptions& options, std::ostream& out, std::ostream& err) {
  ConsoleClient console(options.console, "forebay top");
  const bool is_terminal = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
  return options.once || !is_terminal ? print_once(console, options, out, err)
                                      : watch(console, options, out, err);
}

}  // namespace forebay
