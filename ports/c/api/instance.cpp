#include "ports/c/api/instance.hpp"

#include <array>

namespace quire {

void stop_on_defect(const char* what, std::source_location where) {
    quire_port_defect(what, where.file_name(), where.line());
}

namespace c {

namespace {
alignas(Instance) std::byte room[sizeof(Instance)];
constinit Instance* the_instance = nullptr;
}  // namespace

Instance& instance() {
    require(the_instance != nullptr, "quire_start() was not called");
    return *the_instance;
}

void make_instance(Frame zero_frame) {
    require(the_instance == nullptr, "quire_start() was called twice");
    the_instance = new (room) Instance(zero_frame);
}

namespace {

/// The pages of all tables that a range touches.
PageRange whole_tables(PageRange range) {
    constexpr std::uintptr_t kSpan = Machine::kPagesPerTable;
    return {{range.first.number / kSpan * kSpan}, {(range.end.number + kSpan - 1) / kSpan * kSpan}};
}

}  // namespace

const char* layout_mistake() {
    const std::array ranges{Machine::kUserPages, Machine::kListWindow, Machine::kKernelPages, Machine::kKernelNodes};
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        if (ranges[i].first >= ranges[i].end) return "quire_port_layout: a range is empty";
        if (ranges[i].first == Page{0}) return "quire_port_layout: page 0 is in a range";
        for (std::size_t j = 0; j < i; ++j) {
            if (whole_tables(ranges[i]).overlaps(whole_tables(ranges[j]))) {
                return "quire_port_layout: two ranges overlap, or share a table";
            }
        }
    }
    if (whole_tables(Machine::kListWindow).count().value != Machine::kPagesPerTable) {
        return "quire_port_layout: the list window needs more than one table";
    }
    if (Machine::kKernelPages.count().value > kHeapPages) return "quire_port_layout: there are too many kernel pages";
    return nullptr;
}

void* KernelSpans::acquire(PageCount count, PageCount alignment) {
    const auto first = kernel_.acquire({.count = count, .alignment = alignment});
    return first ? Machine::pointer(address_of(*first)) : nullptr;
}

void KernelSpans::release(void* first, PageCount) {
    kernel_.release(VirtualAddress{reinterpret_cast<std::uintptr_t>(first)}.page());
}

}  // namespace c
}  // namespace quire
