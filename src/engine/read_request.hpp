#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "sql/fingerprint.hpp"

namespace forebay::engine {

class StatementNames;
struct PreparedStatement;

/// What a client asks for one result: a Query, or [Parse of the unnamed statement] Bind [Describe of the
/// portal] Execute. Views into the client's input and into its statements.
struct ReadRequest {
  bool simple = false;
  bool parses = false;
  bool describes = false;
  bool is_unnamed = false;                       ///< it executes the unnamed statement
  std::uint32_t max_rows = 0;                    ///< 0: all
  const PreparedStatement* statement = nullptr;  ///< null: the text comes with it
  std::string_view text;
  std::string_view types;   ///< of parameters, as sent: four bytes each
  std::string_view values;  ///< the Bind's formats, values and result formats, as sent
};

/// A whole batch of a client that could be answered from memory: a Query, or requests of the extended
/// protocol and their Sync.
struct ReadBatch {
  /// Beyond so many it goes to the server.
  static constexpr std::size_t kMostRequests = 128;

  std::vector<ReadRequest> requests;
  std::size_t size = 0;  ///< in bytes

  /// Reads the batch at the front of `input`. False when that is something else, or not all here.
  bool read(std::string_view input, const StatementNames* names);
};

/// That of its text: where a name stands for the text, it is known since the Parse.
sql::Fingerprint fingerprint_of(const ReadRequest& request);

/// One parameter of a Bind.
struct BoundValue {
  bool binary = false;
  std::uint32_t type = 0;  ///< OID as the Parse said it; 0: the server decides
  std::string_view bytes;
};

/// How many parameters the Bind has; 0 when it is malformed.
int bound_count(const ReadRequest& request);

/// The parameter with this number (from 1 on); nothing when it is NULL, not there, or the Bind is malformed.
std::optional<BoundValue> bound_value(const ReadRequest& request, int parameter);

}  // namespace forebay::engine
