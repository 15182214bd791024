// Addresses that were never entered, at both ends and outside of the range, in a map of a range and in one from zero.
#include "quire/heap/address_map.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "tests/unit/support/test_spans.hpp"

namespace quire {
namespace {

using test::TestSpans;

template <bool FromZero>
void look_everywhere(PageRange range) {
    using Map = AddressMap<int, 14, 8, 512, FromZero>;  // units of four pages; a leaf for each 2048 of them
    TestSpans spans;
    const auto root = std::make_unique<typename Map::Root>();
    Map map(range, *root);
    const auto address = [](Page page) { return reinterpret_cast<const void*>(address_of(page).value); };
    const Page outside = range.first + PageCount{Map::kMaxPages};
    for (const Page page : {range.first, range.end, outside, Page{0}, Page{~std::uintptr_t{0} >> kPageShift}})
        EXPECT_EQ(map.find(address(page)), nullptr);

    int first = 1;
    int second = 2;
    // Across the end of a leaf.
    const PageRange low = range_of(range.first + PageCount{2040}, PageCount{16});
    ASSERT_TRUE(map.prepare(low, spans));
    map.set(low, &first);
    EXPECT_EQ(map.own_pages().value, spans.pages);
    const PageRange last{range.end - PageCount{4}, range.end};
    ASSERT_TRUE(map.prepare(last, spans));
    map.set(last, &second);
    EXPECT_EQ(map.own_pages().value, spans.pages);
    for (Page page = range.first; page < range.end; page = page + PageCount{1}) {
        int* const expected = low.contains(page) ? &first : last.contains(page) ? &second : nullptr;
        ASSERT_EQ(map.find(address(page)), expected) << "page " << page.number - range.first.number;
    }
    EXPECT_EQ(map.find(address(outside)), nullptr);
    map.set(low, nullptr);
    EXPECT_EQ(map.find(address(low.first)), nullptr);
    EXPECT_FALSE(map.prepare(PageRange{range.end, range.end + PageCount{4}}, spans)) << "not of the range";
    spans.fail_at = spans.calls + 1;
    EXPECT_FALSE(map.prepare(range_of(range.first + PageCount{2 * 2048}, PageCount{4}), spans)) << "no memory";
}

TEST(AddressMap, OfARange) {
    look_everywhere<false>(range_of(Page{0xC0400}, PageCount{8000}));
}

TEST(AddressMap, FromZero) {
    look_everywhere<true>(range_of(Page{0}, PageCount{8000}));
}

}  // namespace
}  // namespace quire
