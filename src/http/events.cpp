#include "http/events.hpp"

#include <fmt/format.h>

#include "http/json.hpp"
#include "http/resources.hpp"

namespace forebay::http {

bool Events::add(Reader& reader) {
  if (count_ == kMostReaders) return false;
  ++count_;
  readers_.push_back(reader);
  return true;
}

void Events::remove(Reader& reader) {
  reader.unlink();
  --count_;
}

void Events::publish(const Figures& figures) {
  if (count_ == 0) return;
  const auto event = std::make_shared<const std::string>(
      fmt::format("event: overview\nid: {}\ndata: {}\n\n", ++number_, json_text(overview_of(figures))));
  for (Reader& reader : readers_) {
    reader.latest = event;
    reader.arrived.cancel();
  }
}

}  // namespace forebay::http
