#include "successor_process.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include <spawn.h>
#include <unistd.h>

namespace forebay {

namespace {

std::vector<std::string> command_line() {
  std::ifstream file("/proc/self/cmdline");
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

}  // namespace

Result<pid_t> start_successor() {
  std::vector<std::string> words = command_line();
  if (words.empty()) return Error{ErrorCode::io, "/proc/self/cmdline cannot be read"};
  if (std::ranges::find(words, "--takeover") == words.end()) words.emplace_back("--takeover");
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  // Asio accepts without SOCK_CLOEXEC: a connection would stay open for as long as the child lives.
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  pid_t process = 0;
  const int failed = posix_spawnp(&process, arguments[0], &files, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) return Error{ErrorCode::io, words[0] + " cannot be started: " + errno_text(failed)};
  return process;
}

}  // namespace forebay
