#pragma once
/// A machine inside a process: RAM, two-level i386 page tables in that RAM, processors with translation caches that
/// really
/// cache, and page faults that go to a handler. Library code runs on it unchanged; tests run "programs" by load and
/// store.
///
///      Processor ── active directory ──▶ tables in RAM (memfd, backed by the host only where touched)
///          └ cached translations: used even when the table says otherwise, until flushed — as hardware does
///
/// Kernel addresses are real host memory: each kernel page that is mapped shows its frame at mirror + address, so that
/// the
/// library's own data structures are dereferenced by the host's processor. List windows have a mirror for each space.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>

#include "quire/base/address.hpp"
#include "quire/base/error.hpp"
#include "quire/base/rights.hpp"
#include "quire_port.hpp"

namespace quire::hosted {

class Computer {
public:
    /// `end` frames of RAM, at most 2^20. Nothing is mapped; frame contents are zero.
    explicit Computer(Frame end);
    ~Computer();
    Computer(const Computer&) = delete;
    Computer& operator=(const Computer&) = delete;

    [[nodiscard]] Frame end() const { return end_; }
    [[nodiscard]] std::byte* ram(Frame frame) const;
    [[nodiscard]] std::uint32_t* table(Frame frame) const { return reinterpret_cast<std::uint32_t*>(ram(frame)); }

    /// The host memory that mirrors kernel pages of the space `directory`.
    [[nodiscard]] std::byte* mirror(Frame directory, Page page);
    /// Makes the mirror of a kernel page show what its entry says.
    void show(Frame directory, Page page, port::HostedEntry entry);
    void forget_directory(Frame directory);

private:
    class Mirror;

    Frame end_;
    int file_ = -1;
    std::byte* ram_ = nullptr;
    std::unique_ptr<Mirror> kernel_;
    std::map<std::uint32_t, std::unique_ptr<Mirror>> list_mirrors_;  ///< by directory frame
};

/// Asked to resolve a fault; an error becomes the result of the load or store.
using FaultHandler = std::function<Result<void>(VirtualAddress, Access)>;

/// A processor of a computer. A thread enters one with Processor::Scope and is that processor until the scope ends.
class Processor {
public:
    Processor(Computer& computer, unsigned number) : computer_(computer), number_(number) {}

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
    [[nodiscard]] Frame directory() const { return directory_; }
    void activate(Frame directory);
    void flush(Page page) { cached_.erase(page.number); }
    void flush_user();

    void on_fault(FaultHandler handler) { handler_ = std::move(handler); }

    /// What a program does: one byte read or written at a user address, with accessed and dirty bits, rights and
    /// faults. The
    /// error is the fault handler's.
    [[nodiscard]] Result<std::uint8_t> load(VirtualAddress address);
    [[nodiscard]] Result<void> store(VirtualAddress address, std::uint8_t value);

    [[nodiscard]] std::uint64_t faults() const { return faults_; }

private:
    [[nodiscard]] Result<std::byte*> reach(VirtualAddress address, Access access);
    [[nodiscard]] std::byte* translate(VirtualAddress address, Access access);

    static thread_local Processor* current_;
    Computer& computer_;
    unsigned number_;
    Frame directory_{};
    FaultHandler handler_;
    std::uint64_t faults_ = 0;
    std::unordered_map<std::uintptr_t, port::HostedEntry> cached_;
};

}  // namespace quire::hosted
