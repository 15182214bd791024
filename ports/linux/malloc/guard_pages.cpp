#include "ports/linux/malloc/guard_pages.hpp"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "quire/base/address.hpp"

namespace quire::linux_port {

namespace {

constexpr int kInstall = 102;  // MADV_GUARD_INSTALL and MADV_GUARD_REMOVE, unknown to older headers
constexpr int kRemove = 103;

enum class Means : std::uint8_t {
    unknown,
    marks,
    both,  ///< and nobody knows where which
    protection,
};
constinit std::atomic<Means> means{Means::unknown};

/// Asked for where nothing can be mapped: who knows the call says so, and who does not refuses it. Emulators that take any advice
/// for done say nothing.
Means ask() {
    void* const beyond = reinterpret_cast<void*>(~std::uintptr_t{0} - 2 * kPageSize + 1);
    return madvise(beyond, kPageSize, kInstall) != 0 && errno == ENOMEM ? Means::marks : Means::protection;
}

Means known_means() {
    const Means known = means.load(std::memory_order_relaxed);
    if (known != Means::unknown) return known;
    Means before = Means::unknown;
    const Means found = ask();
    return means.compare_exchange_strong(before, found, std::memory_order_relaxed) ? found : before;
}

}  // namespace

void make_guard(void* first, std::size_t bytes) {
    const Means by = known_means();
    if (by != Means::protection) {
        if (madvise(first, bytes, kInstall) == 0) return;
        means.store(Means::both, std::memory_order_relaxed);
    }
    // As marks do: the page may be wanted again as one that reads as zeroes. Locked ones (mlockall(2)) keep their frames.
    if (madvise(first, bytes, MADV_DONTNEED) != 0) std::memset(first, 0, bytes);
    mprotect(first, bytes, PROT_NONE);
}

void end_guard(void* first, std::size_t bytes) {
    const Means by = known_means();
    if (by != Means::protection) madvise(first, bytes, kRemove);
    if (by != Means::marks) mprotect(first, bytes, PROT_READ | PROT_WRITE);
}

}  // namespace quire::linux_port
