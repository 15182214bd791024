#pragma once
/// The registers of a serial port's chip, as offsets from its base port. National Semiconductor PC16550D data sheet.

#include <cstdint>

namespace quire::kernel::uart {

inline constexpr std::uint16_t kData = 0;             // with the divisor latch open: divisor, low
inline constexpr std::uint16_t kInterruptEnable = 1;  // with the divisor latch open: divisor, high
inline constexpr std::uint16_t kFifoControl = 2;      // written
inline constexpr std::uint16_t kInterruptIdent = 2;   // read
inline constexpr std::uint16_t kLineControl = 3;
inline constexpr std::uint16_t kModemControl = 4;
inline constexpr std::uint16_t kLineStatus = 5;
inline constexpr std::uint16_t kScratch = 7;

inline constexpr std::uint8_t kReceiveInterrupt = 0x01;  // interrupt enable
inline constexpr std::uint8_t kDivisorLatch = 0x80;      // line control
inline constexpr std::uint8_t kEightBitsNoParity = 0x03;
inline constexpr std::uint8_t kFifoOnAndEmpty = 0xC7;  // fifo control; interrupt at 14 bytes, or when no more come
inline constexpr std::uint32_t kTriggerLevel = 14;     // of kFifoOnAndEmpty, bytes
inline constexpr std::uint8_t kCause = 0x0F;           // interrupt identification
inline constexpr std::uint8_t kDataAvailable = 0x04;
inline constexpr std::uint8_t kFifoWorks = 0xC0;              // interrupt identification
inline constexpr std::uint8_t kReadyAndInterruptLine = 0x0B;  // DTR, RTS, OUT2: without OUT2 no interrupt gets out
inline constexpr std::uint8_t kLoopback = 0x10;
inline constexpr std::uint8_t kDataReady = 0x01;  // line status
inline constexpr std::uint8_t kHoldingEmpty = 0x20;
inline constexpr std::uint8_t kAllSent = 0x40;

}  // namespace quire::kernel::uart
