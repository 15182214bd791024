// The range list against what each page is, one by one: regions with and without objects, united and kept apart, guards, in a node
// window that fills up and in memory that runs out.
#include <algorithm>
#include <array>
#include <vector>

#include "fuzz/input.hpp"
#include "tests/unit/support/world.hpp"

using namespace quire;
using fuzz::check;

namespace {

constexpr std::size_t kPages = 200;
constexpr PageRange kRange{Page{0x100}, Page{0x100 + kPages}};
constexpr PageCount kWindow{2};

struct Object final : MemoryObject {
    Result<Frame> page(std::uintptr_t) override { return quire::fail(Error::io); }
    const char* name() const override { return "object"; }
    void last_reference_gone() override { ++gone; }
    std::size_t gone = 0;
};

struct Cell {
    RangeTraits traits;
    std::uintptr_t value = 0;  ///< page of the object; without one: the guard, where a node begins
    bool begins = false;
};

struct Model {
    std::array<Cell, kPages> cells{};

    Model() { cells[0].begins = true; }
    void join(std::size_t at) {
        if (at == 0 || at == kPages) return;
        const Cell& left = cells[at - 1];
        Cell& right = cells[at];
        const bool has_object = right.traits.object != nullptr;
        if (left.traits != right.traits || (has_object && left.value + 1 != right.value)) return;
        right.begins = false;
        if (!has_object) right.value = 0;
    }
    void assign(std::size_t first, std::size_t end, const RangeTraits& traits, std::uintptr_t page, Merge merge) {
        const bool gap = traits.kind == RangeKind::gap;
        if (gap && std::all_of(&cells[first], &cells[first] + (end - first),
                               [&](const Cell& cell) { return cell.traits == traits; }))
            return;
        if (end != kPages) cells[end].begins = true;
        for (std::size_t i = first; i < end; ++i)
            cells[i] = {traits, traits.object == nullptr ? 0 : page + (i - first), i == first};
        if (merge == Merge::no && !gap) return;
        join(end);
        join(first);
    }
    [[nodiscard]] std::size_t nodes_of(const MemoryObject* object) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            cells, [&](const Cell& cell) { return cell.begins && cell.traits.object == object; }));
    }
    [[nodiscard]] std::size_t end_of(std::size_t first) const {
        while (++first < kPages && !cells[first].begins) continue;
        return first;
    }
};

bool same(const RangeNode& node, const Model& model) {
    const std::size_t first = (node.pages().first - kRange.first).value;
    const Cell& cell = model.cells[first];
    return cell.begins && node.traits() == cell.traits && node.object_page == cell.value &&
           model.end_of(first) == first + node.count;
}

void compare(const RangeList& list, const Model& model) {
    list.check_invariants();
    std::size_t nodes = 0;
    list.visit(kRange, [&](const RangeNode& node) {
        ++nodes;
        check(same(node, model));
        return true;
    });
    check(nodes == list.nodes().used());
    check(nodes == static_cast<std::size_t>(std::ranges::count(model.cells, true, &Cell::begins)));
}

test::World& world_with_tables() {
    test::World& world = *new test::World(64);
    RangeList first(world.paging, range_of(Machine::kKernelNodes.first + PageCount{512}, kWindow), kRange);
    check(first.open().has_value());
    first.close();
    return world;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static test::World& world = world_with_tables();
    const std::size_t free = world.free();
    RangeList list(world.paging, range_of(Machine::kKernelNodes.first + PageCount{512}, kWindow), kRange);
    check(list.open().has_value());
    std::array<Object, 2> objects;
    const std::array<RangeTraits, 6> kinds{{
        {},
        {.kind = RangeKind::mapped, .rights = Rights::read, .allowed = test::kAll},
        {.kind = RangeKind::mapped, .rights = test::kReadWrite, .allowed = test::kAll},
        {.kind = RangeKind::mapped, .rights = Rights::read, .allowed = test::kAll, .object = &objects[0]},
        {.kind = RangeKind::mapped,
         .rights = Rights::read,
         .allowed = test::kAll,
         .shared = true,
         .object = &objects[0]},
        {.kind = RangeKind::mapped, .rights = Rights::read, .allowed = test::kAll, .object = &objects[1]},
    }};
    Model model;
    const auto assign = [&](std::size_t first, std::size_t end, const RangeTraits& traits, std::uintptr_t object_page,
                            Merge merge) {
        if (const auto reserved = list.reserve(); !reserved) {
            const bool full = list.nodes().committed() == kWindow;
            check(reserved.error() == (full ? Error::list_full : Error::no_frames));
            check(list.nodes().free() < RangeList::kNodesPerAssign && (full || world.free() == 0));
            return;
        }
        check(list.nodes().committed() <= kWindow);
        std::array<std::size_t, 2> nodes_before{};
        std::array<std::size_t, 2> gone_before{};
        for (std::size_t i = 0; i < objects.size(); ++i) {
            nodes_before[i] = model.nodes_of(&objects[i]);
            gone_before[i] = objects[i].gone;
        }
        list.assign({kRange.first + PageCount{first}, kRange.first + PageCount{end}}, traits, object_page, merge);
        model.assign(first, end, traits, object_page, merge);
        for (std::size_t i = 0; i < objects.size(); ++i) {
            const bool goes = nodes_before[i] != 0 && model.nodes_of(&objects[i]) == 0;
            check(objects[i].gone == gone_before[i] + (goes ? 1U : 0U));
        }
    };
    fuzz::Input in(data, size);
    while (!in.empty()) {
        const unsigned verb = in.byte();
        const std::size_t first = in.byte() % kPages;
        const std::size_t count = 1 + in.byte() % (verb % 2 == 0 ? 6 : kPages + 5);
        const Page page = kRange.first + PageCount{first};
        if (verb % 16 < 11) {
            const Merge merge = verb % 16 < 8 ? Merge::yes : Merge::no;
            // Often in step with the page, so that neighbours follow.
            const std::uintptr_t object_page = verb % 3 == 0 ? in.byte() : 1000 + first;
            assign(first, std::min(first + count, kPages), kinds[verb / 16 % kinds.size()], object_page, merge);
        } else if (verb % 16 == 11) {
            const RangeNode& node = list.at(page);
            if (node.is_gap() || node.object != nullptr) continue;
            list.set_guard(page, PageCount{count});
            model.cells[(node.pages().first - kRange.first).value].value = count;
        } else if (verb % 16 == 12) {
            if (world.taken.empty()) {
                world.leave(first % 2);
            } else {
                world.give_all();
            }
        } else if (verb % 16 == 14) {
            check(list.at(page).pages().contains(page) && same(list.at(page), model));
        } else if (verb % 16 == 13) {
            // Every page another region: this fills the window.
            for (std::size_t i = first; i < std::min(first + count, kPages); ++i)
                assign(i, i + 1, kinds[1 + i % 2], 0, Merge::yes);
        } else {
            const auto gap = list.first_fit(PageCount{count}, page);
            std::size_t length = 0;
            std::size_t at = first;
            for (; at < kPages && length < count; ++at)
                length = model.cells[at].traits.kind == RangeKind::gap ? length + 1 : 0;
            check(gap.has_value() == (length == count));
            if (gap) check((*gap - kRange.first).value == at - count);
        }
        if (verb % 32 == 0) compare(list, model);
    }
    compare(list, model);
    list.assign(kRange, {}, 0);
    list.close();
    world.give_all();
    check(world.free() == free);
    return 0;
}
