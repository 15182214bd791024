#include "ports/linux/malloc/mapped_pages.hpp"

#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "ports/linux/malloc/guard_pages.hpp"
#include "quire/base/checked.hpp"
#include "quire/base/defect.hpp"

namespace quire::linux_port {

namespace {

std::byte* map_anywhere(std::size_t bytes) {
    const int saved_errno = errno;
    void* const place =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    errno = saved_errno;
    return place == MAP_FAILED ? nullptr : static_cast<std::byte*>(place);
}

std::byte* at_or_above(std::byte* place, std::size_t alignment) {
    const auto address = reinterpret_cast<std::uintptr_t>(place);
    return place + ((address + alignment - 1) / alignment * alignment - address);
}

/// With one call for many: a fiftieth of the time. False: not all of it was done, because Linux is older than 6.14, or forbids it.
bool purge_together(std::span<const PageRun> runs) {
    constexpr long kProcessMadvise = 440;  // unknown to older headers, as is
    constexpr int kSelf = -10000;          // PIDFD_SELF_THREAD
    constexpr std::size_t kMost = 64;
    static constinit std::atomic<bool> refused = false;
    if (runs.size() > kMost || refused.load(std::memory_order_relaxed)) return false;
    std::array<iovec, kMost> ranges;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        ranges[i] = {.iov_base = runs[i].first, .iov_len = runs[i].count.value * kPageSize};
        bytes += ranges[i].iov_len;
    }
    const long done = syscall(kProcessMadvise, kSelf, ranges.data(), runs.size(), MADV_DONTNEED, 0);
    if (done < 0) refused.store(true, std::memory_order_relaxed);
    return done == static_cast<long>(bytes);
}

}  // namespace

void* MappedPages::map(PageCount count, PageCount alignment, bool fenced) {
    const auto bytes = checked_multiply(count.value, kPageSize);
    const std::size_t fence = fenced ? kPageSize : 0;
    // Mapped with so much to spare that it can be aligned; what lies before and behind goes back.
    const std::size_t slack = alignment.value * kPageSize - kPageSize;
    const auto whole = bytes ? checked_add(*bytes, fence + slack) : std::nullopt;
    if (!whole || *whole > ~std::size_t{0} / 2) return nullptr;
    const int saved_errno = errno;
    std::byte* const place = map_anywhere(*whole);
    if (place == nullptr) {
        errno = saved_errno;
        return nullptr;
    }
    std::byte* const first = at_or_above(place + fence, alignment.value * kPageSize);
    std::byte* const begin = first - fence;
    std::byte* const end = first + *bytes;
    if (begin != place) munmap(place, static_cast<std::size_t>(begin - place));
    if (end != place + *whole) munmap(end, static_cast<std::size_t>(place + *whole - end));
    if (fenced) make_guard(begin, kPageSize);
    errno = saved_errno;
    return first;
}

void MappedPages::unmap(void* first, PageCount count, bool fenced) {
    const std::size_t fence = fenced ? kPageSize : 0;
    const int saved_errno = errno;
    // Linux refuses only when it would have to split a mapping and there are too many already.
    if (munmap(static_cast<std::byte*>(first) - fence, count.value * kPageSize + fence) != 0)
        madvise(first, count.value * kPageSize, MADV_DONTNEED);
    errno = saved_errno;
}

void MappedPages::protect(void* first, PageCount count, bool usable) {
    const int saved_errno = errno;
    (usable ? end_guard : make_guard)(first, count.value * kPageSize);
    errno = saved_errno;
}

void MappedPages::get_frames(void* first, PageCount count) {
    constexpr int kPopulateWrite =
        23;  // MADV_POPULATE_WRITE, Linux 5.14; unknown to older headers, and refused by older kernels
    const int saved_errno = errno;
    madvise(first, count.value * kPageSize, kPopulateWrite);
    errno = saved_errno;
}

bool MappedPages::have_frames(const void* first, PageCount count) {
    constexpr std::size_t kMost = 256;
    std::array<unsigned char, kMost> resident{};
    const std::size_t pages = std::min(count.value, kMost);
    auto* const last = static_cast<std::byte*>(const_cast<void*>(first)) + (count.value - pages) * kPageSize;
    const int saved_errno = errno;
    mincore(last, pages * kPageSize, resident.data());
    errno = saved_errno;
    const auto with = std::ranges::count_if(resident, [](unsigned char page) { return (page & 1U) != 0; });
    return static_cast<std::size_t>(with) >= pages - pages / 4;
}

void MappedPages::purge(std::span<const PageRun> runs) {
    const int saved_errno = errno;
    if (runs.size() == 1 || !purge_together(runs)) {
        for (const auto& [first, count] : runs) {
            // Locked pages (mlockall(2)) keep their frames; they must read as zeroes all the same.
            if (madvise(first, count.value * kPageSize, MADV_DONTNEED) != 0)
                std::memset(first, 0, count.value * kPageSize);
        }
    }
    errno = saved_errno;
}

bool MappedPages::move(void* from, PageCount count, void* to) {
    // MREMAP_DONTUNMAP, Linux 5.7; unknown to older headers. Without it there would be a hole, and somebody else's mapping could
    // be in it before the heap knows that the addresses are gone.
    constexpr int kDontUnmap = 4;
    const std::size_t bytes = count.value * kPageSize;
    const int saved_errno = errno;
    void* const moved = mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED | kDontUnmap, to);
    errno = saved_errno;
    return moved == to;
}

std::uint64_t MappedPages::now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1000 + static_cast<std::uint64_t>(time.tv_nsec) / 1'000'000;
}

void* OwnPages::acquire(PageCount count, PageCount alignment) {
    require(alignment.value == 1, "the heap's own pages need no alignment");
    if (count.value == 1 && returned_count_ != 0) return returned_[--returned_count_];
    if (count > left_) {
        const PageCount growth = std::max(count, kGrowth);
        auto* const place = static_cast<std::byte*>(pages_.map(growth + PageCount{1}, alignment, true));
        if (place == nullptr) return nullptr;
        pages_.protect(place + growth.value * kPageSize, PageCount{1}, false);
        next_ = place;
        left_ = growth;
    }
    std::byte* const first = next_;
    next_ += count.value * kPageSize;
    left_ -= count;
    return first;
}

void OwnPages::release(void* first, PageCount count) {
    // Not takes_descriptors_back(): a second heap may have been announced since the caller asked.
    require(count.value == 1 && returned_count_ < returned_.size(),
            "of the heap's own pages only single ones are given back");
    const PageRun page{first, count};
    pages_.purge({&page, 1});
    returned_[returned_count_++] = first;
}

}  // namespace quire::linux_port
