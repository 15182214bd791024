#pragma once
/// Any frame at all, for a moment: eight pages of address space a processor, used as a stack.
///
///     0xFF7F'8000  slot 0   first window
///     …            slot 1   a second one while the first still shows
///     0xFF7F'F000  slot 7
///
/// A constructor writes the slot and flushes that page; nothing else can be cached there. Interrupt handlers
/// use no windows; a panic may, on top of those that it interrupted.

#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/base/defect.hpp"
#include "quire_i386/entry.hpp"
#include "quire_i386/layout.hpp"
#include "quire_i386/processor.hpp"

namespace quire::port {

class FrameWindow {
public:
    static constexpr unsigned kSlots = 8;
    static constexpr VirtualAddress kFirst{kListArea.value - kSlots * kPageSize};

    explicit FrameWindow(Frame frame) : index_(depth_++) {
        require(index_ < kSlots, "too many nested frame windows");
        auto* const tables = reinterpret_cast<std::uint32_t*>(kTables.value);
        Slot(tables + kFirst.page().number + index_).store(Entry::make(frame, Rights::read | Rights::write));
        invalidate({reinterpret_cast<std::uintptr_t>(data())});
    }
    ~FrameWindow() {
        --depth_;
        require(depth_ == index_, "frame windows released out of order");
    }
    FrameWindow(const FrameWindow&) = delete;
    FrameWindow& operator=(const FrameWindow&) = delete;

    /// The frame's 4096 bytes, page aligned.
    [[nodiscard]] std::byte* data() const { return reinterpret_cast<std::byte*>(kFirst.value + index_ * kPageSize); }
    [[nodiscard]] std::uint32_t* words() const { return reinterpret_cast<std::uint32_t*>(data()); }

private:
    static inline constinit unsigned depth_ = 0;  // of the one processor
    unsigned index_;
};

}  // namespace quire::port
