#include "ports/linux/debug/blocks.hpp"

#include <sys/mman.h>

#include <cstring>
#include <new>

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

Blocks::Header& Blocks::header_of(const void* block) {
    return static_cast<Header*>(const_cast<void*>(block))[-1];
}

bool Blocks::is_large(std::size_t bytes, std::size_t alignment) {
    return bytes >= kLarge || alignment >= kLarge;
}

void* Blocks::allocate(std::size_t bytes, std::size_t alignment) {
    const auto whole = checked_add(bytes, alignment);  // the header, and up to `alignment` to get there
    if (!whole) return nullptr;
    std::byte* start = nullptr;
    PageCount mapped{};
    if (is_large(bytes, alignment)) {
        mapped = pages_for(*whole);
        start = static_cast<std::byte*>(pages_.acquire(mapped, pages_for(alignment)));
    } else {
        start = static_cast<std::byte*>(heap_.allocate(*whole, alignment));
        if (start == nullptr) {
            auto* const arena = static_cast<std::byte*>(pages_.acquire(kArena, PageCount{1}));
            if (arena == nullptr) return nullptr;
            if (!heap_.add({arena, kArena.value * kPageSize})) return nullptr;
            start = static_cast<std::byte*>(heap_.allocate(*whole, alignment));
        }
    }
    if (start == nullptr) return nullptr;
    std::byte* const block = start + alignment;
    new (block - sizeof(Header)) Header{start, mapped};
    return block;
}

void* Blocks::allocate_zeroed(std::size_t bytes, std::size_t alignment) {
    void* const block = allocate(bytes, alignment);
    // Fresh mappings are zero.
    if (block != nullptr && header_of(block).mapped == PageCount{}) std::memset(block, 0, bytes);
    return block;
}

void Blocks::free(void* block) {
    const Header header = header_of(block);
    if (header.mapped == PageCount{})
        heap_.free(header.start);
    else
        pages_.release(header.start, header.mapped);
}

std::size_t Blocks::usable_size(const void* block) const {
    const Header& header = header_of(block);
    const auto before = static_cast<std::size_t>(static_cast<const std::byte*>(block) - header.start);
    return (header.mapped == PageCount{} ? heap_.usable_size(header.start) : header.mapped.value * kPageSize) - before;
}

}  // namespace quire::linux_debug
