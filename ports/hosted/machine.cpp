#include <algorithm>
#include <cstring>

#include "ports/hosted/computer.hpp"
#include "quire/base/defect.hpp"
#include "quire/port.hpp"

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

std::uint32_t& directory_slot(Frame directory, Page page) {
    return computer().table(directory)[table_index(page)];
}

HostedEntry table_entry(Page page, Frame table) {
    const bool user = table_index(page) < kFirstKernelTable;
    return HostedEntry::make(table, Rights::read | Rights::write | (user ? Rights::user : Rights::none));
}
}  // namespace

HostedEntry HostedSlot::exchange(HostedEntry entry) const {
    const auto old = HostedEntry::from_bits(__atomic_exchange_n(place_, entry.bits(), __ATOMIC_RELAXED));
    if (table_index(page_) >= kFirstKernelTable) computer().show(Machine::active_directory(), page_, entry);
    return old;
}

HostedWindow::HostedWindow(Frame frame) : data_(computer().ram(frame)) {}

std::byte* Machine::pointer(VirtualAddress address) {
    return computer().mirror(active_directory(), address.page()) + address.offset();
}

bool Machine::has_table(Page page) {
    return HostedEntry::from_bits(directory_slot(active_directory(), page)).present();
}

Machine::Slot Machine::slot(Page page) {
    require(has_table(page), "a slot was used without a table");
    return {computer().table(table_frame(page)) + page.number % kPagesPerTable, page};
}

void Machine::link_table(Page page, Frame table) {
    link_table_in(active_directory(), page, table);
}

Frame Machine::table_frame(Page page) {
    return HostedEntry::from_bits(directory_slot(active_directory(), page)).frame();
}

Frame Machine::unlink_table(Page page) {
    const Frame table = table_frame(page);
    directory_slot(active_directory(), page) = 0;
    return table;
}

void Machine::link_table_in(Frame directory, Page page, Frame table) {
    directory_slot(directory, page) = table_entry(page, table).bits();
}

void Machine::make_directory(Frame directory, Frame list_table) {
    zero_frame(directory);
    zero_frame(list_table);
    computer().forget_directory(directory);
    if (active_directory() != Frame{0}) {
        const std::uint32_t* const active = computer().table(active_directory());
        std::copy(active + kFirstKernelTable, active + kListTable, computer().table(directory) + kFirstKernelTable);
    }
    link_table_in(directory, kListWindow.first, list_table);
}

Frame Machine::active_directory() {
    return Processor::current().directory();
}
void Machine::activate(Frame directory) {
    Processor::current().activate(directory);
}
void Machine::flush(Page page) {
    Processor::current().flush(page);
}
void Machine::flush_user() {
    Processor::current().flush_user();
}

void Machine::zero_frame(Frame frame) {
    std::memset(computer().ram(frame), 0, kPageSize);
}
void Machine::copy_frame(Frame to, Frame from) {
    std::memcpy(computer().ram(to), computer().ram(from), kPageSize);
}

unsigned Machine::processor() {
    return Processor::current().number();
}

}  // namespace quire::port
