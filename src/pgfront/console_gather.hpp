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

/// Asks every thread, on that thread, and calls `done` on this one with the answers in the order of the
/// workers. Not called when `asker` has gone meanwhile. Nothing blocks; `done` is never called from inside
/// this function.
template <class Ask, class Done>
void gather(Front& front, std::weak_ptr<void> asker, Ask ask, Done done) {
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
  net::Loop* here = net::Loop::current();
  for (std::size_t i = 0; i < workers.size(); ++i) {
    // The other thread passes `joined` on and keeps nothing, so that it dies on this one.
    workers[i]->loop().post([worker = workers[i], here, ask, joined, i]() mutable {
      auto answer = std::make_shared<Answer>(ask(*worker));
      here->post([joined = std::move(joined), answer, i] {
        joined->answers[i] = std::move(*answer);
        if (--joined->missing > 0 || joined->asker.expired()) return;
        std::vector<Answer> answers;
        for (auto& each : joined->answers) answers.push_back(std::move(*each));
        joined->done(std::move(answers));
      });
    });
  }
}

}  // namespace forebay::pgfront
