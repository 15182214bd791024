#pragma once
/// Kernel objects that come from a cache of their own: `new (std::nothrow) T` and `delete` as ever, but the size is looked up
/// when the kernel is compiled, and the `heap` command counts them by name.
///
///     class Pipe : public FromCache<Pipe> {
///     public:
///         static constexpr const char* kCacheName = "pipe";

#include <cstddef>
#include <new>

#include "kernel/memory/kmalloc.hpp"
#include "quire/base/defect.hpp"
#include "quire/heap/object_cache.hpp"

namespace quire::kernel {

/// T is final, or nobody derives from it: an object of another size is a defect.
template <typename T>
class FromCache {
public:
    static void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
        require(bytes == sizeof(T), "an object of another type in a cache");
        return cache().allocate(Wait::may);
    }
    static void operator delete(void* object) {
        if (object != nullptr) cache().free(object);
    }
    static void operator delete(void* object, const std::nothrow_t&) noexcept { operator delete(object); }

    [[nodiscard]] static ObjectCache<T>& cache() {
        // The kernel never ends, so neither do its caches.
        [[clang::no_destroy]] static constinit ObjectCache<T> objects{kernel_heap_storage.heap, T::kCacheName};
        return objects;
    }

private:
    FromCache() = default;
    friend T;
};

}  // namespace quire::kernel
