#include "check_files.hpp"

#include <filesystem>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "net/tls.hpp"
#include "wire/secret.hpp"

namespace forebay {
namespace {

namespace fs = std::filesystem;

class FileChecker {
 public:
  explicit FileChecker(const config::Loaded& loaded) : loaded_(loaded) {}

  std::vector<config::Problem> run() && {
    const config::Settings& settings = *loaded_.settings;
    if (auto made = net::make_client_facing(settings.tls); !made) tell_tls("tls", settings.tls, made.error());
    check_upstream("upstream", settings.upstream);
    for (const auto& [name, database] : settings.databases) {
      if (database.upstream) check_upstream("databases." + name + ".upstream", *database.upstream);
    }
    check_user_list(settings.auth_file);
    for (const config::ListenAddress& address : settings.listen) check_directory(address.unix_directory);
    return std::move(problems_);
  }

 private:
  void tell(std::string key, std::string text) {
    problems_.push_back({config::place_of(loaded_.places, std::move(key), loaded_.whole), std::move(text)});
  }

  /// Where the file was written that the error names.
  template <class Tls>
  void tell_tls(const std::string& key, const Tls& tls, const Error& error) {
    const std::pair<const char*, const std::string&> files[] = {
        {".key", tls.key_file}, {".ca", tls.ca_file}, {".certificate", tls.certificate_file}};
    for (const auto& [name, file] : files) {
      if (!file.empty() && error.text.find(file) != std::string::npos) return tell(key + name, error.text);
    }
    tell(key, error.text);
  }

  void check_upstream(const std::string& key, const config::Upstream& upstream) {
    auto made = net::make_server_facing(upstream.tls);
    if (!made) tell_tls(key + ".tls", upstream.tls, made.error());
  }

  void check_user_list(const std::string& file) {
    if (file.empty()) return;
    const auto list = wire::read_user_list(file);
    if (list) return;
    std::istringstream lines(list.error().text);
    for (std::string line; std::getline(lines, line);) tell("auth.file", "auth.file: " + line);
  }

  void check_directory(const std::string& directory) {
    std::error_code error;
    if (directory.empty() || !fs::exists(directory, error)) return;
    if (!fs::is_directory(directory, error)) {
      tell("listen", fmt::format("listen: {} is no directory", directory));
    } else if (::access(directory.c_str(), W_OK | X_OK) != 0) {
      tell("listen", fmt::format("listen: this user cannot make files in {}", directory));
    }
  }

  const config::Loaded& loaded_;
  std::vector<config::Problem> problems_;
};

}  // namespace

std::vector<config::Problem> check_files(const config::Loaded& loaded) {
  return FileChecker(loaded).run();
}

std::vector<std::string> missing_directories(const config::Settings& settings) {
  std::vector<std::string> missing;
  for (const config::ListenAddress& address : settings.listen) {
    std::error_code error;
    const std::string& directory = address.unix_directory;
    if (!directory.empty() && !fs::exists(directory, error)) missing.push_back(directory);
  }
  return missing;
}

}  // namespace forebay
