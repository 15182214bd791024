#include <algorithm>

#include "quire/space/space.hpp"

namespace quire {

Result<void> Space::protect(PageRange range, Rights rights) {
    if (range.empty() || !Machine::kUserPages.contains(range)) return fail(Error::bad_argument);
    Result<void> decoded{};
    list_.visit(range, [&](const RangeNode& node) {
        if (node.is_gap()) {
            decoded = fail(Error::not_mapped);
        } else if (!Rights::from_bits(node.rights >> 4U).include(rights)) {
            decoded = fail(Error::denied);
        }
        return decoded.has_value();
    });
    if (!decoded) return decoded;

    // Only the two ends of the range can split a node: inside it, each assign() below covers whole nodes.
    if (const auto reserved = list_.reserve(); !reserved) return reserved;

    FlushBatch batch(paging_.frames());
    for (Page page = range.first; page < range.end;) {
        const RangeNode& node = list_.at(page);
        const PageRange part{page, std::min(node.pages().end, range.end)};
        RangeTraits traits = node.traits();
        traits.rights = rights;
        list_.assign(part, traits, node.object_page + (page - node.pages().first).value);

        const RangeNode& region = list_.at(page);
        Paging::for_each_occupied(part, [&](Page changed_page, Machine::Slot slot) {
            const Machine::Entry old = slot.load();
            const auto changed = Machine::Entry::make(old.frame(), entry_rights(region, old.frame()));
            if (changed.rights() != old.rights()) batch.weakened(changed_page, slot.exchange(changed));
        });
        page = part.end;
    }
    batch.finish();
    return {};
}

}  // namespace quire
