#include "ports/hosted/processor.hpp"

#include <algorithm>

#include "quire/base/defect.hpp"

namespace quire::hosted {

namespace {
using port::HostedEntry;

/// Reads an entry as the processor does when it walks the tables: other processors may change it at the same time.
HostedEntry read_entry(const std::uint32_t* place) {
    return HostedEntry::from_bits(__atomic_load_n(place, __ATOMIC_ACQUIRE));
}

/// Sets accessed and dirty bits; false if the entry was changed meanwhile, and then nothing was set.
bool mark(std::uint32_t* place, HostedEntry seen, std::uint32_t bits) {
    std::uint32_t expected = seen.bits();
    return __atomic_compare_exchange_n(place, &expected, expected | bits, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

bool allows(HostedEntry entry, Access access, Privilege privilege) {
    return entry.present() && (privilege == Privilege::kernel || (entry.bits() & HostedEntry::kUser) != 0) &&
           (access != Access::write || (entry.bits() & HostedEntry::kWritable) != 0);
}
}  // namespace

thread_local Processor* Processor::current_ = nullptr;

Processor::Processor(Computer& computer, unsigned number) : computer_(computer), number_(number) {
    computer_.enter(*this);
}

Processor::~Processor() {
    computer_.leave(*this);
}

Processor& Processor::current() {
    require(current_ != nullptr, "this thread has not entered a processor");
    return *current_;
}

void Processor::activate(Frame directory) {
    // In this order: who flushes the old space passes over a processor on which it is no longer active, and may then free the
    // frames that this one would still remember (I6). The checkpoint lets tests see the moment between the two.
    forget_all();
    checkpoint();
    directory_ = directory.number;
    list_mirror_ = &computer_.list_mirror(directory);
    constexpr PageRange kList = port::Machine::kListWindow;
    const HostedEntry list =
        read_entry(computer_.table(directory) + kList.first.number / port::Machine::kPagesPerTable);
    const std::uint32_t* const table = computer_.table(list.frame());
    for (Page page = kList.first; page < kList.end; page = page + PageCount{1}) {
        list_mirror_->flush(page, read_entry(table + page.number % port::Machine::kPagesPerTable));
    }
}

void Processor::forget(Page page) {
    const std::lock_guard guard(lock_);
    cached_.erase(page.number);
}

void Processor::forget_all() {
    const std::lock_guard guard(lock_);
    cached_.clear();
}

void Processor::finish_access() {
    const std::lock_guard guard(lock_);
}

void Processor::check_cached() {
    const std::lock_guard guard(lock_);
    for (const auto& [number, cached] : cached_) {
        const HostedEntry upper = read_entry(computer_.table(directory()) + number / port::Machine::kPagesPerTable);
        require(upper.present(), "I22: a processor remembers a page whose table is gone");
        const HostedEntry entry = read_entry(computer_.table(upper.frame()) + number % port::Machine::kPagesPerTable);
        require(entry.present() && entry.frame() == cached.frame() && entry.rights().include(cached.rights()),
                "I22: a processor remembers more than the tables say");
    }
}

bool Processor::reaches(Frame frame) {
    const std::lock_guard guard(lock_);
    return std::ranges::any_of(cached_, [&](const auto& cached) { return cached.second.frame() == frame; });
}

Result<std::uint8_t> Processor::load(VirtualAddress address, Privilege privilege) {
    return access(address, Access::read, privilege, [](std::byte* place) {
        return __atomic_load_n(reinterpret_cast<std::uint8_t*>(place), __ATOMIC_RELAXED);
    });
}

Result<void> Processor::store(VirtualAddress address, std::uint8_t value, Privilege privilege) {
    const auto done = access(address, Access::write, privilege, [&](std::byte* place) {
        __atomic_store_n(reinterpret_cast<std::uint8_t*>(place), value, __ATOMIC_RELAXED);
        return value;
    });
    if (!done) return fail(done.error());
    return {};
}

template <typename Use>
Result<std::uint8_t> Processor::access(VirtualAddress address, Access access, Privilege privilege, Use use) {
    // A handler that reports success without mending the page would be asked for ever; a real program would hang. Another
    // processor may take the page away again between fault and retry, but hardly that often.
    for (int attempt = 0; attempt < 100; ++attempt) {
        {
            const std::lock_guard guard(lock_);
            if (std::byte* const place = translate(address, access, privilege)) return use(place);
        }
        ++faults_;
        require(static_cast<bool>(handler_), "a page fault without a handler");
        if (const auto resolved = handler_(address, access); !resolved) return fail(resolved.error());
    }
    defect("the fault handler says resolved, but the page still faults");
}

/// What the memory-management unit does (Intel SDM vol. 3A, 4.3 and 4.6: rights are ANDed over the levels); nullptr is a page
/// fault.
std::byte* Processor::translate(VirtualAddress address, Access access, Privilege privilege) {
    const Page page = address.page();
    const auto cached = cached_.find(page.number);
    if (cached != cached_.end()) {
        const bool first_write = access == Access::write && !cached->second.dirty();
        if (allows(cached->second, access, privilege) && !first_write) {
            return computer_.ram(cached->second.frame()) + address.offset();
        }
        cached_.erase(cached);  // a fault, and a first write, look at the tables again (SDM 4.10.4.1)
    }
    for (;;) {
        std::uint32_t* const upper = computer_.table(directory()) + page.number / port::Machine::kPagesPerTable;
        const HostedEntry upper_entry = read_entry(upper);
        if (!allows(upper_entry, access, privilege)) return nullptr;
        std::uint32_t* const lower = computer_.table(upper_entry.frame()) + page.number % port::Machine::kPagesPerTable;
        const HostedEntry entry = read_entry(lower);
        if (!allows(entry, access, privilege)) return nullptr;
        const std::uint32_t bits = HostedEntry::kAccessed | (access == Access::write ? HostedEntry::kDirty : 0U);
        if (!mark(upper, upper_entry, HostedEntry::kAccessed) || !mark(lower, entry, bits)) continue;
        cached_[page.number] = HostedEntry::from_bits(entry.bits() | bits);
        return computer_.ram(entry.frame()) + address.offset();
    }
}

}  // namespace quire::hosted
