#include "quire/base/defect.hpp"
#include "quire/space/space.hpp"

namespace quire {

/// Decides where a request goes, without changing anything.
Result<Page> Space::place(const MapRequest& request) const {
    if (request.count.value == 0 || request.count > Machine::kUserPages.count()) return fail(Error::no_addresses);
    if (request.placement != Placement::anywhere) {
        const bool inside =
            Machine::kUserPages.contains(request.at) && Machine::kUserPages.end - request.at >= request.count;
        const bool fixed = request.placement == Placement::fixed || request.placement == Placement::fixed_if_free;
        if (!inside && fixed) return fail(Error::bad_argument);
        if (request.placement == Placement::fixed) return request.at;
        if (inside) {
            const RangeNode& node = list_.at(request.at);
            if (node.is_gap() && node.pages().contains(range_of(request.at, request.count))) return request.at;
        }
        if (fixed) return fail(Error::already_mapped);
    }
    const auto above = list_.first_fit(request.count, mapping_base_);
    return above ? above : list_.first_fit(request.count, Machine::kUserPages.first);
}

Result<Page> Space::map(const MapRequest& request) {
    if (request.traits.kind == RangeKind::gap) return fail(Error::bad_argument);
    if (request.traits.shared && request.traits.object == nullptr) return fail(Error::bad_argument);
    if (!request.traits.allowed.include(request.traits.rights)) return fail(Error::denied);
    const auto first = place(request);
    if (!first) return first;

    if (const auto reserved = list_.reserve(); !reserved) return fail(reserved.error());

    const PageRange range = range_of(*first, request.count);
    // Old entries go before the list says something else about their pages, so that no entry ever outlives its region.
    if (request.placement == Placement::fixed) remove_pages(range);
    list_.assign(range, request.traits, request.object_page);
    return *first;
}

}  // namespace quire
