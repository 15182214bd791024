#pragma once
/// A step of a program at random: mostly loads and stores, so that there is something to lose.

#include <random>

#include "tests/unit/support/shadow.hpp"

namespace quire::test {

inline Step draw_step(std::mt19937_64& random) {
    Step step;
    step.verb = static_cast<Verb>(random() % kVerbs);
    if (random() % 2 == 0) step.verb = random() % 3 == 0 ? Verb::load : Verb::store;
    step.placement = static_cast<Placement>(random() % 4);
    step.page = static_cast<std::uint8_t>(random());
    step.count = static_cast<std::uint8_t>(random());
    step.rights = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : 3);
    step.value = static_cast<std::uint8_t>(random());
    step.offset = static_cast<std::uint16_t>(random());
    step.shared = random() % 2 == 0;
    return step;
}

}  // namespace quire::test
