#include "kernel/exec/load.hpp"

#include "kernel/cpu/user_copy.hpp"
#include "kernel/exec/file_object.hpp"
#include "kernel/exec/initial_stack.hpp"
#include "kernel/memory/memory.hpp"

namespace quire::kernel {

namespace {

SysResult<void> map_part(Space& space, PageRange pages, const RangeTraits& traits, std::uintptr_t object_page) {
    if (pages.empty()) return {};
    const auto mapped = space.map({.count = pages.count(),
                                   .placement = Placement::fixed,
                                   .at = pages.first,
                                   .traits = traits,
                                   .object_page = object_page});
    if (!mapped) return fail(errno_of(mapped.error()));
    return {};
}

/// The file's part as a private mapping of the file, the rest zero-filled. The bytes behind the file's part in its last
/// page
/// belong to whatever follows in the file: they are cleared, through the ordinary copy-on-write path.
SysResult<void> load_segment(Space& space, const ElfSegment& segment, FileObject& file) {
    constexpr Rights kAny = Rights::read | Rights::write | Rights::execute;
    const bool writable = segment.rights.include(Rights::write);
    RangeTraits traits{.kind = writable ? RangeKind::data : RangeKind::code, .rights = segment.rights, .allowed = kAny};
    const bool from_file = segment.file_end > address_of(segment.pages.first);
    const Page file_pages_end =
        from_file ? VirtualAddress{segment.file_end.value - 1}.page() + PageCount{1} : segment.pages.first;

    if (const auto zero = map_part(space, {file_pages_end, segment.pages.end}, traits, 0); !zero) return zero;
    traits.object = &file;
    if (const auto bytes = map_part(space, {segment.pages.first, file_pages_end}, traits, segment.file_page); !bytes)
        return bytes;

    const std::uintptr_t tail = address_of(file_pages_end).value - segment.file_end.value;
    const bool has_tail = from_file && writable && segment.memory_end > segment.file_end && tail != 0;
    if (has_tail && !clear_user(segment.file_end, tail)) return fail(Errno::enomem);
    return {};
}

}  // namespace

SysResult<StartPoint> load_program(Space& space, const ElfPlan& plan, Inode& inode, const ProgramStrings& strings) {
    FileObject* const file = FileObject::create(inode, strings.path);
    if (file == nullptr) return fail(Errno::enomem);
    file->retain();  // while it is not yet certain that a region shows it
    SysResult<void> loaded{};
    for (const ElfSegment& segment : plan.all()) {
        loaded = load_segment(space, segment, *file);
        if (!loaded) break;
    }
    file->release();
    if (!loaded) return fail(loaded.error());
    space.start_break(address_of((VirtualAddress{plan.end.value - 1}.page()) + PageCount{1}));

    constexpr Rights kStackRights = Rights::read | Rights::write;
    const RangeTraits stack{
        .kind = RangeKind::stack, .rights = kStackRights, .allowed = kStackRights | Rights::execute};
    if (const auto mapped = map_part(space, {kStackEnd - kStackPages, kStackEnd}, stack, 0); !mapped)
        return fail(mapped.error());
    const auto pointer = build_initial_stack(address_of(kStackEnd), plan, strings);
    if (!pointer) return fail(pointer.error());
    return StartPoint{.entry = plan.entry, .stack_pointer = *pointer};
}

}  // namespace quire::kernel
