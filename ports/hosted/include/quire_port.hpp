#pragma once
/// The hosted port: the contract of quire/port.hpp met by a machine inside a process (ports/hosted/computer.hpp). The
/// entry
/// format and the address layout are those of the i386 kernel, so that what is proven here is what boots there.
///
/// On a real machine "the active space" and "this processor" are wherever the code runs. Here they are the
/// hosted::Processor that the current thread has entered. Every call is a checkpoint of the scheduler, if there is one.

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "quire/base/address.hpp"
#include "quire/base/lock.hpp"
#include "quire/base/rights.hpp"
#include "quire/heap/shape.hpp"

namespace quire::hosted {
class Mirror;
/// May let another task of the scheduler run; ports/hosted/scheduler.hpp.
void checkpoint();
/// The same, because the caller waits; false if there is no scheduler.
[[nodiscard]] bool yield();
}  // namespace quire::hosted

namespace quire::port {

/// Bits as in Intel SDM vol. 3A, table 4-6 (32-bit paging, 4 KiB pages).
///
///      31                    12 11   9  8   7  6  5  4   3  2  1  0
///      ┌───────────────────────┬──────┬──┬───┬──┬──┬───┬──┬──┬──┬──┐
///      │ frame                 │ kept │ G│PAT│ D│ A│PCD│WT│ U│ W│ P│     kept (bit 9): holds a frame though P = 0
///      └───────────────────────┴──────┴──┴───┴──┴──┴───┴──┴──┴──┴──┘
class HostedEntry {
public:
    constexpr HostedEntry() = default;
    static constexpr HostedEntry make(Frame frame, Rights rights) {
        std::uint32_t bits = frame.number << kPageShift | kKept;
        if (rights.include(Rights::read)) bits |= kPresent;
        if (rights.include(Rights::write)) bits |= kWritable;
        if (rights.include(Rights::user)) bits |= kUser;
        return from_bits(bits);
    }
    static constexpr HostedEntry from_bits(std::uint32_t bits) {
        HostedEntry entry;
        entry.bits_ = bits;
        return entry;
    }

    [[nodiscard]] constexpr bool occupied() const { return (bits_ & kKept) != 0; }
    [[nodiscard]] constexpr bool present() const { return (bits_ & kPresent) != 0; }
    [[nodiscard]] constexpr Frame frame() const { return {bits_ >> kPageShift}; }
    [[nodiscard]] constexpr Rights rights() const {
        Rights rights = present() ? Rights::read | Rights::execute : Rights::none;
        if ((bits_ & kWritable) != 0) rights = rights | Rights::write;
        if ((bits_ & kUser) != 0) rights = rights | Rights::user;
        return rights;
    }
    [[nodiscard]] constexpr bool accessed() const { return (bits_ & kAccessed) != 0; }
    [[nodiscard]] constexpr bool dirty() const { return (bits_ & kDirty) != 0; }
    [[nodiscard]] constexpr std::uint32_t bits() const { return bits_; }
    constexpr bool operator==(const HostedEntry&) const = default;

    static constexpr std::uint32_t kPresent = 1U << 0U;
    static constexpr std::uint32_t kWritable = 1U << 1U;
    static constexpr std::uint32_t kUser = 1U << 2U;
    static constexpr std::uint32_t kAccessed = 1U << 5U;
    static constexpr std::uint32_t kDirty = 1U << 6U;
    static constexpr std::uint32_t kKept = 1U << 9U;

private:
    std::uint32_t bits_ = 0;
};

/// One entry of a table in the simulated RAM. Changes of kernel pages reach the mirror that shows them.
class HostedSlot {
public:
    HostedSlot(std::uint32_t* place, Page page, hosted::Mirror* mirror) : place_(place), page_(page), mirror_(mirror) {}
    [[nodiscard]] HostedEntry load() const { return HostedEntry::from_bits(__atomic_load_n(place_, __ATOMIC_ACQUIRE)); }
    void store(HostedEntry entry) const { (void)exchange(entry); }
    HostedEntry exchange(HostedEntry entry) const;
    [[nodiscard]] HostedSlot next() const { return {place_ + 1, page_ + PageCount{1}, mirror_}; }

private:
    std::uint32_t* place_;
    Page page_;
    hosted::Mirror* mirror_;  ///< nullptr: a user page, or a table of a space that is not active
};

class HostedWindow {
public:
    explicit HostedWindow(Frame frame);
    HostedWindow(const HostedWindow&) = delete;
    HostedWindow& operator=(const HostedWindow&) = delete;
    [[nodiscard]] std::byte* data() const { return data_; }

private:
    std::byte* data_;
};

class QUIRE_CAPABILITY HostedLock {
public:
    void lock() QUIRE_ACQUIRE() {
        hosted::checkpoint();
        while (!mutex_.try_lock()) {
            if (!hosted::yield()) {
                mutex_.lock();
                return;
            }
        }
    }
    void unlock() QUIRE_RELEASE() {
        mutex_.unlock();
        hosted::checkpoint();
    }

private:
    std::mutex mutex_;
};

class Machine {
public:
    using Entry = HostedEntry;
    using Slot = HostedSlot;
    using FrameWindow = HostedWindow;
    using Lock = HostedLock;

    static constexpr std::size_t kPagesPerTable = 1024;
    /// A kernel's, but that sizes lend each other blocks and may run out of places for ready ones, and that more of large spans is kept, as
    /// in a program: what tests see of the heap is all of it.
    static constexpr HeapShape kHeapShape = [] {
        HeapShape shape = kKernelHeapShape;
        shape.borrowed = 1;
        shape.few_ready = 4;
        shape.much_used = std::size_t{512} << 10U;
        shape.kept_besides = std::size_t{2} << 20U;
        return shape;
    }();
    static constexpr PageRange kUserPages{Page{0x10}, Page{0xC0000}};
    static constexpr PageRange kKernelPages{Page{0xC0400}, Page{0xFEC00}};
    static constexpr PageRange kKernelNodes{Page{0xFEC00}, Page{0xFF000}};
    static constexpr PageRange kListWindow{Page{0xFF800}, Page{0xFFAFF}};

    static std::byte* pointer(VirtualAddress address);
    static bool has_table(Page page);
    static Slot slot(Page page);
    static Slot slot_in(const FrameWindow& table, Page page);
    static void link_table(Page page, Frame table);
    static Frame table_frame(Page page);
    static Frame unlink_table(Page page);
    static void link_table_in(Frame directory, Page page, Frame table);
    static void make_directory(Frame directory, Frame list_table);
    static Frame active_directory();
    static void activate(Frame directory);
    static void flush(Page page);
    static void flush_user();
    static void zero_frame(Frame frame);
    static void copy_frame(Frame to, Frame from);
    static unsigned processor();
};

}  // namespace quire::port
