#include "quire/heap/descriptor_pool.hpp"

#include <cstring>
#include <new>

namespace quire {

Slab* DescriptorPool::take(std::size_t words) {
    const std::size_t order = order_of(words);
    Slab* slab = free_[order];
    if (slab != nullptr) {
        unlist(*slab, order);
    } else {
        slab = make(order);
        if (slab == nullptr) return nullptr;
    }
    Header& page = page_of(*slab);
    if (page.live++ == 0 && &page != current_) --spares_;
    slab->words = static_cast<std::uint16_t>(words);
    new (&slab->owned()) Slab::Owned;
    std::memset(slab->free_words(), 0, (Slab::returned_at(words) + words) * sizeof(Slab::Word));
    return slab;
}

void DescriptorPool::give(Slab& slab, std::size_t words) {
    list(slab, order_of(words));
    Header& page = page_of(slab);
    if (--page.live != 0 || &page == current_) return;
    // Some are kept, so that slabs which come and go do not bring pages each time.
    if (spares_ < kHeapShape.spare_descriptor_pages || !source_.takes_descriptors_back())
        ++spares_;
    else
        release(page);
}

Slab* DescriptorPool::make(std::size_t order) {
    static_assert(sizeof(Header) + bytes_of(kOrders - 1) <= kPageSize);
    const std::size_t bytes = bytes_of(order);
    const bool fits = current_ != nullptr && reinterpret_cast<std::byte*>(current_) + kPageSize >= next_ + bytes;
    if (!fits && !next_page()) return nullptr;
    auto* const slab = new (next_) Slab;
    next_ += bytes;
    ++current_->made;
    return slab;
}

/// What is left of the current page is less than a descriptor; such pages differ from others only in that.
bool DescriptorPool::next_page() {
    std::byte* page = nullptr;
    if (untouched_.value != 0) {
        page = reinterpret_cast<std::byte*>(current_) + kPageSize;
    } else {
        const PageCount growth = source_.takes_descriptors_back() ? PageCount{1} : kUnitPages;
        page = static_cast<std::byte*>(source_.acquire(growth, PageCount{1}));
        if (page == nullptr) return false;
        own_pages_ += growth;
        untouched_ = growth;
    }
    untouched_ -= PageCount{1};
    if (current_ != nullptr && current_->live == 0) ++spares_;
    current_ = new (page) Header;
    next_ = page + sizeof(Header);
    return true;
}

void DescriptorPool::list(Slab& slab, std::size_t order) {
    slab.previous_of_all = nullptr;
    slab.next_of_all = free_[order];
    if (slab.next_of_all != nullptr) slab.next_of_all->previous_of_all = &slab;
    free_[order] = &slab;
}

void DescriptorPool::unlist(Slab& slab, std::size_t order) {
    (slab.previous_of_all == nullptr ? free_[order] : slab.previous_of_all->next_of_all) = slab.next_of_all;
    if (slab.next_of_all != nullptr) slab.next_of_all->previous_of_all = slab.previous_of_all;
    slab.next_of_all = slab.previous_of_all = nullptr;
}

void DescriptorPool::release(Header& page) {
    auto* at = reinterpret_cast<std::byte*>(&page) + sizeof(Header);
    for (std::uint32_t i = 0; i < page.made; ++i) {
        Slab& slab = *std::launder(reinterpret_cast<Slab*>(at));
        const std::size_t order = order_of(slab.words);
        unlist(slab, order);
        at += bytes_of(order);
    }
    own_pages_ -= PageCount{1};
    source_.release(&page, PageCount{1});
}

}  // namespace quire
