#pragma once

#include <atomic>
#include <cstdint>

namespace forebay::cache {

/// What a change stream has done so far.
struct StreamFigures {
  std::uint64_t starts =
      0;  ///< epochs that have begun: the first, and one for each restart or change of level
  std::uint64_t leases = 0;    ///< proofs that nothing was missing
  std::uint64_t catalogs = 0;  ///< times that the catalog was found to be another one
  std::uint64_t changes = 0;   ///< rows, and tables that were emptied; at the level outbox: statements
  std::uint64_t bytes = 0;     ///< of decoded changes that came from the server
};

/// Counts them: written by the stream's thread, read by any.
class StreamTally {
 public:
  void note_start() { add(starts_, 1); }
  void note_lease() { add(leases_, 1); }
  void note_catalog() { add(catalogs_, 1); }
  void note_change() { add(changes_, 1); }
  void note_bytes(std::uint64_t bytes) { add(bytes_, bytes); }

  StreamFigures figures() const {
    return {.starts = starts_.load(std::memory_order_relaxed),
            .leases = leases_.load(std::memory_order_relaxed),
            .catalogs = catalogs_.load(std::memory_order_relaxed),
            .changes = changes_.load(std::memory_order_relaxed),
            .bytes = bytes_.load(std::memory_order_relaxed)};
  }

 private:
  /// Without a locked instruction, for nobody else writes.
  static void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount) {
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  std::atomic<std::uint64_t> starts_ = 0;
  std::atomic<std::uint64_t> leases_ = 0;
  std::atomic<std::uint64_t> catalogs_ = 0;
  std::atomic<std::uint64_t> changes_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
};

}  // namespace forebay::cache
