#pragma once

#include <span>
#include <string_view>

#include "http/message.hpp"

namespace forebay::http {

/// A file of the dashboard (web/). It is part of the program, so that what is pointed at lives as long.
struct Asset {
  std::string_view path;
  std::string_view content_type;
  std::string_view tag;  ///< of this content and no other, in quotes as ETag has it
  std::string_view plain;
  std::string_view gzip;
  bool is_lasting = false;  ///< its path changes with its content
};

/// All of them; the build makes this table (web/embed.mjs).
std::span<const Asset> assets();

/// Null when there is none, or when something else than to get it is asked for.
const Asset* find_asset(const Request& request);

/// It is for everybody: there is nothing in it but what Forebay's sources have.
Reply asset_reply(const Asset& asset, const Request& request);

}  // namespace forebay::http
