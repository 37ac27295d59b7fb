#include "serve.hpp"

#include <exception>

#include <unistd.h>

#include "daemon.hpp"
#include "observe/log.hpp"

namespace forebay {

int serve(const ServeOptions& options) {
  observe::start_logging();
  try {
    Daemon daemon(options);
    if (auto started = daemon.start(); !started) {
      observe::Event(started.error().text).error();
      return 1;
    }
    daemon.run();
  } catch (const std::exception& error) {
    observe::Event("forebay cannot go on").with("reason", error.what()).error();
    return 1;
  }
  observe::Event("forebay has stopped").with("process", static_cast<std::uint64_t>(::getpid())).info();
  return 0;
}

}  // namespace forebay
