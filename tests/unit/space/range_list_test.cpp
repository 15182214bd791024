#include "quire/space/range_list.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/unit/support/world.hpp"

namespace quire::test {
namespace {

/// The obviously correct model: what each page is.
struct Model {
    explicit Model(PageRange range) : pages(range), kinds(range.count().value, 0) {}
    PageRange pages;
    std::vector<int> kinds;  ///< 0: gap; else 1 + the rights' bits

    [[nodiscard]] int& at(Page page) { return kinds[(page - pages.first).value]; }
    [[nodiscard]] std::optional<Page> first_fit(std::size_t count, Page from) const {
        std::size_t length = 0;
        for (std::size_t i = (from - pages.first).value; i < kinds.size(); ++i) {
            length = kinds[i] == 0 ? length + 1 : 0;
            if (length == count) return Page{pages.first.number + i + 1 - count};
        }
        return std::nullopt;
    }
    [[nodiscard]] std::size_t ranges() const {
        std::size_t count = 1;
        for (std::size_t i = 1; i < kinds.size(); ++i) count += kinds[i] != kinds[i - 1] ? 1 : 0;
        return count;
    }
};

RangeTraits traits_of(int kind) {
    if (kind == 0) return {};
    return {
        .kind = RangeKind::mapped, .rights = Rights::from_bits(static_cast<std::uint8_t>(kind - 1)), .allowed = kAll};
}

void compare(const RangeList& list, Model& model) {
    list.check_invariants();
    std::size_t nodes = 0;
    list.visit(model.pages, [&](const RangeNode& node) {
        ++nodes;
        for (Page page = node.pages().first; page < node.pages().end; page = page + PageCount{1}) {
            EXPECT_EQ(node.traits(), traits_of(model.at(page))) << "page " << page.number;
        }
        return true;
    });
    EXPECT_EQ(nodes, model.ranges()) << "equal neighbours are one node";
    EXPECT_EQ(nodes, list.nodes().used());
}

/// A list over `pages` pages of its own, in the kernel nodes' window of a fresh world.
struct ListWorld {
    explicit ListWorld(std::size_t count, std::size_t window_pages = 64)
        : pages{Page{0x100}, Page{0x100 + count}},
          list(world.paging,
               {Machine::kKernelNodes.first + PageCount{512},
                Machine::kKernelNodes.first + PageCount{512 + window_pages}},
               pages) {
        EXPECT_TRUE(list.open());
    }
    ~ListWorld() {
        list.assign(pages, {}, 0);
        list.close();
    }
    World world;
    PageRange pages;
    RangeList list;
};

TEST(RangeList, EverySequenceInASmallUniverse) {
    // All ways to do three assigns in a universe of four pages with three kinds of range: 90^3 sequences are many, so
    // the first
    // two are exhaustive and the third is drawn.
    constexpr std::size_t kPages = 4;
    struct Step {
        std::size_t first;
        std::size_t end;
        int kind;
    };
    std::vector<Step> steps;
    for (std::size_t first = 0; first < kPages; ++first) {
        for (std::size_t end = first + 1; end <= kPages; ++end) {
            for (const int kind : {0, 2, 4}) steps.push_back({first, end, kind});
        }
    }
    ListWorld w(kPages);
    std::mt19937 random(1);
    for (const Step& one : steps) {
        for (const Step& two : steps) {
            Model model(w.pages);
            for (const Step& step : {one, two, steps[random() % steps.size()]}) {
                const PageRange range{w.pages.first + PageCount{step.first}, w.pages.first + PageCount{step.end}};
                ASSERT_TRUE(w.list.reserve());
                w.list.assign(range, traits_of(step.kind), 0);
                for (Page page = range.first; page < range.end; page = page + PageCount{1}) model.at(page) = step.kind;
                compare(w.list, model);
            }
            ASSERT_TRUE(w.list.reserve());
            w.list.assign(w.pages, {}, 0);
        }
    }
}

TEST(RangeList, AgreesWithAModelOfEveryPage) {
    for (unsigned seed = 1; seed <= 8; ++seed) {
        ListWorld w(2000);
        Model model(w.pages);
        std::mt19937 random(seed);
        for (int step = 0; step < 3000; ++step) {
            const std::size_t first = random() % 2000;
            const std::size_t end = first + 1 + random() % std::min<std::size_t>(2000 - first, 1 + random() % 200);
            const int kind = random() % 2 == 0 ? 0 : static_cast<int>(1 + random() % 4);
            const PageRange range{w.pages.first + PageCount{first}, w.pages.first + PageCount{end}};
            ASSERT_TRUE(w.list.reserve());
            w.list.assign(range, traits_of(kind), 0);
            for (Page page = range.first; page < range.end; page = page + PageCount{1}) model.at(page) = kind;

            const std::size_t count = 1 + random() % 100;
            const Page from = w.pages.first + PageCount{random() % 2000};
            const auto found = w.list.first_fit(PageCount{count}, from);
            const auto expected = model.first_fit(count, from);
            ASSERT_EQ(found.has_value(), expected.has_value());
            if (found) ASSERT_EQ(*found, *expected);
            if (step % 50 == 0) compare(w.list, model);
        }
        compare(w.list, model);
    }
}

TEST(RangeList, IsBoundedByItsWindow) {
    ListWorld w(4000, 2);  // two pages of nodes
    const std::size_t capacity = w.list.nodes().capacity();
    for (std::size_t i = 0; i + 1 < 4000; i += 2) {
        const Page page = w.pages.first + PageCount{i};
        if (const auto reserved = w.list.reserve(); !reserved) {
            EXPECT_EQ(reserved.error(), Error::list_full);
            break;
        }
        w.list.assign({page, page + PageCount{1}}, traits_of(3), 0);
    }
    EXPECT_GE(w.list.nodes().used() + 2, capacity);
    EXPECT_EQ(w.list.nodes().committed().value, 2U);
    w.list.check_invariants();
    // What is full still works where it needs no node.
    w.list.assign(w.pages, {}, 0);
    EXPECT_EQ(w.list.nodes().used(), 1U);
}

TEST(RangeList, CountsReferencesToObjects) {
    World world;
    {
        TestObject object(world, 4);
        const PageRange pages{Page{0x100}, Page{0x200}};
        RangeList list(world.paging,
                       {Machine::kKernelNodes.first + PageCount{512}, Machine::kKernelNodes.first + PageCount{520}},
                       pages);
        ASSERT_TRUE(list.open());
        const RangeTraits traits{.kind = RangeKind::mapped, .rights = Rights::read, .allowed = kAll, .object = &object};
        ASSERT_TRUE(list.reserve(8));
        list.assign({Page{0x110}, Page{0x120}}, traits, 3);
        list.assign({Page{0x114}, Page{0x116}}, {}, 0);  // splits it: two nodes show the object
        EXPECT_EQ(list.at(Page{0x118}).object_page, 9U);
        list.assign({Page{0x114}, Page{0x116}}, traits, 7);  // and joins it again
        EXPECT_EQ(list.at(Page{0x118}).pages(), (PageRange{Page{0x110}, Page{0x120}}));
        list.assign({Page{0x120}, Page{0x121}}, traits, 99);  // not the next page of the object: stays apart
        EXPECT_EQ(list.at(Page{0x120}).pages().count().value, 1U);
        EXPECT_FALSE(object.gone);
        list.assign(pages, {}, 0);
        EXPECT_TRUE(object.gone);
        list.close();
    }
}

TEST(RangeListDeath, NodesMustBeReserved) {
    World world;
    EXPECT_DEATH(
        {
            NodePool pool(world.paging,
                          {Machine::kKernelNodes.first + PageCount{512}, Machine::kKernelNodes.first + PageCount{520}});
            (void)pool.take();
        },
        "I9: a range node was taken that was not reserved");
}

}  // namespace
}  // namespace quire::test
