#include <algorithm>
#include <cstring>

#include "ports/hosted/computer.hpp"
#include "ports/hosted/processor.hpp"
#include "ports/hosted/scheduler.hpp"
#include "quire/base/defect.hpp"
#include "quire/port.hpp"

namespace quire::hosted {

void checkpoint() {
    Scheduler::checkpoint();
}
bool yield() {
    return Scheduler::yield();
}

}  // namespace quire::hosted

namespace quire::port {

namespace {
using hosted::Processor;

constexpr std::size_t kFirstKernelTable = 768;
constexpr std::size_t kListTable = 1022;

hosted::Computer& computer() {
    return Processor::current().computer();
}

std::size_t table_index(Page page) {
    return page.number / Machine::kPagesPerTable;
}

std::uint32_t* directory_slot(Frame directory, Page page) {
    return computer().table(directory) + table_index(page);
}

HostedEntry read_entry(const std::uint32_t* place) {
    return HostedEntry::from_bits(__atomic_load_n(place, __ATOMIC_ACQUIRE));
}

void write_entry(std::uint32_t* place, HostedEntry entry) {
    __atomic_store_n(place, entry.bits(), __ATOMIC_RELEASE);
}

HostedEntry table_entry(Page page, Frame table) {
    const bool user = table_index(page) < kFirstKernelTable;
    return HostedEntry::make(table, Rights::read | Rights::write | (user ? Rights::user : Rights::none));
}

/// Called before a frame gets new contents: it was free a moment ago, so no processor may know it (I6).
void require_unreached(Frame frame) {
    computer().for_each_processor([&](Processor& processor) {
        require(!processor.reaches(frame), "I6: a frame was freed that a processor still reaches");
    });
}

/// What shows a kernel page of the active space; nullptr for a user page.
hosted::Mirror* mirror_of(Page page) {
    if (Machine::kListWindow.contains(page)) return &Processor::current().list_mirror();
    return table_index(page) < kFirstKernelTable ? nullptr : &computer().kernel_mirror();
}
}  // namespace

HostedEntry HostedSlot::exchange(HostedEntry entry) const {
    hosted::checkpoint();
    // The host's processor reads through a mirror without telling, so such an entry counts as accessed from the start.
    const bool mirrored = mirror_ != nullptr && entry.present();
    const auto stored = mirrored ? HostedEntry::from_bits(entry.bits() | HostedEntry::kAccessed) : entry;
    const auto old = HostedEntry::from_bits(__atomic_exchange_n(place_, stored.bits(), __ATOMIC_ACQ_REL));
    if (mirror_ != nullptr) mirror_->changed(page_, stored);
    return old;
}

HostedWindow::HostedWindow(Frame frame) : data_(computer().ram(frame)) {}

std::byte* Machine::pointer(VirtualAddress address) {
    return mirror_of(address.page())->at(address.page()) + address.offset();
}

bool Machine::has_table(Page page) {
    return read_entry(directory_slot(active_directory(), page)).present();
}

Machine::Slot Machine::slot(Page page) {
    require(has_table(page), "a slot was used without a table");
    return {computer().table(table_frame(page)) + page.number % kPagesPerTable, page, mirror_of(page)};
}

Machine::Slot Machine::slot_in(const FrameWindow& table, Page page) {
    return {reinterpret_cast<std::uint32_t*>(table.data()) + page.number % kPagesPerTable, page, nullptr};
}

void Machine::link_table(Page page, Frame table) {
    link_table_in(active_directory(), page, table);
}

Frame Machine::table_frame(Page page) {
    return read_entry(directory_slot(active_directory(), page)).frame();
}

Frame Machine::unlink_table(Page page) {
    const Frame table = table_frame(page);
    const Frame active = active_directory();
    write_entry(directory_slot(active, page), {});
    // Another processor may have read the entry just before, and would set bits in a frame that has become somebody else's.
    computer().for_each_processor([&](Processor& processor) {
        if (processor.directory() == active) processor.finish_access();
    });
    hosted::checkpoint();
    return table;
}

void Machine::link_table_in(Frame directory, Page page, Frame table) {
    hosted::checkpoint();
    write_entry(directory_slot(directory, page), table_entry(page, table));
}

void Machine::make_directory(Frame directory, Frame list_table) {
    zero_frame(directory);
    zero_frame(list_table);
    computer().forget_directory(directory);
    if (active_directory() != Frame{0}) {
        const std::uint32_t* const active = computer().table(active_directory());
        for (std::size_t i = kFirstKernelTable; i < kListTable; ++i) {
            write_entry(computer().table(directory) + i, read_entry(active + i));
        }
    }
    link_table_in(directory, kListWindow.first, list_table);
}

Frame Machine::active_directory() {
    return Processor::current().directory();
}
void Machine::activate(Frame directory) {
    hosted::checkpoint();
    Processor::current().activate(directory);
}
void Machine::flush(Page page) {
    hosted::checkpoint();
    if (hosted::Mirror* const mirror = mirror_of(page)) {
        mirror->flush(page, has_table(page) ? slot(page).load() : Entry{});
        return;
    }
    const Frame active = active_directory();
    computer().for_each_processor([&](Processor& processor) {
        if (processor.directory() == active) processor.forget(page);
    });
}
void Machine::flush_user() {
    hosted::checkpoint();
    const Frame active = active_directory();
    computer().for_each_processor([&](Processor& processor) {
        if (processor.directory() == active) processor.forget_all();
    });
}

void Machine::zero_frame(Frame frame) {
    hosted::checkpoint();
    require_unreached(frame);
    std::memset(computer().ram(frame), 0, kPageSize);
}
void Machine::copy_frame(Frame to, Frame from) {
    hosted::checkpoint();
    require_unreached(to);
    std::memcpy(computer().ram(to), computer().ram(from), kPageSize);
}

unsigned Machine::processor() {
    return Processor::current().number();
}

}  // namespace quire::port
