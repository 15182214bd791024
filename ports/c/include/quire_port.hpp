#pragma once
/// The port for kernels in C: meets the contract of quire/port.hpp by the functions of quire/quire.h that such a kernel supplies.

#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/base/lock.hpp"
#include "quire/base/rights.hpp"
#include "quire/heap/shape.hpp"
#include "quire/quire.h"

namespace quire::port {

class Entry {
public:
    constexpr Entry() = default;
    static Entry make(Frame frame, Rights rights) { return Entry(quire_port_make_entry(frame.number, rights.bits())); }
    static constexpr Entry from_word(quire_entry word) { return Entry(word); }

    [[nodiscard]] bool occupied() const { return view().occupied; }
    [[nodiscard]] bool present() const { return view().present; }
    [[nodiscard]] Frame frame() const { return {view().frame}; }
    [[nodiscard]] Rights rights() const { return Rights::from_bits(view().rights); }
    [[nodiscard]] bool accessed() const { return view().accessed; }
    [[nodiscard]] bool dirty() const { return view().dirty; }
    [[nodiscard]] constexpr quire_entry word() const { return word_; }
    constexpr bool operator==(const Entry&) const = default;

private:
    constexpr explicit Entry(quire_entry word) : word_(word) {}
    [[nodiscard]] quire_entry_view view() const { return quire_port_read_entry(word_); }
    quire_entry word_ = 0;
};

class Slot {
public:
    explicit Slot(quire_entry* place) : place_(place) {}
    [[nodiscard]] Entry load() const { return Entry::from_word(__atomic_load_n(place_, __ATOMIC_ACQUIRE)); }
    void store(Entry entry) const { __atomic_store_n(place_, entry.word(), __ATOMIC_RELEASE); }
    Entry exchange(Entry entry) const {
        return Entry::from_word(__atomic_exchange_n(place_, entry.word(), __ATOMIC_ACQ_REL));
    }
    [[nodiscard]] Slot next() const { return Slot(place_ + 1); }

private:
    quire_entry* place_;
};

class FrameWindow {
public:
    explicit FrameWindow(Frame frame) : data_(quire_port_open_window(frame.number)) {}
    ~FrameWindow() { quire_port_close_window(data_); }
    FrameWindow(const FrameWindow&) = delete;
    FrameWindow& operator=(const FrameWindow&) = delete;
    [[nodiscard]] std::byte* data() const { return static_cast<std::byte*>(data_); }

private:
    void* data_;
};

class QUIRE_CAPABILITY Lock {
public:
    Lock() = default;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    void lock() QUIRE_ACQUIRE() { quire_port_lock(&lock_); }
    void unlock() QUIRE_RELEASE() { quire_port_unlock(&lock_); }

private:
    quire_lock lock_{};
};

/// The kernel's quire_port_layout, as the library's types: the same words.
struct Layout {
    PageRange user;
    PageRange list;
    PageRange kernel;
    PageRange nodes;
};
static_assert(sizeof(Layout) == sizeof(quire_layout) && alignof(Layout) == alignof(quire_layout));
extern const Layout kLayout asm("quire_port_layout");

class Machine {
public:
    using Entry = port::Entry;
    using Slot = port::Slot;
    using FrameWindow = port::FrameWindow;
    using Lock = port::Lock;

    static constexpr std::size_t kPagesPerTable = QUIRE_PAGES_PER_TABLE;
    static constexpr HeapShape kHeapShape = kKernelHeapShape;
    static constexpr const PageRange& kUserPages = kLayout.user;
    static constexpr const PageRange& kListWindow = kLayout.list;
    static constexpr const PageRange& kKernelPages = kLayout.kernel;
    static constexpr const PageRange& kKernelNodes = kLayout.nodes;

    static std::byte* pointer(VirtualAddress address) { return reinterpret_cast<std::byte*>(address.value); }
    static bool has_table(Page page) { return quire_port_has_table(page.number); }
    static Slot slot(Page page) { return Slot(quire_port_slot(page.number)); }
    static Slot slot_in(const FrameWindow& table, Page page) {
        return Slot(reinterpret_cast<quire_entry*>(table.data()) + page.number % kPagesPerTable);
    }
    static void link_table(Page page, Frame table) { quire_port_link_table(page.number, table.number); }
    static Frame table_frame(Page page) { return {quire_port_table_frame(page.number)}; }
    static Frame unlink_table(Page page) { return {quire_port_unlink_table(page.number)}; }
    static void link_table_in(Frame directory, Page page, Frame table) {
        quire_port_link_table_in(directory.number, page.number, table.number);
    }
    static void make_directory(Frame directory, Frame list_table) {
        quire_port_make_directory(directory.number, list_table.number);
    }
    static Frame active_directory() { return {quire_port_active_directory()}; }
    static void activate(Frame directory) { quire_port_activate(directory.number); }
    static void flush(Page page) { quire_port_flush(page.number); }
    static void flush_user() { quire_port_flush_user(); }
    static void zero_frame(Frame frame) { __builtin_memset(FrameWindow(frame).data(), 0, kPageSize); }
    static void copy_frame(Frame to, Frame from) {
        const FrameWindow source(from);
        const FrameWindow target(to);
        __builtin_memcpy(target.data(), source.data(), kPageSize);
    }
    static unsigned processor() { return quire_port_processor(); }
};

}  // namespace quire::port
