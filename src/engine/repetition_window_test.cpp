#include "engine/repetition_window.hpp"

#include <random>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace forebay::engine {
namespace {

/// Runs statements of numbers; `shortens`: as sessions do, by note_again() where that will do.
class Runner {
 public:
  explicit Runner(bool shortens) : shortens_(shortens) {}

  void run(std::uint32_t statement, ValueHash value, std::uint32_t times) {
    const StatementTable::Ref ref{statement, 1};
    now_ += std::chrono::milliseconds(1);
    if (shortens_ && window_.note_again(ref, times, now_)) {
      ++shortened_;
    } else {
      for (std::uint32_t time = 0; time < times; ++time) {
        auto& tally = window_.note(
            ref, now_, [value] { return value; }, [](auto, auto&) {});
        tally.is_known = tally.is_suspect;
      }
    }
    window_.note_done(ref, 1, statement);
  }
  /// What it has come to: number, executions, different values, last execution and time of each that repeats.
  std::vector<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t, std::uint64_t>> told() {
    std::vector<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t, std::uint64_t>> all;
    window_.each_suspect([&](StatementTable::Ref ref, const RepetitionWindow::Tally& tally) {
      all.emplace_back(ref.place, tally.executions, tally.different, tally.last, tally.micros);
    });
    return all;
  }
  std::uint32_t executions() const { return window_.executions(); }
  int shortened() const { return shortened_; }

 private:
  const bool shortens_;
  int shortened_ = 0;
  TimePoint now_{};
  RepetitionWindow window_{RepetitionPlace::transaction};
};

TEST(RepetitionWindowTest, TheSameStatementInARowIsNotedInShortAsAtLength) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    std::minstd_rand source(seed);
    const auto random = [&source] { return static_cast<std::uint32_t>(source()); };
    Runner shortened(true);
    Runner at_length(false);
    for (int run = 0; run < 40; ++run) {
      const std::uint32_t statement = random() % 14;
      for (unsigned times = random() % 4 == 0 ? random() % 300 : 1 + random() % 3; times > 0; --times) {
        const ValueHash value = 1 + random() % 9;
        const std::uint32_t at_once = random() % 3 == 0 ? random() % 40 : 1;
        shortened.run(statement, value, at_once);
        at_length.run(statement, value, at_once);
      }
      ASSERT_EQ(shortened.told(), at_length.told()) << "seed " << seed << ", run " << run;
      ASSERT_EQ(shortened.executions(), at_length.executions());
    }
    EXPECT_GT(shortened.shortened(), 100) << "seed " << seed;
  }
}

}  // namespace
}  // namespace forebay::engine
