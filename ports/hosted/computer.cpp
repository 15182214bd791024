#include "ports/hosted/computer.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "quire/base/defect.hpp"

namespace quire::hosted {

namespace {
constexpr PageRange kMirroredKernel{Page{0xC0000}, Page{0xFF800}};

int make_ram_file(Frame end) {
    const int file = memfd_create("quire-ram", MFD_CLOEXEC);
    require(file >= 0, "the host has no memory file for RAM");
    require(ftruncate(file, static_cast<off_t>(address_of(end).value)) == 0, "the host refuses that much RAM");
    return file;
}

std::byte* map_ram(int file, Frame end) {
    void* const place =
        mmap(nullptr, address_of(end).value, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
    require(place != MAP_FAILED, "the host refuses that much RAM");
    return static_cast<std::byte*>(place);
}
}  // namespace

Mirror::Mirror(int file, PageRange pages) : file_(file), pages_(pages), shown_(pages.count().value) {
    void* const place = mmap(nullptr, bytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    require(place != MAP_FAILED, "the host has no addresses for a mirror");
    base_ = static_cast<std::byte*>(place);
}

Mirror::~Mirror() {
    munmap(base_, bytes());
}

void Mirror::changed(Page page, port::HostedEntry entry) {
    if (!shown(page).present()) flush(page, entry);
}

void Mirror::flush(Page page, port::HostedEntry entry) {
    if (shown(page) == entry) return;
    count_ -= shown(page).present() ? 1U : 0U;
    count_ += entry.present() ? 1U : 0U;
    shown(page) = entry;
    void* place = nullptr;
    if (entry.present()) {
        const int rights = entry.rights().include(Rights::write) ? PROT_READ | PROT_WRITE : PROT_READ;
        place = mmap(at(page), kPageSize, rights, MAP_SHARED | MAP_FIXED, file_,
                     static_cast<off_t>(address_of(entry.frame()).value));
    } else {
        place = mmap(at(page), kPageSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    }
    require(place != MAP_FAILED, "the host cannot show a frame");
}

Computer::Computer(Frame end)
    : end_(end), file_(make_ram_file(end)), ram_(map_ram(file_, end)), kernel_(file_, kMirroredKernel) {}

Computer::~Computer() {
    munmap(ram_, address_of(end_).value);
    close(file_);
}

std::byte* Computer::ram(Frame frame) const {
    require(frame < end_, "a frame beyond the end of RAM was used");
    return ram_ + address_of(frame).value;
}

Mirror& Computer::list_mirror(Frame directory) {
    const std::lock_guard guard(lock_);
    auto& mirror = list_mirrors_[directory.number];
    if (!mirror) mirror = std::make_unique<Mirror>(file_, port::Machine::kListWindow);
    return *mirror;
}

void Computer::forget_directory(Frame directory) {
    const std::lock_guard guard(lock_);
    list_mirrors_.erase(directory.number);
}

void Computer::enter(Processor& processor) {
    const std::lock_guard guard(lock_);
    processors_.push_back(&processor);
}

void Computer::leave(Processor& processor) {
    const std::lock_guard guard(lock_);
    std::erase(processors_, &processor);
}

}  // namespace quire::hosted
