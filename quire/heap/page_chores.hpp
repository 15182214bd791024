#pragma once
/// Calls to the system that a span source leaves to its caller, who makes them when he has given up the heap's lock: they take
/// long, and they are about pages that nobody else knows of: addresses that the source has forgotten, or a span of the caller's.
/// So their order is of no account either. Not locked: while chores are added to, the heap's lock is held; a copy is its owner's.

#include <array>
#include <cstddef>
#include <cstdint>

#include "quire/heap/page_source.hpp"

namespace quire {

class PageChores {
public:
    enum class What : std::uint8_t {
        unmap,
        unmap_fenced,  ///< with the fence before it
        guard,         ///< the pages are to fault
        unguard,
    };

    PageChores() = default;
    PageChores(const PageChores&) = default;
    PageChores& operator=(const PageChores&) = delete;

    /// Nothing is to be done.
    [[nodiscard]] bool empty() const { return count_ == 0; }
    /// Notes it; when there are too many already it is done at once, and nothing if the run is empty.
    void add(PageSource& pages, What what, const PageRun& run) {
        if (run.count.value == 0) return;
        const Chore chore{.what = what, .run = run};
        if (count_ < kMost)
            chores_[count_++] = chore;
        else
            perform(pages, chore);
    }
    /// All of them; they stay noted.
    void perform(PageSource& pages) const {
        for (std::size_t i = 0; i < count_; ++i) perform(pages, chores_[i]);
    }
    void forget() { count_ = 0; }

private:
    struct Chore {
        What what;
        PageRun run;
    };
    static constexpr std::size_t kMost = 8;

    static void perform(PageSource& pages, const Chore& chore) {
        const auto [first, count] = chore.run;
        switch (chore.what) {
            case What::unmap: pages.unmap(first, count, false); break;
            case What::unmap_fenced: pages.unmap(first, count, true); break;
            case What::guard: pages.protect(first, count, false); break;
            case What::unguard: pages.protect(first, count, true); break;
        }
    }

    std::array<Chore, kMost> chores_{};
    std::size_t count_ = 0;
};

}  // namespace quire
