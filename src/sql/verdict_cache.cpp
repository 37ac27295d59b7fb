#include "sql/verdict_cache.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "sql/scan.hpp"

namespace forebay::sql {
namespace {

constexpr std::string_view kClientOnlyEncodings[] = {"SJIS",    "BIG5",  "GBK",           "UHC",
                                                     "GB18030", "JOHAB", "SHIFT_JIS_2004"};

const Verdict& unparsable() {
  static const Verdict verdict = [] {
    Verdict made;
    made.effects = Effect::unparsable;
    return made;
  }();
  return verdict;
}

bool has_bytes_outside_ascii(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

/// What an entry takes, in bytes: itself, the pointers that hold it in the table, and what its names own.
std::size_t footprint(const Verdict& verdict) {
  std::size_t bytes = sizeof(Fingerprint) + sizeof(Verdict) + 3 * sizeof(void*);
  for (const auto* names : {&verdict.settings, &verdict.relations, &verdict.functions,
                            &verdict.prepared_names, &verdict.databases}) {
    bytes += names->capacity() * sizeof(std::string);
    for (const std::string& name : *names) {
      if (name.capacity() > std::string().capacity()) bytes += name.capacity() + 1;
    }
  }
  return bytes;
}

}  // namespace

bool embeds_ascii(std::string_view client_encoding) {
  return std::find(std::begin(kClientOnlyEncodings), std::end(kClientOnlyEncodings), client_encoding) !=
         std::end(kClientOnlyEncodings);
}

VerdictCache::VerdictCache(Limits limits) : limits_(limits) {
  young_.entries.reserve(limits_.entries / 2);
  old_.entries.reserve(limits_.entries / 2);
}

const Verdict& VerdictCache::of(std::string_view text, bool standard_conforming_strings,
                                bool encoding_embeds_ascii) {
  is_readable_ = false;
  if (!standard_conforming_strings && text.find('\\') != text.npos) return unparsable();
  if (encoding_embeds_ascii && has_bytes_outside_ascii(text)) return unparsable();
  is_readable_ = true;
  const Fingerprint& key = scan(text).fingerprint;
  if (last_ != nullptr && last_fingerprint_ == key) return *last_;
  last_fingerprint_ = key;
  const Verdict& verdict = look_up(text, last_fingerprint_);
  last_ = &verdict != &too_large_ ? &verdict : nullptr;
  return verdict;
}

const Verdict& VerdictCache::look_up(std::string_view text, const Fingerprint& key) {
  if (const auto found = young_.entries.find(key); found != young_.entries.end()) return found->second;

  if (const auto found = old_.entries.find(key); found != old_.entries.end()) {
    auto entry = old_.entries.extract(found);
    const std::size_t bytes = footprint(entry.mapped());
    old_.bytes -= bytes;
    make_room(bytes);
    young_.bytes += bytes;
    return young_.entries.insert(std::move(entry)).position->second;
  }

  Verdict verdict = analyse(text);
  const std::size_t bytes = footprint(verdict);
  if (bytes > limits_.bytes / 2 || limits_.entries < 2) return too_large_ = std::move(verdict);
  make_room(bytes);
  young_.bytes += bytes;
  return young_.entries.emplace(key, std::move(verdict)).first->second;
}

/// Lets one more entry of this size into the younger generation; when that is full, it becomes the old one.
void VerdictCache::make_room(std::size_t bytes) {
  if (young_.entries.size() < limits_.entries / 2 && young_.bytes + bytes <= limits_.bytes / 2) return;
  std::swap(young_, old_);
  last_ = nullptr;
  young_.entries.clear();
  young_.bytes = 0;
}

}  // namespace forebay::sql
