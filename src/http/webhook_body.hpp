#pragma once

#include <string>
#include <vector>

#include "alert/board.hpp"

/// What webhooks say.
namespace forebay::http {

/// Our own form: {"instance": …, "changes": [{"event": …, "alert": {…}}]}.
std::string changes_body(const std::string& instance, const std::vector<alert::Change>& changes);

/// What POST /api/v2/alerts of Alertmanager takes:
/// https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml. An empty text: there is nothing
/// to say.
std::string alertmanager_body(const std::string& instance, const std::vector<alert::Change>& changes,
                              double now);
std::string alertmanager_body(const std::string& instance, const std::vector<alert::Alert>& active,
                              double now);

}  // namespace forebay::http
