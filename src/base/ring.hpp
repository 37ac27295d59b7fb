#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace forebay {

/// A queue in one block of memory that grows by doubling and is reused: after warm-up, push and pop allocate
/// nothing.
template <class T>
class Ring {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  T& front() { return slot(0); }
  const T& front() const { return items_[first_]; }
  T& back() { return slot(size_ - 1); }
  T& operator[](std::size_t index) { return slot(index); }
  const T& operator[](std::size_t index) const { return items_[(first_ + index) & (capacity_ - 1)]; }

  /// A new item at the end, as T() makes it.
  T& add() {
    if (size_ == capacity_) grow();
    return slot(size_++);
  }

  T& push_back(T item) { return add() = std::move(item); }

  /// An empty one begins at its first place again, which the processor's cache is likelier to hold.
  void pop_front() {
    assert(size_ > 0);
    slot(0) = T();
    --size_;
    first_ = size_ == 0 ? 0 : (first_ + 1) & (capacity_ - 1);
  }

  /// Removes the item at `index`, keeping the order of the others.
  void erase(std::size_t index) {
    if (index == 0) return pop_front();
    erase_if(index, index + 1, [](const T&) { return true; });
  }

  /// Removes those from `first` on, before `last`, that `predicate` is true of; the others keep their order.
  template <class Predicate>
  void erase_if(std::size_t first, std::size_t last, Predicate predicate) {
    std::size_t kept = first;
    for (std::size_t i = first; i < size_; ++i) {
      if (i < last && predicate(slot(i))) continue;
      if (kept != i) slot(kept) = std::move(slot(i));
      ++kept;
    }
    while (size_ > kept) slot(--size_) = T();
  }

  void clear() {
    while (!empty()) pop_front();
  }

  /// Empties it and gives memory back, but for the smallest block, which would soon be asked for again; for
  /// owners that fall idle.
  void shrink() {
    clear();
    if (capacity_ <= kSmallest) return;
    items_.reset();
    capacity_ = 0;
  }

 private:
  static constexpr std::size_t kSmallest = 8;

  T& slot(std::size_t index) { return items_[(first_ + index) & (capacity_ - 1)]; }

  void grow() {
    const std::size_t capacity = capacity_ == 0 ? kSmallest : std::size_t{capacity_} * 2;
    auto items = std::make_unique<T[]>(capacity);
    for (std::size_t i = 0; i < size_; ++i) items[i] = std::move(slot(i));
    items_ = std::move(items);
    capacity_ = static_cast<std::uint32_t>(capacity);
    first_ = 0;
  }

  std::unique_ptr<T[]> items_;
  std::uint32_t capacity_ = 0;
  std::uint32_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace forebay
