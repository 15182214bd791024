// Several local heaps over one central heap: what is freed wrongly by another than the owner.
#include <gtest/gtest.h>

#include <cstddef>

#include "quire/heap/local_heap.hpp"
#include "tests/unit/support/local_heaps.hpp"

namespace quire {
namespace {

using test::Heaps;

constexpr std::size_t kBytes = 64;

class LocalHeapDeath : public testing::Test {
protected:
    Heaps heaps_{3};
    std::byte* block_ = static_cast<std::byte*>(heaps_[0].allocate(kBytes));
    std::byte* other_ = static_cast<std::byte*>(heaps_[0].allocate(kBytes));
};

TEST_F(LocalHeapDeath, ADoubleFreeFromAfarIsSeen) {
    EXPECT_DEATH((heaps_[1].free(block_), heaps_[1].free(block_)), "freed twice") << "before it was returned";
    EXPECT_DEATH((heaps_[1].free(block_), heaps_[1].trim(), heaps_[2].free(block_), heaps_[2].trim()), "freed twice")
        << "by two, neither of them the owner";
    EXPECT_DEATH((heaps_[0].free(block_), heaps_[1].free(block_), heaps_[1].trim(), heaps_[0].trim()), "freed twice")
        << "by the owner first";
    EXPECT_DEATH((heaps_[1].free(block_), heaps_[1].trim(), heaps_[0].free(block_), heaps_[0].trim()), "freed twice")
        << "by the owner last";
    heaps_[0].close();
    heaps_[1].free(block_);
    heaps_[1].trim();
    EXPECT_DEATH((heaps_[2].free(block_), heaps_[2].trim()), "freed twice") << "of a slab that nobody owns";
    EXPECT_DEATH((heaps_[1].free(other_), heaps_[1].trim(), heaps_[1].free(other_)), "not its own")
        << "of a slab that is gone";
}

TEST_F(LocalHeapDeath, MisuseFromAfarIsSeen) {
    EXPECT_DEATH(heaps_[1].free(block_ + 1), "into the middle of a block");
    EXPECT_DEATH((void)heaps_[1].usable_size(block_ + 16), "into the middle of a block");
    EXPECT_DEATH((heaps_[1].free(block_ + kBytes * 60), heaps_[1].trim(), heaps_[0].trim()),
                 "never handed out|freed twice");
    EXPECT_DEATH(heaps_[1].free_sized(block_, 3 * kBytes), "freed with another size");
    EXPECT_DEATH(heaps_[1].free_sized(block_, 5000), "freed with another size");
    EXPECT_DEATH(heaps_[1].free_sized(block_, kBytes / 2, 0, Resized::perhaps), "freed with another size");
    EXPECT_DEATH(heaps_[1].free_sized(block_, 2 * kBytes, 0, Resized::perhaps), "freed with another size");
    EXPECT_DEATH(heaps_[1].free_sized(block_, kBytes, 4096), "freed with another size");
    heaps_[1].free_sized(nullptr, 1);
    heaps_[1].free_sized(block_, kBytes);
    heaps_[2].free_sized(other_, kBytes, 16);
}

}  // namespace
}  // namespace quire
