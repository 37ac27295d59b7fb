#pragma once

#include <cassert>
#include <cstddef>

namespace forebay {

/// A hook that makes an object a member of at most one IntrusiveList<T, Tag> at a time. An object that dies
/// takes itself out of the list that holds it, so a dropped waiter is never woken.
template <class Tag>
class ListHook {
 public:
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { unlink(); }

  bool is_linked() const { return next_ != nullptr; }

  void unlink() {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <class, class>
  friend class IntrusiveList;

  ListHook* next_ = nullptr;
  ListHook* previous_ = nullptr;
};

/// A doubly linked list through hooks in its members; it owns nothing. Not thread safe.
template <class T, class Tag>
class IntrusiveList {
  using Hook = ListHook<Tag>;

 public:
  IntrusiveList() { head_.next_ = head_.previous_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (!empty()) head_.next_->unlink();
    head_.next_ = head_.previous_ = nullptr;
  }

  bool empty() const { return head_.next_ == &head_; }
  T& front() { return member(head_.next_); }
  T& back() { return member(head_.previous_); }

  void push_back(T& item) { insert_before(&head_, item); }
  void push_front(T& item) { insert_before(head_.next_, item); }

  class Iterator {
   public:
    explicit Iterator(Hook* at) : at_(at) {}
    T& operator*() const { return member(at_); }
    T* operator->() const { return &member(at_); }
    Iterator& operator++() {
      at_ = IntrusiveList::next(at_);
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    Hook* at_;
  };

  Iterator begin() { return Iterator(head_.next_); }
  Iterator end() { return Iterator(&head_); }

 private:
  static T& member(Hook* hook) { return *static_cast<T*>(hook); }
  static Hook* next(Hook* hook) { return hook->next_; }

  static void insert_before(Hook* position, T& item) {
    Hook& hook = static_cast<Hook&>(item);
    assert(!hook.is_linked());
    hook.next_ = position;
    hook.previous_ = position->previous_;
    position->previous_->next_ = &hook;
    position->previous_ = &hook;
  }

  Hook head_;
};

}  // namespace forebay
