#include "engine/repetition_window.hpp"

#include <algorithm>
#include <bit>

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

/// All eight lengths at once: each is a byte.
void RepetitionWindow::follow_cycles(std::size_t at, bool is_new) {
  constexpr std::uint64_t kLow = 0x7F * kOnes;
  const auto zero_bytes = [](std::uint64_t bytes) {
    const std::uint64_t high = ~(((bytes & kLow) + kLow) | bytes | kLow);
    return (high >> 7U) * 0xFF;
  };
  // A cycle is over for the third time when twice its length was in step. One of one statement is none.
  static_assert(kCycles == 3);
  constexpr std::uint64_t kOver = 0x100E0C0A080604FF;
  if (is_new) {
    in_step_ = 0;
  } else {
    const std::uint64_t same = zero_bytes(order_ ^ (at * kOnes));
    in_step_ = (in_step_ + kOnes) & same;
    in_step_ -= in_step_ >> 7U & kOnes;
  }
  order_ = order_ << 8U | at;
  if (const std::uint64_t over = zero_bytes(in_step_ ^ kOver); over != 0)
    suspect_cycle((static_cast<std::size_t>(std::countr_zero(over)) / 8) + 1);
}

/// The shortest that is over: its last execution is the one at hand.
void RepetitionWindow::suspect_cycle(std::size_t length) {
  for (std::size_t back = 0; back < length; ++back) {
    Tally& tally = tallies_[order_ >> (8 * back) & 0xFF];
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
  in_step_ = 0;
  order_ = kNothing;
}

}  // namespace forebay::engine
