#pragma once
/// The porting contract: what a machine must supply so that the library can run on it. This header is the
/// specification, the tutorial and the check list in one. A port is a folder with `include/quire_port.hpp` that defines
/// the class `quire::port::Machine`; it is chosen by the include path, so that everything here is inlined.
/// ports/i386 is the real machine, ports/hosted the one inside a process. The concept below checks a port
/// at compile time; the prose says what a compiler cannot check.
///
/// THE PICTURE THE LIBRARY HAS OF A MACHINE
///
///     space (one is active per processor)           a table: kPagesPerTable slots      RAM
///     ┌────────────┐                                ┌──────┐
///     │ directory  ├──▶ table for pages 0..1023 ──▶ │ slot │──▶ frame (rights, accessed, dirty)
///     │            ├──▶ table for pages 1024..2047  │ slot │
///     └────────────┘                                └──────┘
///
/// Slots of the *active* space are reached by page number (i386: the recursive mapping). Any frame at all is reached
/// through a FrameWindow. How many levels stand above the tables is the port's business.
///
/// 1. ADDRESSES
///    kUserPages       the pages that programs may use; page 0 and its neighbours are not among them (gotcha 35).
///    kListWindow      kernel pages, other frames in each space, that hold the space's range list.
///    kKernelPages     the pages from which the kernel's spans and stacks come; the same frames in every space.
///    kPagesPerTable   how many pages one table describes; a power of two. Ranges above do not share a table, except
///                     that the list window's table belongs to the directory and is made with it.
///    pointer(address) how the library's own code dereferences a kernel address of the active space.
///
/// 2. ENTRIES AND SLOTS
///    Entry            a value: empty, or a frame with rights. `Entry::make(frame, rights)`; with rights that do not
///                     include read the entry keeps its frame but the processor faults on it: occupied, not present.
///    slot(page)       the slot of a page of the active space; has_table(page) must hold.
///    slot_in(window, page)  the slot of a page in the table that a window shows: a table of a space that is not active.
///    Slot             load, store and exchange; `next()` goes to the following page of the same table. exchange must
///                     be atomic against the processor's own setting of accessed and dirty bits (gotcha 10).
///                     No store flushes anything: the library calls flush when it has to.
///
/// 3. TABLES AND DIRECTORIES
///    link_table(page, frame)     makes `frame`, already zeroed (gotcha 16), the table of `page` in the active space,
///                                with the widest rights for its side (policy lives in the slots: gotcha 6), and
///                                forgets what the processor cached about the table's own window (gotcha 3).
///    table_frame(page)           the frame of that table; has_table(page) holds.
///    unlink_table(page)          takes it out again, flushes that window, and gives back the frame. No processor walks
///                                through the table afterwards; cached translations of its pages may stay until the
///                                caller flushes them (gotcha 4).
///    link_table_in(directory, page, frame)  the same in a directory that is not active, for a kernel page or a user page.
///    make_directory(directory, list_table)  fills two frames: the kernel half as in the active space, the port's own
///                                entries (recursive entry: gotcha 7), an empty list window in `list_table`.
///    active_directory(), activate(directory)  read and switch the active space of this processor. Switching
///                                forgets everything cached about user pages and the list window.
///
/// 4. CACHED TRANSLATIONS
///    flush(page)                 forgets one page of the active space, kernel pages too.
///    flush_user()                forgets all user pages of the active space. With several processors both reach
///                                every processor on which the space is active before they return.
///
/// 5. FRAMES
///    FrameWindow(frame)          shows a frame at `data()` for a scope; nests at least four deep on one processor, is
///                                released in reverse order, and is not carried across a task switch.
///    zero_frame(frame), copy_frame(to, from)  as fast as the machine can.
///
/// 6. PROCESSORS
///    Lock                        lock() and unlock(); safe against interrupts of this processor that take it too.
///    processor()                 the number of the processor that runs this, from 0.

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/base/lock.hpp"
#include "quire/base/rights.hpp"
#include "quire_port.hpp"

namespace quire {

template <typename E>
concept PageEntry = std::regular<E> && requires(const E entry, Frame frame, Rights rights) {
    { E::make(frame, rights) } -> std::same_as<E>;
    { entry.occupied() } -> std::same_as<bool>;  // holds a frame
    { entry.present() } -> std::same_as<bool>;   // the processor translates through it
    { entry.frame() } -> std::same_as<Frame>;    // occupied only
    { entry.rights() } -> std::same_as<Rights>;  // read, write and user as the processor sees them
    { entry.accessed() } -> std::same_as<bool>;
    { entry.dirty() } -> std::same_as<bool>;
};

template <typename S, typename E>
concept PageSlot = requires(S slot, E entry) {
    { slot.load() } -> std::same_as<E>;
    { slot.store(entry) } -> std::same_as<void>;
    { slot.exchange(entry) } -> std::same_as<E>;
    { slot.next() } -> std::same_as<S>;
};

template <typename M>
concept MachinePort =
    PageEntry<typename M::Entry> && PageSlot<typename M::Slot, typename M::Entry> &&
    std::constructible_from<typename M::FrameWindow, Frame> && !std::copyable<typename M::FrameWindow> &&
    requires(Page page, Frame frame, VirtualAddress address, typename M::FrameWindow window, typename M::Lock lock) {
        { M::kUserPages } -> std::convertible_to<PageRange>;
        { M::kListWindow } -> std::convertible_to<PageRange>;
        { M::kKernelPages } -> std::convertible_to<PageRange>;
        { M::kPagesPerTable } -> std::convertible_to<std::size_t>;
        { M::pointer(address) } -> std::same_as<std::byte*>;
        { M::has_table(page) } -> std::same_as<bool>;
        { M::slot(page) } -> std::same_as<typename M::Slot>;
        { M::slot_in(window, page) } -> std::same_as<typename M::Slot>;
        { M::link_table(page, frame) } -> std::same_as<void>;
        { M::table_frame(page) } -> std::same_as<Frame>;
        { M::unlink_table(page) } -> std::same_as<Frame>;
        { M::link_table_in(frame, page, frame) } -> std::same_as<void>;
        { M::make_directory(frame, frame) } -> std::same_as<void>;
        { M::active_directory() } -> std::same_as<Frame>;
        { M::activate(frame) } -> std::same_as<void>;
        { M::flush(page) } -> std::same_as<void>;
        { M::flush_user() } -> std::same_as<void>;
        { window.data() } -> std::same_as<std::byte*>;
        { M::zero_frame(frame) } -> std::same_as<void>;
        { M::copy_frame(frame, frame) } -> std::same_as<void>;
        { lock.lock() } -> std::same_as<void>;
        { lock.unlock() } -> std::same_as<void>;
        { M::processor() } -> std::same_as<unsigned>;
    };

static_assert(MachinePort<port::Machine>, "quire_port.hpp does not meet the contract of quire/port.hpp");
using Machine = port::Machine;

}  // namespace quire
