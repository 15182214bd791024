#include "quire/heap/page_map.hpp"

#include <algorithm>

namespace quire {

bool PageMap::prepare(PageRange pages) {
    if (!range_.contains(pages)) return false;
    const std::size_t first = (pages.first - range_.first).value / kLeafEntries;
    const std::size_t last = (pages.end - range_.first - PageCount{1}).value / kLeafEntries;
    for (std::size_t i = first; i <= last; ++i) {
        if (leaves_[i] != nullptr) continue;
        auto** const leaf = static_cast<Slab**>(source_.acquire(PageCount{1}, PageCount{1}));
        if (leaf == nullptr) return false;
        std::fill_n(leaf, kLeafEntries, nullptr);
        leaves_[i] = leaf;
        own_pages_ += PageCount{1};
    }
    return true;
}

void PageMap::set(PageRange pages, Slab* slab) {
    for (Page page = pages.first; page < pages.end; page = page + PageCount{1}) {
        const std::size_t index = (page - range_.first).value;
        leaves_[index / kLeafEntries][index % kLeafEntries] = slab;
    }
}

}  // namespace quire
