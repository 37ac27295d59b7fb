#include "monitor/statement_past.hpp"

#include <algorithm>

namespace forebay::monitor {

namespace {

std::size_t place_of(std::int64_t number) {
  return static_cast<std::size_t>(number) % StatementPast::kPoints;
}

}  // namespace

void StatementPast::add(TimePoint since, TimePoint now, std::uint64_t calls, std::uint64_t micros) {
  const std::int64_t number = number_of(now);
  double earlier = 0;
  // Whoever looks after a long time does not know when it came.
  if (number_of(since) == number - 1)
    earlier = seconds_between(since, began(now)) / seconds_between(since, now);
  const auto all_calls = static_cast<double>(calls);
  const auto all_micros = static_cast<double>(micros);
  if (earlier > 0) add_to(number - 1, all_calls * earlier, all_micros * earlier);
  add_to(number, all_calls * (1 - earlier), all_micros * (1 - earlier));
}

void StatementPast::add_to(std::int64_t number, double calls, double micros) {
  const auto kept = static_cast<std::int64_t>(kPoints);
  for (std::int64_t each = std::max(newest_ + 1, number - kept + 1); each <= number; ++each)
    points_[place_of(each)].reset();
  newest_ = number;
  auto& point = points_[place_of(number)];
  if (!point) point.emplace();
  point->calls += calls;
  point->micros += micros;
}

std::vector<std::optional<StatementPast::Point>> StatementPast::points(TimePoint now) const {
  std::vector<std::optional<Point>> told;
  const auto kept = static_cast<std::int64_t>(kPoints);
  const std::int64_t last = number_of(now);
  for (std::int64_t each = last - kept + 1; each <= last; ++each) {
    const bool is_kept = each <= newest_ && each > newest_ - kept && each >= 0;
    told.push_back(is_kept ? points_[place_of(each)] : std::nullopt);
  }
  return told;
}

}  // namespace forebay::monitor
