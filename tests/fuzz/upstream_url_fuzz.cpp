#include "config/upstream_url.hpp"
#include "input.hpp"

/// A server's URL. One without mistakes is written again and has to be understood alike, and no complaint
/// tells a password.
namespace {

using namespace forebay::config;
using forebay::fuzz::expect;
using forebay::fuzz::Input;

constexpr std::string_view kSecret = "Geheimnis";

std::string written(const UpstreamUrl& url) {
  std::string text = "postgresql://" + percent_encoded(url.user) + ":" + percent_encoded(url.password) + "@" +
                     percent_encoded(url.host) + ":" + percent_encoded(url.port) + "/" +
                     percent_encoded(url.database);
  char before = '?';
  for (const auto& [name, value] : url.parameters) {
    ((text += before) += percent_encoded(name)) += "=" + percent_encoded(value);
    before = '&';
  }
  return text;
}

void read_back(std::string_view text) {
  std::vector<std::string> complaints;
  const UpstreamUrl url = parse_upstream_url(text, complaints);
  if (!complaints.empty()) return;
  const UpstreamUrl again = parse_upstream_url(written(url), complaints);
  expect(complaints.empty());
  expect(again.user == url.user && again.password == url.password && again.host == url.host);
  expect(again.port == url.port && again.database == url.database && again.parameters == url.parameters);
}

/// A password that somebody forgot to encode.
void keep_quiet(Input& input) {
  const std::string_view before = input.piece();
  const std::string password = std::string(before) + std::string(kSecret) + std::string(input.piece());
  const std::string_view after = input.rest();
  if (after.find(kSecret) != std::string_view::npos) return;
  std::vector<std::string> complaints;
  parse_upstream_url("postgres://user:" + password + "@host/database" + std::string(after), complaints);
  for (const std::string& complaint : complaints) {
    expect(complaint.find(kSecret) == std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  input.flag() ? read_back(input.rest()) : keep_quiet(input);
  return 0;
}
