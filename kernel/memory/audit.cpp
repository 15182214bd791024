#include "kernel/memory/audit.hpp"

#include "kernel/console/log.hpp"
#include "kernel/memory/initial_files.hpp"
#include "kernel/memory/kmalloc.hpp"
#include "kernel/memory/memory.hpp"
#include "kernel/process/scheduler.hpp"
#include "quire/audit/audit.hpp"
#include "quire/base/checked.hpp"

namespace quire::kernel {

namespace {

/// One number a frame, from kernel space for the time of the audit.
class Tally {
public:
    Tally() : first_(memory().kernel_space.acquire({.count = pages_for(count() * sizeof(std::uint32_t))})) {}
    ~Tally() {
        if (first_) memory().kernel_space.release(*first_);
    }
    Tally(const Tally&) = delete;
    Tally& operator=(const Tally&) = delete;
    [[nodiscard]] bool exists() const { return first_.has_value(); }
    [[nodiscard]] std::span<std::uint32_t> numbers() const {
        return {reinterpret_cast<std::uint32_t*>(Machine::pointer(address_of(*first_))), count()};
    }

private:
    static std::size_t count() { return memory().frames.end().number; }
    Result<Page> first_;
};

void count_owners(Audit& audit) {
    audit.add(memory().kernel_space);
    if (files_exist()) {
        files().check_invariants();
        files().for_each(
            [&](const Inode& inode) { inode.content().for_each_frame([&](Frame frame) { audit.own(frame); }); });
    }
    const Frame before = Machine::active_directory();
    for (const Process* process = first_process(); process != nullptr; process = process->next) {
        if (process->space.directory() == Frame{}) continue;  // its space is gone already
        Machine::activate(process->space.directory());
        audit.add(process->space);
    }
    Machine::activate(before);
}

}  // namespace

AuditReport run_audit() {
    kernel_heap().check_invariants();
    if (const Tally tally; tally.exists()) {
        Audit audit(memory().frames, tally.numbers());
        count_owners(audit);
        audit.finish();
    } else {
        log("audit: too little memory to count the owners of each frame; the rest is checked");
        memory().kernel_space.check_invariants();
        memory().frames.check_invariants();
    }
    const FrameStatistics frames = memory().frames.statistics();
    return {.free = frames.free, .used = frames.managed - frames.free};
}

}  // namespace quire::kernel
