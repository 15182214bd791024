#include "quire/base/checked.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>
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

TEST(Rights, FollowFromTheAccess) {
    EXPECT_EQ(needed_for(Access::read), Rights::read);
    EXPECT_EQ(needed_for(Access::write), Rights::write);
    EXPECT_EQ(needed_for(Access::execute), Rights::execute);
    EXPECT_EQ((Rights::read | Rights::write) & (Rights::write | Rights::user), Rights::write);
    EXPECT_TRUE((Rights::read & Rights::write).empty());
}

TEST(Address, RangesAreHalfOpen) {
    const PageRange range{Page{4}, Page{8}};
    EXPECT_TRUE(range.overlaps({Page{7}, Page{9}}));
    EXPECT_FALSE(range.overlaps({Page{8}, Page{9}}));
    EXPECT_FALSE(range.overlaps({Page{2}, Page{4}}));
    EXPECT_TRUE(range.contains(PageRange{Page{4}, Page{8}}));
    EXPECT_FALSE(range.contains(PageRange{Page{4}, Page{9}}));
    const FrameRange frames{Frame{4}, Frame{8}};
    EXPECT_TRUE(frames.contains(Frame{4}));
    EXPECT_FALSE(frames.contains(Frame{8}));
    EXPECT_FALSE(frames.empty());
    EXPECT_EQ(frames.count().value, 4U);
}

TEST(Address, KnowTheirPages) {
    EXPECT_TRUE((VirtualAddress{0x2000}.page_aligned()));
    EXPECT_FALSE((VirtualAddress{0x2001}.page_aligned()));
    EXPECT_EQ((VirtualAddress{0x2FFF}.page()), Page{2});
    EXPECT_EQ((VirtualAddress{0x2FFF}.offset()), 0xFFFU);
    EXPECT_EQ((PhysicalAddress{0xFFFF'FFFF}.frame()), Frame{0xFFFFF});
    EXPECT_EQ(address_of(Frame{0xFFFFF}).value + kPageSize, std::uint64_t{1} << 32);
}

TEST(Error, EachHasANameOfItsOwn) {
    std::set<std::string> names;
    for (const Error error :
         {Error::no_frames, Error::no_addresses, Error::list_full, Error::not_mapped, Error::bad_argument,
          Error::already_mapped, Error::denied, Error::beyond_end, Error::io}) {
        EXPECT_TRUE(names.insert(name(error)).second) << name(error);
    }
    EXPECT_STREQ(name(static_cast<Error>(200)), "unknown error");
}

}  // namespace quire
