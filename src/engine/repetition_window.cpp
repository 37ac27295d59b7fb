#include "engine/repetition_window.hpp"

#include <algorithm>

namespace forebay::engine {

/// That of the statement that was not run for longest, when all are taken: none of the last eight executions
/// is its.
std::size_t RepetitionWindow::room() const {
  if (size_ < kMostStatements) return size_;
  return static_cast<std::size_t>(std::ranges::min_element(tallies_, {}, &Tally::last) - tallies_.begin());
}

void RepetitionWindow::take_in(std::uint64_t key, std::size_t at) {
  if (at == size_) ++size_;
  keys_[at] = key;
  tallies_[at] = {};
  tallies_[at].first = count_;
}

void RepetitionWindow::note_values(Tally& tally, ValueHash values) {
  if (std::ranges::find(tally.recent, values) != tally.recent.end()) return;
  tally.recent[tally.different % tally.recent.size()] = values;
  ++tally.different;
}

void RepetitionWindow::follow_cycles(std::uint8_t at, bool is_new) {
  if (is_new) {
    in_step_ = {};
  } else {
    for (std::size_t length = 2; length <= kLongestCycle; ++length) {
      const bool is_same = order_[(count_ - length) % kLongestCycle] == at;
      in_step_[length] = is_same ? static_cast<std::uint8_t>(std::min(in_step_[length] + 1, 255)) : 0;
      if (in_step_[length] == (kCycles - 1) * length) suspect_cycle(length);
    }
  }
  order_[count_ % kLongestCycle] = at;
}

/// The execution at hand is the last of it, and not in the ring yet.
void RepetitionWindow::suspect_cycle(std::size_t length) {
  for (std::size_t back = 1; back <= length; ++back) {
    Tally& tally = tallies_[order_[(count_ - back) % kLongestCycle]];
    if (tally.executions >= kCycles) tally.is_suspect = has_suspects_ = true;
  }
}

bool RepetitionWindow::has_list_before(const Tally& tally) const {
  return std::ranges::any_of(tallies_.begin(), tallies_.begin() + static_cast<std::ptrdiff_t>(size_),
                             [&](const Tally& other) {
                               return other.first < tally.first && other.most_rows >= kCycles &&
                                      other.executions * 2 <= tally.executions;
                             });
}

void RepetitionWindow::clear() {
  size_ = 0;
  count_ = 0;
  has_suspects_ = false;
  in_step_ = {};
  order_ = kNothing;
}

}  // namespace forebay::engine
