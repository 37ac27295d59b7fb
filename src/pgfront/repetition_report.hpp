#pragma once

#include <functional>
#include <vector>

#include "engine/repetition.hpp"
#include "pgfront/facts.hpp"

namespace forebay::pgfront {

/// The statements of all threads' clients that repeat: what others confirm first, then what took most time.
/// Asks every thread, on that thread; `done` is called on the inquiring one, unless the asker has gone.
void gather_repetitions(const Inquiry& inquiry,
                        std::function<void(const std::vector<engine::Repetition>&)> done);

/// Likewise, how many windows had any. Since the start, whatever RESET STATEMENTS does.
void gather_repetition_counts(const Inquiry& inquiry,
                              std::function<void(std::vector<engine::RepetitionCount>)> done);

/// Where it has repeated, in words.
std::string places_of(const engine::Repetition& repetition);

}  // namespace forebay::pgfront
