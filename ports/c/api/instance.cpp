#include "ports/c/api/instance.hpp"

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

void* KernelSpans::acquire(PageCount count, PageCount alignment) {
    const auto first = kernel_.acquire({.count = count, .alignment = alignment});
    return first ? Machine::pointer(address_of(*first)) : nullptr;
}

void KernelSpans::release(void* first, PageCount) {
    kernel_.release(VirtualAddress{reinterpret_cast<std::uintptr_t>(first)}.page());
}

}  // namespace c
}  // namespace quire
