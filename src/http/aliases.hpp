#pragma once

#include <vector>

#include "config/checks.hpp"
#include "http/message.hpp"

/// Further paths for what is built in (`http.aliases`), so that whoever asks by the paths of another system
/// goes on doing so. Thread safe, without state.
namespace forebay::http {

/// Makes the request of an alias that of the path that it stands for; the alias's parameters come before
/// those that were sent. All that decides who may ask is of that path then. Others stay as they are.
void resolve_alias(const config::Http& settings, Request& request);

/// Aliases that stand for nothing that can be asked for, or for another alias, or in front of what is built
/// in.
std::vector<config::KeyMistake> check_aliases(const config::Settings& settings);

}  // namespace forebay::http
