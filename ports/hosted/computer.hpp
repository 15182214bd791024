#pragma once
/// A machine inside a process: RAM, two-level i386 page tables in that RAM, and processors (ports/hosted/processor.hpp) that
/// translate through them. Library code runs on it unchanged; tests run "programs" by load and store.
///
///      Processor ── active directory ──▶ tables in RAM (memfd, backed by the host only where touched)
///          └ cached translations: used even when the table says otherwise, until flushed — as hardware does
///
/// Kernel addresses are real host memory: each kernel page that is mapped shows its frame at mirror + address, so that the
/// library's own data structures are dereferenced by the host's processor. List windows have a mirror for each space. A mirror is
/// a translation cache too: it goes on showing the old frame until the page is flushed.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "quire/base/address.hpp"
#include "quire/base/rights.hpp"
#include "quire_port.hpp"

namespace quire::hosted {

class Processor;

/// Host addresses for a range of simulated kernel pages; each shows the RAM frame that is mapped there, or faults.
/// Not locked: whoever changes a kernel page holds the library's lock for it.
class Mirror {
public:
    Mirror(int file, PageRange pages);
    ~Mirror();
    Mirror(const Mirror&) = delete;
    Mirror& operator=(const Mirror&) = delete;

    [[nodiscard]] std::byte* at(Page page) const { return base_ + ((page - pages_.first).value << kPageShift); }
    /// The entry of a page was changed to `entry`. A translation that is in use stays in use.
    void changed(Page page, port::HostedEntry entry);
    /// From now on the page shows what `entry` says.
    void flush(Page page, port::HostedEntry entry);
    /// Whether the page shows what `entry` says (I22).
    [[nodiscard]] bool shows(Page page, port::HostedEntry entry) const {
        return shown_[(page - pages_.first).value].bits() == entry.bits();
    }

    /// How many pages show a frame.
    [[nodiscard]] std::size_t count() const { return count_; }

private:
    [[nodiscard]] std::size_t bytes() const { return pages_.count().value << kPageShift; }
    [[nodiscard]] port::HostedEntry& shown(Page page) { return shown_[(page - pages_.first).value]; }
    int file_;
    PageRange pages_;
    std::byte* base_ = nullptr;
    std::vector<port::HostedEntry> shown_;
    std::size_t count_ = 0;
};

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

    [[nodiscard]] Mirror& kernel_mirror() { return kernel_; }
    /// The mirror of a space's list window, made when it is first asked for. Stays where it is until it is forgotten.
    [[nodiscard]] Mirror& list_mirror(Frame directory);
    void forget_directory(Frame directory);

    // -- processors: they enter themselves ------------------------------------------------------------------------------

    void enter(Processor& processor);
    void leave(Processor& processor);
    template <typename Visitor>
    void for_each_processor(Visitor&& visit) {
        const std::lock_guard guard(lock_);
        for (Processor* processor : processors_) visit(*processor);
    }

private:
    Frame end_;
    int file_;
    std::byte* ram_;
    Mirror kernel_;
    std::mutex lock_;
    std::map<std::uint32_t, std::unique_ptr<Mirror>> list_mirrors_;  ///< by directory frame
    std::vector<Processor*> processors_;
};

}  // namespace quire::hosted
