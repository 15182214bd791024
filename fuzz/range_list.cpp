// The range list against what each page is, one by one.
#include <vector>

#include "fuzz/input.hpp"
#include "tests/unit/support/world.hpp"

using namespace quire;
using fuzz::check;

namespace {

RangeTraits traits_of(unsigned kind) {
    if (kind == 0) return {};
    return {
        .kind = RangeKind::mapped, .rights = Rights::from_bits(static_cast<std::uint8_t>(kind)), .allowed = test::kAll};
}

void compare(const RangeList& list, const std::vector<unsigned>& model) {
    list.check_invariants();
    std::size_t nodes = 0;
    list.visit(list.pages(), [&](const RangeNode& node) {
        ++nodes;
        for (Page page = node.pages().first; page < node.pages().end; page = page + PageCount{1}) {
            check(node.traits() == traits_of(model[(page - list.pages().first).value]));
        }
        return true;
    });
    std::size_t expected = 1;
    for (std::size_t i = 1; i < model.size(); ++i) expected += model[i] != model[i - 1] ? 1U : 0U;
    check(nodes == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kPages = 200;
    const PageRange pages{Page{0x100}, Page{0x100 + kPages}};
    static test::World& world = *new test::World(512);
    const Page window = Machine::kKernelNodes.first + PageCount{512};
    RangeList list(world.paging, range_of(window, PageCount{8}), pages);
    check(list.open().has_value());
    std::vector<unsigned> model(kPages, 0);
    fuzz::Input in(data, size);
    while (!in.empty()) {
        const unsigned verb = in.byte();
        const std::size_t first = in.byte() % kPages;
        const std::size_t count = 1 + in.byte() % (verb % 2 == 0 ? 6 : kPages);
        if (verb % 8 < 6) {
            const std::size_t end = std::min(first + count, kPages);
            const unsigned kind = verb / 8 % 4;
            check(list.reserve().has_value());
            list.assign({pages.first + PageCount{first}, pages.first + PageCount{end}}, traits_of(kind), 0);
            for (std::size_t i = first; i < end; ++i) model[i] = kind;
        } else {
            const auto gap = list.first_fit(PageCount{count}, pages.first + PageCount{first});
            std::size_t length = 0;
            std::size_t at = first;
            for (; at < kPages && length < count; ++at) length = model[at] == 0 ? length + 1 : 0;
            check(gap.has_value() == (length == count));
            if (gap) check((*gap - pages.first).value == at - count);
        }
        if (verb % 16 == 0) compare(list, model);
    }
    compare(list, model);
    list.assign(pages, {}, 0);
    list.close();
    return 0;
}
