#pragma once

#include <cstring>
#include <vector>

#include "base/bytes.hpp"

namespace forebay::wire {

/// Puts one write together from runs of a source buffer and bytes in between. As long as everything is one
/// run of the source nothing is copied; the first insertion or gap starts a copy in memory that is reused
/// from burst to burst. The source must stay as it is until finish()'s result has been used.
class Splice {
 public:
  /// Takes bytes of the source along.
  void pass(const std::byte* at, std::size_t size) {
    if (run_ + run_size_ == at) {
      run_size_ += size;
      return;
    }
    commit_run();
    run_ = at;
    run_size_ = size;
  }

  void insert(Bytes bytes) {
    commit_run();
    copy_.insert(copy_.end(), bytes.begin(), bytes.end());
  }

  bool empty() const { return run_size_ == 0 && copy_.empty(); }

  /// Everything so far. Valid until the next call that changes the splice.
  Bytes finish() {
    if (copy_.empty()) return {run_, run_size_};
    commit_run();
    return copy_;
  }

  void clear() {
    run_ = nullptr;
    run_size_ = 0;
    copy_.clear();
  }

 private:
  void commit_run() {
    if (run_size_ != 0) copy_.insert(copy_.end(), run_, run_ + run_size_);
    run_ = nullptr;
    run_size_ = 0;
  }

  const std::byte* run_ = nullptr;
  std::size_t run_size_ = 0;
  std::vector<std::byte> copy_;
};

}  // namespace forebay::wire
