#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backend/profile.hpp"
#include "backend/session_settings.hpp"
#include "engine/read_request.hpp"
#include "wire/startup.hpp"

namespace forebay::engine {

/// What an answer depends on beside the request, as bytes that are equal only when all of it is.
/// application_name changes no result, and is left out.
std::string context_bytes(std::uint64_t cache, std::uint64_t defaults_generation, const std::string& user,
                          const backend::Profile& profile, const backend::SessionSettingsPtr& settings);

/// Makes the bytes of a cache::Key of a context and a request. Returns where in them the statement stands.
std::size_t write_key(std::string& bytes, std::string_view context, const ReadRequest& request);

/// The hash of a key with a context of that cache::key_hash(). A statement that is prepared knows its part.
std::uint64_t question_hash(std::uint64_t context_hash, const ReadRequest& request);

/// A key taken apart: everything that has to be known to ask the server for the same again.
struct Question {
  std::uint64_t cache = 0;
  std::string user;
  std::vector<wire::Parameter> parameters;  ///< of the start-up packet
  std::vector<wire::Parameter> settings;    ///< of the session, without application_name
  bool simple = false;
  bool parses = false;
  bool describes = false;
  std::string text;
  std::string types;   ///< see ReadRequest
  std::string values;  ///< see ReadRequest
};

/// Of bytes that write_key() has made.
Question question_of(std::string_view key);
/// Views into `question`.
ReadRequest request_of(const Question& question);

}  // namespace forebay::engine
