#pragma once
/// Guard pages where extents have become one: whoever cuts a span out of such an extent must end those in its middle, and need not
/// make one that is where the span ends.

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace quire {

/// A set of addresses in order, of limited size. O(addresses).
class Seams {
public:
    [[nodiscard]] bool full() const { return count_ == seams_.size(); }
    /// Not while it is full().
    void add(std::byte* page) {
        std::byte** const place = std::lower_bound(begin(), end(), page);
        std::copy_backward(place, end(), end() + 1);
        *place = page;
        ++count_;
    }
    /// Removes it. False: it is none.
    [[nodiscard]] bool take(const std::byte* page) {
        std::byte** const place = std::lower_bound(begin(), end(), page);
        if (place == end() || *place != page) return false;
        remove(place, place + 1);
        return true;
    }
    /// Removes all from `first` on and before `last`, and calls visit(page) for each.
    template <typename Visitor>
    void take_between(const std::byte* first, const std::byte* last, Visitor&& visit) {
        std::byte** const from = std::lower_bound(begin(), end(), first);
        std::byte** const to = std::lower_bound(from, end(), last);
        std::for_each(from, to, visit);
        remove(from, to);
    }
    /// Those from `first` on and before `last`, in order.
    [[nodiscard]] std::span<std::byte* const> between(const std::byte* first, const std::byte* last) const {
        std::byte* const* const from = std::lower_bound(seams_.data(), seams_.data() + count_, first);
        return {from, std::lower_bound(from, seams_.data() + count_, last)};
    }
    template <typename Visitor>
    void for_each(Visitor&& visit) const {
        std::for_each(seams_.data(), seams_.data() + count_, visit);
    }

private:
    [[nodiscard]] std::byte** begin() { return seams_.data(); }
    [[nodiscard]] std::byte** end() { return seams_.data() + count_; }
    void remove(std::byte** from, std::byte** to) {
        std::copy(to, end(), from);
        count_ -= static_cast<std::size_t>(to - from);
    }

    std::array<std::byte*, 256> seams_{};
    std::size_t count_ = 0;
};

}  // namespace quire
