// A seeded world: processors on which programs map, fault, fork and exit while memory runs out, and the audit looks at all of it in
// between. Either the processors take turns at every lock and every port call, and a seed that fails says so and repeats exactly
// (QUIRE_SEED=n), or they are threads of the host that really run at once (what the tsan preset is for).
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <random>
#include <thread>

#include "ports/hosted/scheduler.hpp"
#include "quire/heap/heap.hpp"
#include "tests/unit/support/draw.hpp"
#include "tests/unit/support/shadow.hpp"
#include "tests/unit/support/soak.hpp"

namespace quire::test {
namespace {

/// A kernel's heap on kernel pages.
class KernelSpans final : public SpanSource {
public:
    explicit KernelSpans(World& world) : world_(world) {}
    void* acquire(PageCount count, PageCount alignment) override {
        const auto first = world_.kernel.acquire({.count = count, .alignment = alignment});
        return first ? Machine::pointer(address_of(*first)) : nullptr;
    }
    void release(void* first, PageCount) override {
        const auto offset = static_cast<std::byte*>(first) - Machine::pointer(address_of(Machine::kKernelPages.first));
        world_.kernel.release(Machine::kKernelPages.first + PageCount{static_cast<std::size_t>(offset) >> kPageShift});
    }
    /// Where the kernel's pages lie for the host's processor.
    static PageRange range() {
        const auto first = reinterpret_cast<std::uintptr_t>(Machine::pointer(address_of(Machine::kKernelPages.first)));
        return range_of(VirtualAddress{first}.page(), Machine::kKernelPages.count());
    }

private:
    World& world_;
};

/// The places where programs live. Whoever runs one holds its place.
struct Place {
    Machine::Lock lock;
    std::unique_ptr<Program> program;
};

struct Block {
    std::byte* at;
    std::size_t bytes;
    std::byte fill;
};

struct Size {
    std::uint32_t frames;
    unsigned processors;
    int rounds;  ///< of each processor
};

class Simulation {
public:
    Simulation(std::uint64_t seed, Size size)
        : world_(size.frames), first_(world_, 6), second_(world_, 30), scheduler_(seed), seed_(seed), size_(size) {}

    void take_turns() {
        for (unsigned number = 0; number < size_.processors; ++number) {
            scheduler_.add([this, number] { run_processor(number); });
        }
        scheduler_.run();
        finish();
    }

    void run_at_once() {
        std::vector<std::thread> threads;
        for (unsigned number = 0; number < size_.processors; ++number) {
            threads.emplace_back([this, number] { run_processor(number); });
        }
        for (std::thread& thread : threads) thread.join();
        finish();
    }

    [[nodiscard]] std::uint64_t checkpoints() const { return scheduler_.checkpoints(); }
    [[nodiscard]] std::size_t refused() const { return refused_; }

private:
    void finish() {
        for (Place& place : places_) place.program.reset();
        children_.clear();
        heap_.check_invariants();
        const HeapStatistics left = heap_.statistics();
        EXPECT_EQ(left.large_pages.value, 0U);
        world_.kept = (left.slab_pages + left.own_pages).value;
        world_.audit();
    }

    static void wait() {
        if (!hosted::yield()) std::this_thread::yield();
    }

    void run_processor(unsigned number) {
        hosted::Processor processor(world_.computer, number + 1);
        const hosted::Processor::Scope scope(processor);
        Machine::activate(world_.boot.frame);
        std::mt19937_64 random(seed_ * 100 + number);
        std::vector<Page> spans;
        std::vector<Block> blocks;
        for (int round = 0; round < size_.rounds && !::testing::Test::HasFailure(); ++round) {
            pause_for_audit(random);
            switch (random() % 12) {
                case 0: use_pages(random, spans); break;
                case 1: use_heap(random, blocks); break;
                default: run_program(random); break;
            }
        }
        for (const Page span : spans) world_.kernel.release(span);
        for (const Block& block : blocks) heap_.free(block.at);
        ++ended_;
    }

    /// Everybody stops between two verbs; whoever asked looks at the books.
    void pause_for_audit(std::mt19937_64& random) {
        if (random() % 500 == 0 && !auditing_.exchange(true)) {
            audit_wanted_ = true;
            while (paused_ + ended_ + 1 < size_.processors) wait();
            world_.audit();
            heap_.check_invariants();
            audit_wanted_ = false;
            // Who leaves the pause still counts as paused for a moment: the next audit would begin while he runs on.
            while (paused_ != 0) wait();
            auditing_ = false;
            return;
        }
        if (!audit_wanted_) return;
        ++paused_;
        while (audit_wanted_) wait();
        --paused_;
    }

