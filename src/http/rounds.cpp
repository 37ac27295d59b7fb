#include "http/rounds.hpp"

#include <utility>

namespace forebay::http {

namespace {

constexpr Duration kAfterNext{1'500};

}  // namespace

Rounds::Rounds(boost::asio::io_context& context, pgfront::Front& front, pgfront::Post here,
               const AlertWatch& watch, Take take)
    : front_(front), here_(std::move(here)), watch_(watch), take_(std::move(take)), timer_(context) {
  gather();
}

void Rounds::wait() {
  const TimePoint now = Clock::now();
  timer_.expires_after(std::chrono::floor<std::chrono::seconds>(now) + kAfterNext - now);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) gather();
  });
}

void Rounds::gather() {
  const TimePoint now = Clock::now();
  gather_figures({front_, alive_, here_, now}, watch_, [this, now](Figures& figures) {
    take_(figures, now);
    wait();
  });
}

}  // namespace forebay::http
