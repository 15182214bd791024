#include "kernel/console/input.hpp"

#include <algorithm>

#include "kernel/console/serial.hpp"

namespace quire::kernel {

constinit InputStream standard_input;

/// Reads the header of the next frame as far as it has come.
void InputStream::take_header() {
    while (!ended_ && left_ == 0) {
        std::byte byte{};
        if (serial_read({&byte, 1}) == 0) return;
        header_ |= std::to_integer<std::uint32_t>(byte) << (8 * header_bytes_);
        if (++header_bytes_ < 2) continue;
        left_ = header_;
        ended_ = header_ == 0;
        header_ = 0;
        header_bytes_ = 0;
    }
}

InputStream::Read InputStream::read(std::span<std::byte> out) {
    if (!framed_) return {serial_read(out), false};
    std::size_t total = 0;
    while (total < out.size()) {
        take_header();
        const auto part = out.subspan(total, std::min<std::size_t>(left_, out.size() - total));
        const std::size_t count = serial_read(part);
        if (count == 0) break;
        left_ -= static_cast<std::uint32_t>(count);
        total += count;
    }
    return {total, total == 0 && ended_};
}

bool InputStream::readable() {
    if (framed_) {
        take_header();
        if (ended_) return true;
        if (left_ == 0) return false;
    }
    return serial_readable() != 0;
}

}  // namespace quire::kernel
