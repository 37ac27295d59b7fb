#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "net/loop.hpp"
#include "pgfront/front.hpp"
#include "pgfront/worker.hpp"

namespace forebay::pgfront {

/// Has a task run by the thread that asks, later; from any thread.
using Post = std::function<void(std::function<void()> task)>;

/// The one of this thread, which runs a loop.
inline Post post_here() {
  return [here = net::Loop::current()](std::function<void()> task) { here->post(std::move(task)); };
}

/// Asks every thread, on that thread, and calls `done` on this one, to which `here` leads, with the answers
/// in the order of the workers. Not called when `asker` has gone meanwhile. Nothing blocks; `done` is never
/// called from inside this function.
template <class Ask, class Done>
void gather(Front& front, std::weak_ptr<void> asker, const Post& here, Ask ask, Done done) {
  using Answer = decltype(ask(std::declval<Worker&>()));
  struct Joined {
    std::vector<std::optional<Answer>> answers;
    std::size_t missing;
    std::weak_ptr<void> asker;
    Done done;
  };
  const auto& workers = front.workers();
  // Touched by this thread only: the answers come back to it.
  auto joined = std::make_shared<Joined>(Joined{std::vector<std::optional<Answer>>(workers.size()),
                                                workers.size(), std::move(asker), std::move(done)});
  for (std::size_t i = 0; i < workers.size(); ++i) {
    // The other thread passes `joined` on and keeps nothing, so that it dies on this one.
    workers[i]->loop().post([worker = workers[i], here, ask, joined, i]() mutable {
      auto answer = std::make_shared<Answer>(ask(*worker));
      here([joined = std::move(joined), answer, i] {
        joined->answers[i] = std::move(*answer);
        if (--joined->missing > 0 || joined->asker.expired()) return;
        std::vector<Answer> answers;
        for (auto& each : joined->answers) answers.push_back(std::move(*each));
        joined->done(std::move(answers));
      });
    });
  }
}

/// The same for a thread that runs a loop.
template <class Ask, class Done>
void gather(Front& front, std::weak_ptr<void> asker, Ask ask, Done done) {
  gather(front, std::move(asker), post_here(), std::move(ask), std::move(done));
}

}  // namespace forebay::pgfront
