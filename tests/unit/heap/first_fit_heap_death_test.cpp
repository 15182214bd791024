// The first-fit heap: misuse and overwritten headers, each of which ends the process with a line that says what is wrong.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "quire/heap/first_fit_heap.hpp"

namespace quire {
namespace {

class FirstFitHeapDeath : public testing::Test {
protected:
    alignas(64) std::array<std::byte, 1024> memory_{};
    FirstFitHeap heap_{std::span(memory_).first(768)};
    std::byte* a_ = static_cast<std::byte*>(heap_.allocate(32));
    std::byte* b_ = static_cast<std::byte*>(heap_.allocate(32));
    std::byte* c_ = static_cast<std::byte*>(heap_.allocate(32));
};

TEST_F(FirstFitHeapDeath, MisuseIsADefect) {
    int local = 0;
    EXPECT_DEATH(heap_.free(&local), "not its own");
    EXPECT_DEATH(heap_.free(memory_.data()), "not its own");
    EXPECT_DEATH(heap_.free(memory_.data() + 16), "not its own");
    EXPECT_DEATH(heap_.free(memory_.data() + 800), "not its own");
    EXPECT_DEATH(heap_.free(reinterpret_cast<void*>(16)), "not its own");
    EXPECT_DEATH((void)heap_.usable_size(nullptr), "not its own");
    EXPECT_DEATH(heap_.free(a_ + 1), "the middle of a block");
    EXPECT_DEATH(heap_.free(a_ + 16), "the middle of a block, or its header was overwritten");
    EXPECT_DEATH(heap_.free(c_ + 64), "freed twice");
    EXPECT_DEATH((void)heap_.add(std::span(memory_).subspan(700)), "in part the heap's already");
    EXPECT_DEATH((void)heap_.add(memory_), "in part the heap's already");
    EXPECT_TRUE(heap_.add(std::span(memory_).subspan(768)));
    heap_.check_invariants();
}

TEST_F(FirstFitHeapDeath, ASecondFreeIsSeenWhereverTheBlockWent) {
    heap_.free(b_);
    EXPECT_DEATH(heap_.free(b_), "freed twice");
    EXPECT_DEATH((void)heap_.reallocate(b_, 1), "freed twice");
    EXPECT_DEATH((void)heap_.usable_size(b_), "freed twice");
    heap_.free(a_);
    EXPECT_DEATH(heap_.free(b_), "freed twice") << "united with the block before it";
    heap_.free(c_);
    EXPECT_DEATH(heap_.free(c_), "freed twice") << "united with both";
    void* const larger = heap_.allocate(200);
    EXPECT_EQ(larger, a_);
    EXPECT_DEATH(heap_.free(b_), "the middle of a block, or its header was overwritten");
}

TEST_F(FirstFitHeapDeath, AnOverflowIsSeen) {
    std::byte* const last = b_ + heap_.usable_size(b_);
    const auto overwrite = [&](std::size_t at, std::size_t bytes, int value) { std::memset(last + at, value, bytes); };
    // Of the header behind, any byte; the block itself is still sound.
    EXPECT_DEATH((overwrite(0, 1, 7), heap_.free(c_)), "its header was overwritten");
    EXPECT_DEATH((overwrite(sizeof(void*), 1, 7), heap_.free(c_)), "its header was overwritten");
    EXPECT_DEATH((overwrite(0, 16, 0), heap_.check_invariants()), "do not tile");
    EXPECT_DEATH((overwrite(sizeof(void*), sizeof(void*), 0), heap_.check_invariants()), "neither taken nor listed");
    heap_.free(c_);
    // Of a free one: its size reaches over the next, or it is linked to what is no block.
    EXPECT_DEATH((overwrite(0, sizeof(void*), 0), heap_.check_invariants()), "do not tile");
    heap_.free(a_);
    EXPECT_DEATH((std::memset(a_ - 16, 0x40, 1), heap_.check_invariants()), "do not tile");
    EXPECT_DEATH((std::memset(a_ - 16, 0x50, 1), heap_.free(b_)), "overlap");
    EXPECT_DEATH((std::memset(a_ - 16 + sizeof(void*), 0, sizeof(void*)), heap_.check_invariants()),
                 "neither taken nor listed");
}

/// Each of the lines that check_invariants() can end with and no overflow in the tests above leads to: headers that are sound one by
/// one, and wrong together.
TEST_F(FirstFitHeapDeath, EachInvariantIsChecked) {
    const auto word = [](const std::byte* payload, std::size_t number) -> std::uintptr_t& {
        return reinterpret_cast<std::uintptr_t*>(const_cast<std::byte*>(payload - 16))[number];
    };
    const std::byte* const tail = c_ + 48;
    heap_.free(a_);
    EXPECT_DEATH((word(tail, 1) = word(a_, 0), heap_.check_invariants()), "out of order");
    EXPECT_DEATH((word(tail, 1) = reinterpret_cast<std::uintptr_t>(&memory_[896]), heap_.check_invariants()),
                 "listed as free that is none");
    const auto cut = [&] {
        word(tail + 32, 0) = word(tail, 0) - 32;
        word(tail + 32, 1) = 0;
        word(tail, 0) = 32;
        word(tail, 1) = reinterpret_cast<std::uintptr_t>(tail + 16);
    };
    EXPECT_DEATH((cut(), heap_.check_invariants()), "two free blocks touch");
    const auto unite = [&] {
        word(b_, 0) = 96;
        word(b_, 1) ^= 96 ^ 48;
    };
    EXPECT_DEATH((unite(), heap_.check_invariants()), "the statistics have drifted");
    heap_.check_invariants();
}

}  // namespace
}  // namespace quire
