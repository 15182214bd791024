#include "ports/hosted/computer.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include "quire/base/defect.hpp"

namespace quire::hosted {

namespace {
constexpr PageRange kList = port::Machine::kListWindow;
constexpr Page kKernelFirst{0xC0000};
constexpr Page kKernelEnd{0xFF800};
}  // namespace

/// Host addresses for a range of simulated kernel pages; each shows the RAM frame that is mapped there, or faults.
class Computer::Mirror {
public:
    Mirror(int file, PageRange pages) : file_(file), pages_(pages) {
        void* place = mmap(nullptr, bytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        require(place != MAP_FAILED, "the host has no addresses for a mirror");
        base_ = static_cast<std::byte*>(place);
    }
    ~Mirror() { munmap(base_, bytes()); }
    Mirror(const Mirror&) = delete;
    Mirror& operator=(const Mirror&) = delete;

    [[nodiscard]] std::byte* at(Page page) const { return base_ + ((page - pages_.first).value << kPageShift); }
    void show(Page page, port::HostedEntry entry) const {
        void* shown = nullptr;
        if (entry.present()) {
            const int rights = entry.rights().include(Rights::write) ? PROT_READ | PROT_WRITE : PROT_READ;
            shown = mmap(at(page), kPageSize, rights, MAP_SHARED | MAP_FIXED, file_,
                         static_cast<off_t>(address_of(entry.frame()).value));
        } else {
            shown =
                mmap(at(page), kPageSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
        }
        require(shown != MAP_FAILED, "the host cannot show a frame");
    }

private:
    [[nodiscard]] std::size_t bytes() const { return pages_.count().value << kPageShift; }
    int file_;
    PageRange pages_;
    std::byte* base_ = nullptr;
};

Computer::Computer(Frame end) : end_(end), file_(memfd_create("quire-ram", MFD_CLOEXEC)) {
    require(file_ >= 0, "the host has no memory file for RAM");
    const auto bytes = address_of(end).value;
    require(ftruncate(file_, static_cast<off_t>(bytes)) == 0, "the host refuses that much RAM");
    void* place = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file_, 0);
    require(place != MAP_FAILED, "the host refuses that much RAM");
    ram_ = static_cast<std::byte*>(place);
    kernel_ = std::make_unique<Mirror>(file_, PageRange{kKernelFirst, kKernelEnd});
}

Computer::~Computer() {
    list_mirrors_.clear();
    kernel_.reset();
    munmap(ram_, address_of(end_).value);
    close(file_);
}

std::byte* Computer::ram(Frame frame) const {
    require(frame < end_, "a frame beyond the end of RAM was used");
    return ram_ + address_of(frame).value;
}

std::byte* Computer::mirror(Frame directory, Page page) {
    if (!kList.contains(page)) return kernel_->at(page);
    auto& mirror = list_mirrors_[directory.number];
    if (!mirror) mirror = std::make_unique<Mirror>(file_, kList);
    return mirror->at(page);
}

void Computer::show(Frame directory, Page page, port::HostedEntry entry) {
    if (!kList.contains(page)) {
        kernel_->show(page, entry);
        return;
    }
    (void)mirror(directory, page);
    list_mirrors_[directory.number]->show(page, entry);
}

void Computer::forget_directory(Frame directory) {
    list_mirrors_.erase(directory.number);
}

thread_local Processor* Processor::current_ = nullptr;

Processor& Processor::current() {
    require(current_ != nullptr, "this thread has not entered a processor");
    return *current_;
}

void Processor::activate(Frame directory) {
    directory_ = directory;
    cached_.clear();
}

void Processor::flush_user() {
    cached_.clear();
}

Result<std::uint8_t> Processor::load(VirtualAddress address) {
    const auto place = reach(address, Access::read);
    if (!place) return fail(place.error());
    return static_cast<std::uint8_t>(**place);
}

Result<void> Processor::store(VirtualAddress address, std::uint8_t value) {
    const auto place = reach(address, Access::write);
    if (!place) return fail(place.error());
    **place = std::byte{value};
    return {};
}

Result<std::byte*> Processor::reach(VirtualAddress address, Access access) {
    // A handler that reports success without mending the page would be asked for ever; a real program would hang.
    for (int attempt = 0; attempt < 4; ++attempt) {
        if (std::byte* place = translate(address, access)) return place;
        ++faults_;
        require(static_cast<bool>(handler_), "a page fault without a handler");
        if (const auto resolved = handler_(address, access); !resolved) return fail(resolved.error());
    }
    defect("the fault handler says resolved, but the page still faults");
}

/// What the memory-management unit does; nullptr is a page fault.
std::byte* Processor::translate(VirtualAddress address, Access access) {
    using port::HostedEntry;
    const Page page = address.page();
    const auto allows = [&](HostedEntry entry) {
        return entry.present() && (entry.bits() & HostedEntry::kUser) != 0 &&
               (access != Access::write || (entry.bits() & HostedEntry::kWritable) != 0);
    };
    const auto cached = cached_.find(page.number);
    if (cached != cached_.end()) {
        const bool first_write = access == Access::write && !cached->second.dirty();
        if (allows(cached->second) && !first_write) return computer_.ram(cached->second.frame()) + address.offset();
        cached_.erase(cached);  // a fault, and a first write, look at the tables again (SDM 4.10.4.1)
    }
    std::uint32_t& directory_entry = computer_.table(directory_)[page.number / port::Machine::kPagesPerTable];
    if (!HostedEntry::from_bits(directory_entry).present()) return nullptr;
    std::uint32_t* const table = computer_.table(HostedEntry::from_bits(directory_entry).frame());
    std::uint32_t& place = table[page.number % port::Machine::kPagesPerTable];
    if (!allows(HostedEntry::from_bits(place))) return nullptr;
    directory_entry |= HostedEntry::kAccessed;
    place |= HostedEntry::kAccessed | (access == Access::write ? HostedEntry::kDirty : 0U);
    const auto entry = HostedEntry::from_bits(place);
    cached_[page.number] = entry;
    return computer_.ram(entry.frame()) + address.offset();
}

}  // namespace quire::hosted
