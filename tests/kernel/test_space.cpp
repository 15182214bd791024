#include "tests/kernel/test_space.hpp"

#include "kernel/memory/memory.hpp"
#include "tests/kernel/case.hpp"

namespace quire::kernel {

TestSpace::TestSpace() : before_(trap_handlers()), space_(memory().paging, memory().zero_frame, kMappingBase) {
    active_ = this;
    if (!check(space_.create().has_value(), "a directory for the test")) return;
    Machine::activate(space_.directory());
    if (!check(space_.open().has_value(), "a range list for the test")) return;
    const Rights rights = Rights::read | Rights::write | Rights::execute;
    MapRequest request{};
    request.count = kPages;
    request.placement = Placement::fixed;
    request.at = kFirst;
    request.traits.kind = RangeKind::mapped;
    request.traits.rights = rights;
    request.traits.allowed = rights;
    if (!check(space_.map(request).has_value(), "a region for the test")) return;
    TrapHandlers handlers = before_;
    handlers.page_fault = resolve;
    set_trap_handlers(handlers);
    ready_ = true;
}

TestSpace::~TestSpace() {
    if (space_.list().is_open()) space_.close();
    Machine::activate(memory().boot_directory.frame);
    if (space_.directory() != Frame{}) space_.destroy();
    set_trap_handlers(before_);
    active_ = nullptr;
}

bool TestSpace::resolve(TrapFrame&, const PageFault& fault) {
    return Machine::kUserPages.contains(fault.address.page()) &&
           active_->space_.handle_fault(fault.address, fault.access).has_value();
}

}  // namespace quire::kernel
