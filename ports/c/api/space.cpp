// Objects and spaces.
#include "ports/c/api/instance.hpp"

using namespace quire;
using c::code;
using c::inside;
using c::instance;

namespace {

class CallerObject final : public MemoryObject {
public:
    CallerObject(const quire_object_functions& functions, void* context) : functions_(functions), context_(context) {}
    Result<Frame> page(std::uintptr_t index) override {
        quire_frame frame = 0;
        const quire_error error = functions_.page(context_, index, &frame);
        if (error != QUIRE_OK) return fail(static_cast<Error>(error - 1));
        return Frame{frame};
    }
    const char* name() const override { return "object"; }

private:
    void last_reference_gone() override {
        if (functions_.last_reference_gone != nullptr) functions_.last_reference_gone(context_);
    }
    const quire_object_functions& functions_;
    void* context_;
};

/// Rights of a region: what no processor can do (writing without reading) is no such set.
bool is_region_rights(std::uint8_t bits) {
    const Rights rights = Rights::from_bits(bits);
    return (bits & ~7U) == 0 && (rights.empty() || rights.include(Rights::read));
}

/// Nothing for numbers that wrap round, or are more than user space has: no range then, which every verb refuses.
PageRange user_range(quire_page first, std::size_t pages) {
    if (pages > Machine::kUserPages.count().value || first > Machine::kUserPages.end.number) return {};
    return range_of(Page{first}, PageCount{pages});
}

}  // namespace

void quire_object_init(quire_object* object, const quire_object_functions* functions, void* context) {
    new (object) CallerObject(*functions, context);
}

void quire_object_retain(quire_object* object) {
    inside<CallerObject>(object).retain();
}

void quire_object_release(quire_object* object) {
    inside<CallerObject>(object).release();
}

void quire_space_init(quire_space* space, quire_page mapping_base) {
    new (space) Space(instance().paging, instance().zero_frame, Page{mapping_base});
}

quire_error quire_space_create(quire_space* space) {
    return code(inside<Space>(space).create());
}

quire_frame quire_space_directory(const quire_space* space) {
    return inside<Space>(space).directory().number;
}

void quire_space_activate(const quire_space* space) {
    Machine::activate(inside<Space>(space).directory());
}

quire_error quire_space_open(quire_space* space) {
    return code(inside<Space>(space).open());
}

quire_error quire_space_map(quire_space* space, const quire_map* request, quire_page* first) {
    if (!is_region_rights(request->rights) || !is_region_rights(request->allowed)) return QUIRE_BAD_ARGUMENT;
    MapRequest wanted;
    wanted.count = PageCount{request->pages};
    wanted.placement = static_cast<Placement>(request->placement);
    wanted.at = Page{request->at};
    wanted.traits = {.kind = RangeKind::mapped,
                     .rights = Rights::from_bits(request->rights),
                     .allowed = Rights::from_bits(request->allowed),
                     .shared = request->shared,
                     .object = request->object == nullptr ? nullptr : &inside<CallerObject>(request->object)};
    wanted.object_page = request->object_page;
    const auto mapped = inside<Space>(space).map(wanted);
    if (!mapped) return code(mapped.error());
    if (first != nullptr) *first = mapped->number;
    return QUIRE_OK;
}

quire_error quire_space_unmap(quire_space* space, quire_page first, std::size_t pages) {
    return code(inside<Space>(space).unmap(user_range(first, pages)));
}

quire_error quire_space_protect(quire_space* space, quire_page first, std::size_t pages, std::uint8_t rights) {
    if (!is_region_rights(rights)) return QUIRE_BAD_ARGUMENT;
    return code(inside<Space>(space).protect(user_range(first, pages), Rights::from_bits(rights)));
}

quire_error quire_space_discard(quire_space* space, quire_page first, std::size_t pages) {
    return code(inside<Space>(space).discard(user_range(first, pages)));
}

void quire_space_start_break(quire_space* space, std::uintptr_t address) {
    inside<Space>(space).start_break({address});
}

quire_error quire_space_set_break(quire_space* space, std::uintptr_t address) {
    return code(inside<Space>(space).set_break({address}));
}

std::uintptr_t quire_space_break(const quire_space* space) {
    return inside<Space>(space).current_break().value;
}

quire_error quire_space_fault(quire_space* space, std::uintptr_t address, quire_access access, quire_fault* kind) {
    const auto resolved = inside<Space>(space).handle_fault({address}, static_cast<Access>(access));
    if (!resolved) return code(resolved.error());
    if (kind != nullptr) *kind = static_cast<quire_fault>(*resolved);
    return QUIRE_OK;
}

quire_error quire_space_fork(quire_space* space, quire_space* child) {
    return code(inside<Space>(space).fork(inside<Space>(child)));
}

quire_space_counts quire_space_statistics(const quire_space* space) {
    const SpaceStatistics now = inside<Space>(space).statistics();
    quire_space_counts result{now.resident.value, now.allocated.value, {}};
    for (std::size_t kind = 0; kind < kFaultKinds; ++kind) result.faults[kind] = now.faults[kind];
    return result;
}

void quire_space_close(quire_space* space) {
    inside<Space>(space).close();
}

void quire_space_destroy(quire_space* space) {
    inside<Space>(space).destroy();
}
