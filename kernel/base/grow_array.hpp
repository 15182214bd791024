#pragma once
/// An array that grows, for a kernel in which growing may fail: std::vector could only abort.

#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace quire::kernel {

/// Elements are plain values; new ones are value-initialised.
template <typename T>
    requires std::is_trivially_copyable_v<T>
class GrowArray {
public:
    GrowArray() = default;
    GrowArray(const GrowArray&) = delete;
    GrowArray& operator=(const GrowArray&) = delete;
    GrowArray(GrowArray&& other) noexcept
        : items_(std::exchange(other.items_, nullptr)),
          size_(std::exchange(other.size_, 0)),
          capacity_(std::exchange(other.capacity_, 0)) {}
    ~GrowArray() { delete[] items_; }

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    T& operator[](std::size_t index) { return items_[index]; }
    const T& operator[](std::size_t index) const { return items_[index]; }
    [[nodiscard]] std::span<T> all() { return {items_, size_}; }
    [[nodiscard]] std::span<const T> all() const { return {items_, size_}; }

    /// False when there is no memory; then nothing has changed. Making it smaller always succeeds.
    [[nodiscard]] bool resize(std::size_t size) {
        if (size > capacity_ && !grow(size)) return false;
        for (std::size_t i = size_; i < size; ++i) items_[i] = T{};
        size_ = size;
        return true;
    }
    [[nodiscard]] bool push_back(const T& item) {
        if (!resize(size_ + 1)) return false;
        items_[size_ - 1] = item;
        return true;
    }

private:
    bool grow(std::size_t size) {
        std::size_t capacity = capacity_ < 4 ? 4 : capacity_;
        while (capacity < size) capacity *= 2;
        T* const items = new (std::nothrow) T[capacity];
        if (items == nullptr) return false;
        for (std::size_t i = 0; i < size_; ++i) items[i] = items_[i];
        delete[] items_;
        items_ = items;
        capacity_ = capacity;
        return true;
    }
    T* items_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace quire::kernel
