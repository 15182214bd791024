#include "quire/heap/descriptor_pool.hpp"

#include <cstring>
#include <new>

namespace quire {

std::size_t DescriptorPool::bytes_of(std::size_t order) {
    const std::size_t words = order == 0 ? 0 : std::size_t{1} << (order - 1);
    const std::size_t bytes = sizeof(Slab) + 2 * words * sizeof(Slab::Word);
    return (bytes + alignof(Slab) - 1) / alignof(Slab) * alignof(Slab);
}

Slab* DescriptorPool::take(std::size_t words) {
    const std::size_t order = order_of(words);
    Slab* slab = free_[order];
    if (slab != nullptr) {
        free_[order] = slab->next_of_all;
        slab->next_of_all = nullptr;
    } else {
        const std::size_t bytes = bytes_of(order);
        if (static_cast<std::size_t>(end_ - next_) < bytes) {
            void* const pages = source_.acquire(kGrowth, PageCount{1});
            if (pages == nullptr) return nullptr;
            own_pages_ += kGrowth;
            next_ = static_cast<std::byte*>(pages);
            end_ = next_ + kGrowth.value * kPageSize;
        }
        slab = new (next_) Slab;
        next_ += bytes;
    }
    std::memset(slab->free_words(), 0, 2 * words * sizeof(Slab::Word));
    return slab;
}

void DescriptorPool::give(Slab& slab, std::size_t words) {
    const std::size_t order = order_of(words);
    slab.next_of_all = free_[order];
    free_[order] = &slab;
}

}  // namespace quire
