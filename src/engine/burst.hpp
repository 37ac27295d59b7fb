#pragma once

#include "wire/splice.hpp"
#include "wire/writer.hpp"

namespace forebay::engine {

/// What one burst of a client becomes on its way to the server. One per thread, used up before the burst's
/// handling ends, so that no session needs memory for it.
inline wire::Splice& to_server() {
  thread_local wire::Splice splice;
  return splice;
}

/// For messages of ours that go in between.
inline wire::Writer& inserted() {
  thread_local wire::Writer writer;
  writer.clear();
  return writer;
}

}  // namespace forebay::engine
