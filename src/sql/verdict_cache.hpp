#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sql/fingerprint.hpp"
#include "sql/verdict.hpp"

namespace forebay::sql {

/// Whether characters of this encoding can hold bytes of ASCII in their second byte and after, so that a text
/// cannot be read before it is converted. `name` as the server reports client_encoding. They are PostgreSQL's
/// client-only encodings: https://www.postgresql.org/docs/15/multibyte.html
bool embeds_ascii(std::string_view client_encoding);

/// Remembers verdicts by fingerprint, in two generations: what was not asked for while the younger one filled
/// up is forgotten. A hit costs the fingerprint (see scan()) and one or two look-ups, and allocates nothing;
/// when it is of the fingerprint that was asked for before, only a comparison. Not thread safe: one for each
/// thread.
class VerdictCache {
 public:
  struct Limits {
    std::size_t entries = 8192;
    std::size_t bytes = 8 * 1024 * 1024;  ///< of entries and what they own; tables of pointers come on top
  };

  VerdictCache() : VerdictCache(Limits()) {}
  explicit VerdictCache(Limits limits);

  /// What analyse() says of `text`, which stays valid until the next call. With standard_conforming_strings
  /// off, a backslash in a text can hide quotes from the parser: such texts are unparsable. So are texts with
  /// bytes outside ASCII in an encoding that embeds it.
  const Verdict& of(std::string_view text, bool standard_conforming_strings,
                    bool encoding_embeds_ascii = false);

  /// That of the text last asked for; null when that cannot be read as it stands (see of()).
  const Fingerprint* last_fingerprint() const { return is_readable_ ? &last_fingerprint_ : nullptr; }

  std::size_t entries() const { return young_.entries.size() + old_.entries.size(); }
  std::size_t bytes() const { return young_.bytes + old_.bytes; }

 private:
  struct HashOf {
    std::size_t operator()(const Fingerprint& fingerprint) const { return fingerprint.low; }
  };
  using Entries = std::unordered_map<Fingerprint, Verdict, HashOf>;
  struct Generation {
    Entries entries;
    std::size_t bytes = 0;
  };

  const Verdict& look_up(std::string_view text, const Fingerprint& key);
  void make_room(std::size_t bytes);

  const Limits limits_;
  Generation young_;
  Generation old_;
  Verdict too_large_;              ///< the last one that did not fit at all
  const Verdict* last_ = nullptr;  ///< of last_fingerprint_, in one of the tables; null: none
  Fingerprint last_fingerprint_;   ///< of the last text that was looked up
  bool is_readable_ = false;       ///< so that is the text last asked for
};

}  // namespace forebay::sql
