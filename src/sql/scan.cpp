#include "sql/scan.hpp"

#include <string>

namespace forebay::sql {
namespace {

/// Of a longer text a copy would cost more than it saves.
constexpr std::size_t kLongestKept = 4096;

struct Last {
  std::string text;
  bool is_kept = false;  ///< so `text` is what was scanned
  Scan scan;
};

}  // namespace

const Scan& scan(std::string_view text) {
  thread_local Last last;
  if (last.is_kept && last.text == text) return last.scan;
  last.scan.literals.clear();
  last.scan.fingerprint = fingerprint(text, last.scan.literals);
  last.is_kept = text.size() <= kLongestKept;
  if (last.is_kept) last.text = text;
  return last.scan;
}

}  // namespace forebay::sql
