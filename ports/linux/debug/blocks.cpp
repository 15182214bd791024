#include "ports/linux/debug/blocks.hpp"

#include <sys/mman.h>

#include "quire/base/checked.hpp"

namespace quire::linux_debug {

void* Pages::acquire(PageCount count, PageCount alignment) {
    const auto more = checked_add(count.value, alignment.value - 1);
    if (!more || *more > ~std::size_t{0} / kPageSize) return nullptr;
    const std::size_t whole = *more * kPageSize;
    const std::size_t bytes = count.value * kPageSize;
    void* const place = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) return nullptr;
    auto* const start = static_cast<std::byte*>(place);
    const auto address = reinterpret_cast<std::uintptr_t>(place);
    const std::size_t before = *align_up(address, alignment.value * kPageSize) - address;
    const std::size_t behind = whole - before - bytes;
    if (before != 0) munmap(start, before);
    if (behind != 0) munmap(start + before + bytes, behind);
    return start + before;
}

void Pages::release(void* first, PageCount count) {
    munmap(first, count.value * kPageSize);
}

}  // namespace quire::linux_debug