    void use_heap(std::mt19937_64& random, std::vector<Block>& blocks) {
        if (blocks.size() < 40 && random() % 3 != 0) {
            const std::size_t bytes = 1 + random() % (random() % 8 == 0 ? 9000 : 300);
            auto* const at = static_cast<std::byte*>(heap_.allocate(bytes));
            if (at == nullptr) {
                ++refused_;
                return;
            }
            blocks.push_back({at, bytes, static_cast<std::byte>(random())});
            std::memset(at, static_cast<int>(blocks.back().fill), bytes);
        } else if (!blocks.empty()) {
            std::swap(blocks[random() % blocks.size()], blocks.back());
            const Block block = blocks.back();
            for (std::size_t i = 0; i < block.bytes; ++i) EXPECT_EQ(block.at[i], block.fill);
            heap_.free(block.at);
            blocks.pop_back();
        }
    }

    void use_pages(std::mt19937_64& random, std::vector<Page>& spans) {
        if (spans.size() < 4 && random() % 2 == 0) {
            const auto span =
                world_.kernel.acquire({.count = PageCount{1 + random() % 6}, .guard = PageCount{random() % 2}});
            if (!span) {
                ++refused_;
                return;
            }
            *Machine::pointer(address_of(*span)) = std::byte{1};
            spans.push_back(*span);
        } else if (!spans.empty()) {
            world_.kernel.release(spans.back());
            spans.pop_back();
        }
    }

    void run_program(std::mt19937_64& random) {
        Place& place = places_[random() % places_.size()];
        const Guard guard(place.lock);
        if (!place.program) place.program = Program::make(world_, {&first_, &second_});
        if (!place.program) {
            ++refused_;
            return;
        }
        place.program->enter();
        for (std::uint64_t steps = 1 + random() % 12; steps-- > 0;) {
            Step step = draw_step(random);
            // Two programs that write to one object at once have no order that a double could know.
            step.shared = step.shared && step.rights == 1;
            if (step.verb == Verb::protect) step.rights &= 1U;
            if (!place.program->step(step, true)) ++refused_;
        }
        if (random() % 10 == 0) fork_or_exit(place, random);
        // While the place is still held: whoever holds it next may destroy the space, which must not be active anywhere then.
        Machine::activate(world_.boot.frame);
    }

    /// Children wait in a pool until a place is free for them.
    void fork_or_exit(Place& place, std::mt19937_64& random) {
        if (random() % 3 == 0) {
            place.program.reset();
            const Guard guard(children_lock_);
            if (children_.empty()) return;
            place.program = std::move(children_.back());
            children_.pop_back();
            return;
        }
        auto child = place.program->fork();
        if (!child) {
            ++refused_;
            return;
        }
        {
            const Guard guard(children_lock_);
            if (children_.size() < 4) {
                children_.push_back(std::move(child));
                return;
            }
        }
        child.reset();
    }

    World world_;
    ShadowObject first_;
    ShadowObject second_;
    KernelSpans spans_{world_};
    Heap heap_{spans_, spans_.range()};
    hosted::Scheduler scheduler_;
    std::uint64_t seed_;
    Size size_;
    std::array<Place, 6> places_;
    Machine::Lock children_lock_;
    std::vector<std::unique_ptr<Program>> children_;
    std::atomic<unsigned> paused_ = 0;
    std::atomic<unsigned> ended_ = 0;
    std::atomic<bool> auditing_ = false;  ///< from the wish for an audit until all have left the pause
    std::atomic<bool> audit_wanted_ = false;
    std::atomic<std::size_t> refused_ = 0;
};

TEST(Simulation, ProcessorsTakeTurnsAtEveryLockAndPortCall) {
    Soak soak("Simulation.ProcessorsTakeTurnsAtEveryLockAndPortCall", 4);
    while (soak.next()) {
        Simulation simulation(soak.seed(), {.frames = 1024, .processors = 3, .rounds = 10000});
        simulation.take_turns();
        EXPECT_GT(simulation.checkpoints(), 500'000U);
    }
}

TEST(Simulation, MemoryRunsOutAllTheTime) {
    Soak soak("Simulation.MemoryRunsOutAllTheTime", 4);
    while (soak.next()) {
        Simulation simulation(soak.seed(), {.frames = 160, .processors = 3, .rounds = 10000});
        simulation.take_turns();
        EXPECT_GT(simulation.refused(), 500U);
    }
}

TEST(Simulation, ProcessorsRunAtOnce) {
    Soak soak("Simulation.ProcessorsRunAtOnce", 2);
    while (soak.next()) {
        Simulation(soak.seed(), {.frames = 1024, .processors = 4, .rounds = 3000}).run_at_once();
        Simulation(soak.seed(), {.frames = 160, .processors = 4, .rounds = 3000}).run_at_once();
    }
}

TEST(Simulation, ASeedIsARun) {
    const auto checkpoints = [](std::uint64_t seed) {
        Simulation simulation(seed, {.frames = 512, .processors = 3, .rounds = 300});
        simulation.take_turns();
        return simulation.checkpoints();
    };
    EXPECT_EQ(checkpoints(7), checkpoints(7));
    EXPECT_NE(checkpoints(7), checkpoints(8));
}

}  // namespace
}  // namespace quire::test
