#pragma once
/// A space for cases that need one: active, with one readable and writable zero-fill region, and with trap handlers
/// that resolve its faults. The destructor brings everything back.

#include <cstddef>

#include "kernel/cpu/trap.hpp"
#include "quire/space/space.hpp"

namespace quire::kernel {

class TestSpace {
public:
    static constexpr Page kFirst{0x10};
    static constexpr PageCount kPages{64};

    TestSpace();
    ~TestSpace();
    TestSpace(const TestSpace&) = delete;
    TestSpace& operator=(const TestSpace&) = delete;

    /// Everything worked; otherwise the case has failed already.
    [[nodiscard]] bool ready() const { return ready_; }
    [[nodiscard]] Space& space() { return space_; }
    [[nodiscard]] static VirtualAddress start() { return address_of(kFirst); }
    [[nodiscard]] static VirtualAddress end() { return address_of(kFirst + kPages); }

private:
    static bool resolve(TrapFrame& frame, const PageFault& fault);
    static inline constinit TestSpace* active_ = nullptr;

    TrapHandlers before_;
    Space space_;
    bool ready_ = false;
};

}  // namespace quire::kernel
