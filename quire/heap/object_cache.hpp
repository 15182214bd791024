#pragma once
/// Objects of one type, from a heap: the size is looked up when this is compiled, every object is aligned as its type wants,
/// and there are counts for each type. The blocks are those of the heap's slabs, shared with whatever else has their size,
/// so a cache keeps no memory of its own and there is nothing to tune.
///
///      static constinit ObjectCache<Inode> inodes{heap, "inode"};
///      const Cached<Inode> inode = inodes.make(Wait::may, number);    // gone at the end of the scope
///      Inode* const other = inodes.create(Wait::never, number);       // until inodes.destroy(other)

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "quire/base/checked.hpp"
#include "quire/heap/heap.hpp"

namespace quire {

template <typename T>
class ObjectCache;

/// Gives an object back to its cache.
template <typename T>
class ObjectDeleter {
public:
    constexpr ObjectDeleter() = default;
    explicit ObjectDeleter(ObjectCache<T>& cache) : cache_(&cache) {}
    void operator()(T* object) const { cache_->destroy(object); }

private:
    ObjectCache<T>* cache_ = nullptr;
};

template <typename T>
using Cached = std::unique_ptr<T, ObjectDeleter<T>>;

/// Locked by its heap. All functions: as Heap's, with the same defects.
template <typename T>
class ObjectCache {
public:
    /// `heap` need not have been built yet. `name` is for reports, and stays.
    constexpr ObjectCache(Heap& heap, const char* name) : heap_(heap) {
        counts_.name = name;
        counts_.object_bytes = sizeof(T);
        counts_.block_bytes = block_bytes();
    }
    ObjectCache(const ObjectCache&) = delete;
    ObjectCache& operator=(const ObjectCache&) = delete;
    /// A defect if there are still objects.
    ~ObjectCache() { heap_.forget(counts_); }

    /// A new object; nullptr when there is no memory.
    template <typename... Arguments>
    [[nodiscard]] T* create(Wait wait, Arguments&&... arguments) {
        void* const place = allocate(wait);
        return place == nullptr ? nullptr : ::new (place) T(std::forward<Arguments>(arguments)...);
    }
    /// The same, for its holder's scope.
    template <typename... Arguments>
    [[nodiscard]] Cached<T> make(Wait wait, Arguments&&... arguments) {
        return Cached<T>(create(wait, std::forward<Arguments>(arguments)...), ObjectDeleter<T>(*this));
    }
    /// nullptr is fine.
    void destroy(T* object) {
        if (object == nullptr) return;
        object->~T();
        free(object);
    }

    /// Room for an object that the caller constructs and destroys: for a class's own operator new.
    [[nodiscard]] void* allocate(Wait wait) {
        return heap_.template allocate_object<sizeof(T), alignof(T)>(counts_, wait);
    }
    void free(void* place) { heap_.free_object(counts_, place); }

    /// Exact while nobody else uses the cache.
    [[nodiscard]] const ObjectCounts& counts() const { return counts_; }

private:
    static constexpr std::uint32_t block_bytes() {
        constexpr std::size_t number = aligned_class(sizeof(T), alignof(T));
        if constexpr (number < kSizeClasses)
            return size_class(number).bytes;
        else
            return static_cast<std::uint32_t>(pages_for(sizeof(T)).bytes());
    }

    Heap& heap_;
    ObjectCounts counts_;
};

}  // namespace quire
