#include "engine/heap_trimmer.hpp"

#include <malloc.h>

namespace forebay::engine {

namespace {

/// So much of the store's capacity may wait to be given back.
constexpr std::uint64_t kPart = 16;

}  // namespace

void release_free_memory() {
  ::malloc_trim(0);
}

void HeapTrimmer::sweep() {
  const std::uint64_t released = store_.figures().released;
  if (released == trimmed_at_ || released - trimmed_at_ < store_.capacity() / kPart) return;
  trimmed_at_ = released;
  release_free_memory();
}

}  // namespace forebay::engine
