#include "quire/base/checked.hpp"
#include "quire/space/space.hpp"

namespace quire {

namespace {
constexpr Rights kData = Rights::read | Rights::write;
}

Result<void> Space::set_break(VirtualAddress end) {
    if (end < break_start_ || end > address_of(Machine::kUserPages.end)) return fail(Error::bad_argument);
    const Page start = break_start_.page();
    const Page old_end = start + pages_for(break_.value - break_start_.value);
    const Page new_end = start + pages_for(end.value - break_start_.value);
    if (new_end < old_end) {
        if (const auto shrunk = unmap({new_end, old_end}); !shrunk) return shrunk;
    } else if (old_end < new_end) {
        MapRequest request;
        request.count = new_end - old_end;
        request.placement = Placement::fixed_if_free;
        request.at = old_end;
        request.traits = {.kind = RangeKind::heap, .rights = kData, .allowed = kData | Rights::execute};
        if (const auto grown = map(request); !grown) {
            return fail(grown.error() == Error::already_mapped ? Error::no_addresses : grown.error());
        }
    }
    break_ = end;
    return {};
}

}  // namespace quire
