#pragma once
/// A processor of a hosted computer: a thread enters one with Processor::Scope and is that processor until the scope ends.
/// Several may run at once, as threads of the host (under TSan, say) or one at a time (ports/hosted/scheduler.hpp).

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "ports/hosted/computer.hpp"
#include "quire/base/address.hpp"
#include "quire/base/error.hpp"
#include "quire/base/rights.hpp"

namespace quire::hosted {

/// Asked to resolve a fault; an error becomes the result of the load or store.
using FaultHandler = std::function<Result<void>(VirtualAddress, Access)>;

/// Who reads or writes: a program, or the kernel, which may touch its own pages too but, as CR0.WP demands, writes only
/// through writable entries (gotcha 24).
enum class Privilege : bool { user, kernel };

class Processor {
public:
    Processor(Computer& computer, unsigned number);
    ~Processor();
    Processor(const Processor&) = delete;
    Processor& operator=(const Processor&) = delete;

    class Scope {
    public:
        explicit Scope(Processor& processor) : before_(current_) { current_ = &processor; }
        ~Scope() { current_ = before_; }
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;

    private:
        Processor* before_;
    };
    [[nodiscard]] static Processor& current();

    [[nodiscard]] Computer& computer() const { return computer_; }
    [[nodiscard]] unsigned number() const { return number_; }
    [[nodiscard]] Frame directory() const { return {directory_.load()}; }
    /// The mirror of the active space's list window.
    [[nodiscard]] Mirror& list_mirror() const { return *list_mirror_; }

    void activate(Frame directory);
    /// Forgets one cached translation, or all of user pages. Waits for a load or store that is under way, as an interrupt from
    /// another processor would; any thread may call it.
    void forget(Page page);
    void forget_all();
    /// Returns when a load or store that was under way, and with it the walk through the tables, has ended. Any thread may call it.
    void finish_access();

    /// No cached translation grants more than the tables say, or shows another frame (I22). Between verbs only; a defect if not.
    void check_cached();

    /// Whether a cached translation leads to this frame.
    [[nodiscard]] bool reaches(Frame frame);

    void on_fault(FaultHandler handler) { handler_ = std::move(handler); }

    /// One byte read or written at an address, with accessed and dirty bits, rights and faults. The error is the fault handler's.
    [[nodiscard]] Result<std::uint8_t> load(VirtualAddress address, Privilege privilege = Privilege::user);
    [[nodiscard]] Result<void> store(VirtualAddress address, std::uint8_t value, Privilege privilege = Privilege::user);

    [[nodiscard]] std::uint64_t faults() const { return faults_; }

private:
    template <typename Use>
    [[nodiscard]] Result<std::uint8_t> access(VirtualAddress address, Access access, Privilege privilege, Use use);
    [[nodiscard]] std::byte* translate(VirtualAddress address, Access access, Privilege privilege);

    static thread_local Processor* current_;
    Computer& computer_;
    unsigned number_;
    std::atomic<std::uint32_t> directory_{0};
    Mirror* list_mirror_ = nullptr;
    FaultHandler handler_;
    std::uint64_t faults_ = 0;
    std::mutex lock_;  ///< guards what is cached, and holds off flushes during an access
    std::unordered_map<std::uintptr_t, port::HostedEntry> cached_;  ///< by page number
};

}  // namespace quire::hosted
