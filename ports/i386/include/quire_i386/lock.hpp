#pragma once
/// The lock of a machine with one processor: nobody else runs while interrupts are off. The interrupt flag comes
/// back as it was, so that locks nest.

#include <cstdint>

#include "quire/base/defect.hpp"
#include "quire/base/lock.hpp"

namespace quire::port {

class QUIRE_CAPABILITY Lock {
public:
    constexpr Lock() = default;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    void lock() QUIRE_ACQUIRE() {
        std::uint32_t flags = 0;
        asm volatile("pushfl\n\tpopl %0\n\tcli" : "=r"(flags) : : "memory");
        require(!held_, "lock taken twice");
        held_ = true;
        flags_ = flags;
    }
    void unlock() QUIRE_RELEASE() {
        require(held_, "lock released that is not held");
        held_ = false;
        constexpr std::uint32_t kInterrupts = 1U << 9;
        asm volatile("" : : : "memory");
        if ((flags_ & kInterrupts) != 0) asm volatile("sti" : : : "memory");
    }

private:
    std::uint32_t flags_ = 0;  // eflags of the owner before lock(); valid while held_
    bool held_ = false;
};

}  // namespace quire::port
