#include "quire/space/kernel_space.hpp"

#include "quire/base/checked.hpp"
#include "quire/base/defect.hpp"

namespace quire {

namespace {
/// A span's node begins at its guard; how long that is stands in `object_page`, which a span has no other use for.
Page first_committed(const RangeNode& span) {
    return Page{span.first + span.object_page};
}
}  // namespace

Result<void> KernelSpace::open() {
    const Guard guard(lock_);
    return list_.open();
}

/// Finds addresses for a request and makes sure that entering it cannot fail.
Result<Page> KernelSpace::place_locked(const SpanRequest& request) {
    const PageCount all = list_.pages().count();
    if (request.count.value == 0 || !is_power_of_two(request.alignment.value)) return fail(Error::bad_argument);
    if (request.count > all || request.guard > all || request.alignment > all) return fail(Error::no_addresses);
    // Large enough that an aligned span with its guard fits in wherever the gap begins.
    const PageCount slack = request.alignment - PageCount{1};
    const auto gap = list_.first_fit(request.guard + request.count + slack, list_.pages().first);
    if (!gap) return gap;
    if (const auto reserved = list_.reserve(); !reserved) return fail(reserved.error());
    const std::uintptr_t mask = request.alignment.value - 1;
    return Page{((*gap + request.guard).number + mask) & ~mask};
}

void KernelSpace::enter_locked(PageRange committed, PageCount guard, Rights rights) {
    const RangeTraits traits{.kind = RangeKind::span, .rights = rights, .allowed = rights};
    list_.assign({committed.first - guard, committed.end}, traits, 0, Merge::no);
    list_.set_guard(committed.first - guard, guard);
    committed_ += committed.count();
}

Result<Page> KernelSpace::acquire(const SpanRequest& request) {
    const Guard guard(lock_);
    const auto first = place_locked(request);
    if (!first) return first;
    const PageRange span = range_of(*first, request.count);
    if (const auto mapped = paging_.map_new(span); !mapped) return fail(mapped.error());
    enter_locked(span, request.guard, Rights::read | Rights::write);
    return first;
}

Result<Page> KernelSpace::show(FrameRange frames, Rights rights) {
    const Guard guard(lock_);
    const auto first = place_locked({.count = PageCount{frames.count().value}});
    if (!first) return first;
    const PageRange span = range_of(*first, PageCount{frames.count().value});
    if (const auto mapped = paging_.map_frames(span, frames.first, rights); !mapped) return fail(mapped.error());
    enter_locked(span, PageCount{0}, rights);
    return first;
}

void KernelSpace::release(Page first) {
    const Guard guard(lock_);
    require(list_.pages().contains(first), "a span outside kernel space was released");
    const RangeNode& span = list_.at(first);
    require(span.kind == RangeKind::span && first_committed(span) == first, "something that is no span was released");
    const PageRange all = span.pages();
    paging_.unmap({first, all.end});
    committed_ -= all.end - first;
    list_.assign(all, RangeTraits{}, 0);
}

PageCount KernelSpace::committed() const {
    const Guard guard(lock_);
    return committed_;
}

bool KernelSpace::is_guard(Page page) const {
    if (!list_.is_open() || !list_.pages().contains(page)) return false;
    const RangeNode& node = list_.at(page);
    return node.kind == RangeKind::span && page < first_committed(node);
}

void KernelSpace::check_invariants() const {
    const Guard guard(lock_);
    list_.check_invariants();
    PageCount mapped{};
    Paging::for_each_occupied(list_.pages(), [&](Page page, Machine::Slot slot) {
        const RangeNode& node = list_.at(page);
        const Rights rights = slot.load().rights();
        require(node.kind == RangeKind::span && page >= first_committed(node),
                "I17: a kernel page is mapped outside all spans");
        require((rights.without(Rights::execute)) == node.granted(), "I17: a span's page has other rights");
        mapped += PageCount{1};
    });
    require(mapped == committed_, "I17: committed kernel pages have drifted");
}

}  // namespace quire
