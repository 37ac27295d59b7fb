#include "http/asset.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace forebay::http {

namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// Whether any part of a list with commas passes.
template <class Pass>
bool any_part(std::string_view list, Pass passes) {
  for (;;) {
    const auto comma = list.find(',');
    if (passes(trimmed(list.substr(0, comma)))) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

/// Weights are for choosing among several; there is one, and only a weight of 0 forbids it.
bool takes_gzip(std::string_view accepted) {
  return any_part(accepted, [](std::string_view coding) {
    const auto semicolon = coding.find(';');
    if (lower_case(trimmed(coding.substr(0, semicolon))) != "gzip") return false;
    if (semicolon == std::string_view::npos) return true;
    const std::string_view weight = trimmed(coding.substr(semicolon + 1));
    return !weight.starts_with("q=0") || weight.find_first_of("123456789") != std::string_view::npos;
  });
}

bool has_already(std::string_view tags, std::string_view tag) {
  return any_part(tags, [tag](std::string_view had) {
    if (had.starts_with("W/")) had.remove_prefix(2);
    return had == tag || had == "*";
  });
}

}  // namespace

const Asset* find_asset(const Request& request) {
  if (request.method != "GET" && request.method != "HEAD") return nullptr;
  const auto all = assets();
  const auto at = std::ranges::find(all, request.path, &Asset::path);
  return at == all.end() ? nullptr : &*at;
}

Reply asset_reply(const Asset& asset, const Request& request) {
  Reply reply{.content_type = std::string(asset.content_type)};
  reply.fields = {{"ETag", std::string(asset.tag)},
                  {"Vary", "Accept-Encoding"},
                  {"Cache-Control", asset.is_lasting ? "public, max-age=31536000, immutable" : "no-cache"}};
  if (has_already(request.if_none_match, asset.tag)) {
    reply.status = 304;
    return reply;
  }
  if (takes_gzip(request.accept_encoding)) {
    reply.fields.emplace_back("Content-Encoding", "gzip");
    reply.body = asset.gzip;
  } else {
    reply.body = asset.plain;
  }
  return reply;
}

}  // namespace forebay::http
