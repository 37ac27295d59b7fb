#include <algorithm>

#include <boost/url/parse.hpp>
#include <fmt/format.h>

#include "config/alert_rules.hpp"
#include "config/checks.hpp"
#include "config/nearest.hpp"
#include "config/problem.hpp"

namespace forebay::config {

namespace {

std::string wrong_with_url(const std::string& text) {
  const auto url = boost::urls::parse_uri(text);
  if (!url || url->host().empty() || (url->scheme() != "http" && url->scheme() != "https"))
    return "takes http://HOST[:PORT][/PATH] or https://…";
  if (url->has_userinfo()) return "holds a name or a password; send a token instead";
  if (url->has_port() && url->port_number() == 0) return "has no usable port";
  if (url->has_fragment()) return "has a part after #, which is not sent";
  return {};
}

void check_sets(const Alerts& alerts, std::vector<KeyMistake>& mistakes) {
  const auto known = rule_set_names();
  for (const std::string& set : alerts.rule_sets) {
    if (set.empty() || std::ranges::find(known, set) != known.end()) continue;
    const auto near = nearest(set, known);
    mistakes.push_back(
        {"alerts.rule_sets", fmt::format("there is no set {}{}", in_quotes(set),
                                         near ? fmt::format("; did you mean {}?", *near)
                                              : fmt::format(" (there are {})", joined(known)))});
  }
}

/// `of`: the options' common beginning, with its dot.
void check_receiver(const std::string& of, const std::string& url, const Tokens& token,
                    const std::string& ca_file, std::vector<KeyMistake>& mistakes) {
  if (!url.empty()) {
    if (std::string why = wrong_with_url(url); !why.empty()) mistakes.push_back({of + "url", std::move(why)});
  } else if (!token.words.empty() || !ca_file.empty()) {
    mistakes.push_back({of + (token.words.empty() ? "ca" : "token"), "has no effect without " + of + "url"});
  }
  if (token.words.size() > 1) mistakes.push_back({of + "token", "is one word without commas"});
}

}  // namespace

std::vector<KeyMistake> check_alerts(const Alerts& alerts) {
  std::vector<KeyMistake> mistakes;
  check_sets(alerts, mistakes);
  check_receiver("alerts.webhook.", alerts.webhook.url, alerts.webhook.token, alerts.webhook.ca_file,
                 mistakes);
  const auto merged = merged_rules(alerts);
  // What a set says alone is right: a test sees to that.
  for (const auto& [name, own] : alerts.rules) {
    const std::string path = "alerts.rules." + name;
    for (auto& [key, why] : mistakes_of(merged.at(name)))
      mistakes.push_back({key.empty() ? path : fmt::format("{}.{}", path, key), std::move(why)});
  }
  return mistakes;
}

std::vector<KeyMistake> check_otlp(const Otlp& otlp) {
  std::vector<KeyMistake> mistakes;
  check_receiver("otlp.", otlp.url, otlp.token, otlp.ca_file, mistakes);
  return mistakes;
}

}  // namespace forebay::config
