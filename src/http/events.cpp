#include "http/events.hpp"

#include <utility>

#include <fmt/format.h>

#include "http/figures.hpp"
#include "http/json.hpp"
#include "http/resources.hpp"

namespace forebay::http {

namespace {

constexpr Duration kInterval{1'000};

}  // namespace

Events::Events(boost::asio::io_context& context, pgfront::Front& front, pgfront::Post here,
               const AlertWatch& watch)
    : front_(front), here_(std::move(here)), watch_(watch), timer_(context) {}

bool Events::add(Reader& reader) {
  if (count_ == kMostReaders) return false;
  ++count_;
  readers_.push_back(reader);
  if (!std::exchange(is_running_, true)) publish();
  return true;
}

void Events::remove(Reader& reader) {
  reader.unlink();
  --count_;
}

void Events::publish() {
  if (count_ == 0) {
    is_running_ = false;
    return;
  }
  gather_figures({front_, alive_, here_, Clock::now()}, watch_, [this](const Figures& figures) {
    deliver(std::make_shared<const std::string>(
        fmt::format("event: overview\nid: {}\ndata: {}\n\n", ++number_, json_text(overview_of(figures)))));
    wait();
  });
}

void Events::deliver(std::shared_ptr<const std::string> event) {
  for (Reader& reader : readers_) {
    reader.latest = event;
    reader.arrived.cancel();
  }
}

void Events::wait() {
  timer_.expires_after(kInterval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) publish();
  });
}

}  // namespace forebay::http
