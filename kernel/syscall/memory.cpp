#include <sys/mman.h>

#include "kernel/cpu/user_copy.hpp"
#include "kernel/exec/file_object.hpp"
#include "kernel/process/process.hpp"
#include "kernel/syscall/calls.hpp"
#include "quire/base/checked.hpp"

namespace quire::kernel::calls {

namespace {

constexpr std::uint32_t kDone = 0;

struct MapCall {
    VirtualAddress address;
    std::size_t bytes;
    std::uint32_t protection;
    std::uint32_t flags;
    std::uint32_t descriptor;
    std::uint64_t offset_pages;
};

/// What PROT_… grants on i386: what may be written or executed can be read.
Rights rights_of(std::uint32_t protection) {
    Rights rights{};
    if ((protection & (PROT_READ | PROT_WRITE | PROT_EXEC)) != 0) rights = Rights::read;
    if ((protection & PROT_WRITE) != 0) rights = rights | Rights::write;
    if ((protection & PROT_EXEC) != 0) rights = rights | Rights::execute;
    return rights;
}

/// The page range of a call that takes an aligned address and a length: mmap(2), munmap(2), mprotect(2).
SysResult<PageRange> range_of_call(std::uint32_t address, std::uint32_t bytes) {
    const VirtualAddress start{address};
    if (!start.page_aligned()) return fail(Errno::einval);
    const auto pages = pages_covering(start, bytes);
    if (!pages) return fail(Errno::einval);
    return *pages;
}

Placement placement_of(const MapCall& call) {
    if ((call.flags & MAP_FIXED_NOREPLACE) != 0) return Placement::fixed_if_free;
    if ((call.flags & MAP_FIXED) != 0) return Placement::fixed;
    return call.address.value == 0 ? Placement::anywhere : Placement::preferred;
}

/// The object that backs a file mapping, with what it may grant at most.
SysResult<MemoryObject*> object_of(const MapCall& call, RangeTraits& traits) {
    const auto file = current_process().files.get(call.descriptor);
    if (!file) return fail(file.error());
    Inode* const inode = (*file)->inode();
    if (inode == nullptr || inode->kind() != InodeKind::regular) return fail(Errno::enodev);
    if (!(*file)->may_read()) return fail(Errno::eacces);
    if (traits.shared && !(*file)->may_write()) {
        if (traits.rights.include(Rights::write)) return fail(Errno::eacces);
        traits.allowed = traits.allowed.without(Rights::write);
    }
    FileObject* const object = FileObject::create(*inode, "file");
    if (object == nullptr) return fail(Errno::enomem);
    return object;
}

/// Each page gets what an access would give it, up to the first that cannot be had: MADV_POPULATE_READ, MADV_POPULATE_WRITE.
CallResult populate(PageRange range, Access access) {
    for (Page page = range.first; page < range.end; page = page + PageCount{1}) {
        const auto kind = current_process().space.handle_fault(address_of(page), access);
        if (kind) continue;
        switch (kind.error()) {
            case Error::denied: return fail(Errno::einval);
            case Error::beyond_end:
            case Error::io: return fail(Errno::efault);
            default: return fail(errno_of(kind.error()));
        }
    }
    return kDone;
}

CallResult map(const MapCall& call) {
    const std::uint32_t type = call.flags & MAP_TYPE;
    if (call.bytes == 0 || (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE))
        return fail(Errno::einval);
    const bool fixed = (call.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
    if (fixed && !call.address.page_aligned()) return fail(Errno::einval);
    MapRequest request;
    request.count = pages_for(call.bytes);
    request.at = call.address.page();
    if (fixed && request.at < Machine::kUserPages.first) return fail(Errno::eperm);  // mmap_min_addr
    request.placement = placement_of(call);
    request.traits = {.kind = RangeKind::mapped,
                      .rights = rights_of(call.protection),
                      .allowed = Rights::read | Rights::write | Rights::execute};
    if ((call.flags & MAP_ANONYMOUS) == 0) {
        if (call.offset_pages + request.count.value > (std::uint64_t{1} << 32U)) return fail(Errno::eoverflow);
        request.traits.shared = type != MAP_PRIVATE;
        const auto object = object_of(call, request.traits);
        if (!object) return fail(object.error());
        request.traits.object = *object;
        request.object_page = static_cast<std::uintptr_t>(call.offset_pages);
    }
    // Without fork nobody can share an anonymous mapping: shared and private are the same.
    MemoryObject* const object = request.traits.object;
    if (object != nullptr) object->retain();
    const auto first = current_process().space.map(request);
    if (object != nullptr) object->release();
    if (!first) {
        const bool outside = first.error() == Error::bad_argument || first.error() == Error::no_addresses;
        return fail(outside ? Errno::enomem : errno_of(first.error()));
    }
    if ((call.flags & MAP_POPULATE) != 0) {
        // It promises nothing: what cannot be had now comes by a fault later.
        const bool writable = request.traits.rights.include(Rights::write);
        (void)populate(range_of(*first, request.count), writable ? Access::write : Access::read);
    }
    return static_cast<std::uint32_t>(address_of(*first).value);
}

}  // namespace

CallResult brk(const Arguments& arguments) {
    Space& space = current_process().space;
    // A break that cannot be had is answered with the old one, not with an error (brk(2), "C library/kernel
    // differences").
    if (arguments.a != 0 && !space.set_break({arguments.a}))
        return static_cast<std::uint32_t>(space.current_break().value);
    return static_cast<std::uint32_t>(space.current_break().value);
}

CallResult mmap2(const Arguments& arguments) {
    return map({{arguments.a}, arguments.b, arguments.c, arguments.d, arguments.e, arguments.f});
}

CallResult old_mmap(const Arguments& arguments) {
    const auto call = load_user<Arguments>({arguments.a});
    if (!call) return fail(Errno::efault);
    if ((call->f & kPageOffsetMask) != 0) return fail(Errno::einval);
    return map({{call->a}, call->b, call->c, call->d, call->e, call->f >> kPageShift});
}

CallResult munmap(const Arguments& arguments) {
    const auto range = range_of_call(arguments.a, arguments.b);
    if (!range) return fail(range.error());
    const auto unmapped = current_process().space.unmap(*range);
    if (!unmapped) return fail(errno_of(unmapped.error()));
    return kDone;
}

CallResult mprotect(const Arguments& arguments) {
    constexpr std::uint32_t kKnown = PROT_READ | PROT_WRITE | PROT_EXEC;
    if ((arguments.c & ~kKnown) != 0) return fail(Errno::einval);
    const auto range = range_of_call(arguments.a, arguments.b);
    if (!range) return fail(range.error());
    if (range->empty()) return kDone;
    const auto changed = current_process().space.protect(*range, rights_of(arguments.c));
    if (!changed) return fail(changed.error() == Error::bad_argument ? Errno::enomem : errno_of(changed.error()));
    return kDone;
}

CallResult madvise(const Arguments& arguments) {
    const auto range = range_of_call(arguments.a, arguments.b);
    if (!range) return fail(range.error());
    if (range->empty()) return kDone;
    switch (arguments.c) {
        case MADV_DONTNEED: {
            const auto done = current_process().space.discard(*range);
            if (!done) return fail(errno_of(done.error()));
            return kDone;
        }
        case MADV_POPULATE_READ: return populate(*range, Access::read);
        case MADV_POPULATE_WRITE: return populate(*range, Access::write);
        case MADV_NORMAL:
        case MADV_RANDOM:
        case MADV_SEQUENTIAL:
        case MADV_WILLNEED:
        case MADV_HUGEPAGE:
        case MADV_NOHUGEPAGE: return kDone;   // hints
        default: return fail(Errno::einval);  // MADV_FREE included: callers fall back to MADV_DONTNEED
    }
}

/// A byte for each page: does it show a frame?
CallResult mincore(const Arguments& arguments) {
    const VirtualAddress start{arguments.a};
    if (!start.page_aligned()) return fail(Errno::einval);
    const auto range = pages_covering(start, arguments.b);
    if (!range) return fail(Errno::enomem);
    if (range->empty()) return kDone;
    if (!Machine::kUserPages.contains(*range)) return fail(Errno::enomem);
    const RangeList& list = current_process().space.list();
    VirtualAddress answer{arguments.c};
    for (Page page = range->first; page < range->end; page = page + PageCount{1}) {
        if (list.at(page).is_gap()) return fail(Errno::enomem);
        const bool shown = Machine::has_table(page) && Machine::slot(page).load().occupied();
        if (!store_user(answer, static_cast<std::uint8_t>(shown ? 1 : 0))) return fail(Errno::efault);
        ++answer.value;
    }
    return kDone;
}

/// msync, mlock, munlock: nothing is ever written back or paged out, so only the range is checked.
CallResult accept_range(const Arguments& arguments) {
    const VirtualAddress start{align_down(arguments.a, kPageSize)};
    const auto end = checked_add(arguments.a, arguments.b);
    if (!end) return fail(Errno::einval);
    const auto range = pages_covering(start, *end - start.value);
    if (!range) return fail(Errno::einval);
    if (range->empty()) return kDone;
    if (!Machine::kUserPages.contains(*range)) return fail(Errno::enomem);
    bool whole = true;
    current_process().space.list().visit(*range, [&](const RangeNode& node) { return whole = !node.is_gap(); });
    if (!whole) return fail(Errno::enomem);
    return kDone;
}

}  // namespace quire::kernel::calls
