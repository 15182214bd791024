#include "quire/space/space.hpp"

namespace quire {

Result<void> Space::unmap(PageRange range) {
    if (range.empty() || !Machine::kUserPages.contains(range)) return fail(Error::bad_argument);
    if (const auto reserved = list_.reserve(); !reserved) return reserved;
    remove_pages(range);
    list_.assign(range, RangeTraits{}, 0);
    remove_empty_tables(range);
    return {};
}

Result<void> Space::discard(PageRange range) {
    if (range.empty() || !Machine::kUserPages.contains(range)) return fail(Error::bad_argument);
    bool whole = true;
    list_.visit(range, [&](const RangeNode& node) { return whole = !node.is_gap(); });
    if (!whole) return fail(Error::not_mapped);
    remove_pages(range);
    return {};
}

}  // namespace quire
