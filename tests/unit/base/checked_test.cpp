#include "quire/base/checked.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <type_traits>

#include "quire/base/rights.hpp"

namespace quire {

constexpr std::uintptr_t kMost = std::numeric_limits<std::uintptr_t>::max();

static_assert(!std::is_convertible_v<Page, Frame> && !std::is_convertible_v<Frame, Page>);
static_assert(!std::is_convertible_v<PageCount, FrameCount> && !std::is_convertible_v<std::size_t, PageCount>);
static_assert(!std::is_convertible_v<VirtualAddress, PhysicalAddress> && !std::is_convertible_v<Page, VirtualAddress>);

TEST(Checked, SumsThatDoNotFitAreNothing) {
    EXPECT_EQ(checked_add<std::uint32_t>(1, 2), 3U);
    EXPECT_EQ(checked_add<std::uint32_t>(0xFFFFFFFF, 0), 0xFFFFFFFFU);
    EXPECT_FALSE(checked_add<std::uint32_t>(0xFFFFFFFF, 1));
    EXPECT_FALSE(checked_multiply<std::uint32_t>(0x10000, 0x10000));
    EXPECT_EQ(checked_multiply<std::uint32_t>(0x10000, 0xFFFF), 0xFFFF0000U);
}

TEST(Checked, RoundingUpNeverWrapsRound) {
    EXPECT_EQ(align_up(0, 4096), 0U);
    EXPECT_EQ(align_up(1, 4096), 4096U);
    EXPECT_EQ(align_up(4096, 4096), 4096U);
    EXPECT_FALSE(align_up(kMost, 4096));
    EXPECT_EQ(align_up(kMost - 4095, 4096), kMost - 4095);
    EXPECT_EQ(pages_for(0).value, 0U);
    EXPECT_EQ(pages_for(1).value, 1U);
    EXPECT_EQ(pages_for(4097).value, 2U);
    EXPECT_EQ(pages_for(kMost).value, kMost / kPageSize + 1);
}

TEST(Checked, RangesThatWrapRoundAreRefused) {
    EXPECT_EQ(pages_covering({0x1FFF}, 2), (PageRange{Page{1}, Page{3}}));
    EXPECT_EQ(pages_covering({0x1000}, 0x1000), (PageRange{Page{1}, Page{2}}));
    EXPECT_TRUE(pages_covering({0x1000}, 0)->empty());
    EXPECT_EQ(pages_covering({kMost}, 2).error(), Error::bad_argument);
    EXPECT_TRUE(pages_covering({kMost}, 1).has_value());
}

TEST(Rights, AreASet) {
    const Rights both = Rights::read | Rights::write;
    EXPECT_TRUE(both.include(Rights::read));
    EXPECT_FALSE(both.include(Rights::execute));
    EXPECT_TRUE(both.include(Rights::none));
    EXPECT_EQ(both.without(Rights::write), Rights::read);
    EXPECT_EQ(Rights::from_bits(both.bits()), both);
}

}  // namespace quire
