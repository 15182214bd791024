#include "kernel/console/vga_text.hpp"

#include <algorithm>

#include "kernel/cpu/port_io.hpp"

namespace quire::kernel {

namespace {

constexpr std::uint32_t kCells = VgaText::kColumns * VgaText::kRows;

constexpr std::uint32_t kBufferCells = 0x8000 / sizeof(std::uint16_t);
constexpr unsigned kBufferRows = kBufferCells / VgaText::kColumns;

/// Physical 0xB8000, where kernel/boot/tables.cpp shows it.
std::span<std::uint16_t> frame_buffer() {
    return {reinterpret_cast<std::uint16_t*>(0xC00B'8000U), kBufferCells};
}

void write_controller(std::uint8_t high_register, unsigned value) {  // 6845: high byte, then low byte
    out8(0x3D4, high_register);
    out8(0x3D5, static_cast<std::uint8_t>(value >> 8));
    out8(0x3D4, static_cast<std::uint8_t>(high_register + 1));
    out8(0x3D5, static_cast<std::uint8_t>(value));
}
constexpr std::uint8_t kStartAddress = 0x0C;
constexpr std::uint8_t kCursorAddress = 0x0E;

constexpr std::uint16_t cell(char c, std::uint8_t attribute) {
    return static_cast<std::uint16_t>(attribute << 8 | static_cast<std::uint8_t>(c));
}

/// ANSI counts colours red, green, blue from bit 0, the screen blue, green, red.
constexpr std::uint8_t colour(unsigned ansi) {
    return static_cast<std::uint8_t>((ansi & 1U) << 2 | (ansi & 2U) | (ansi & 4U) >> 2);
}

}  // namespace

/// What is on the screen.
std::span<std::uint16_t> VgaText::cells() const {
    return frame_buffer().subspan(top_ * kColumns, kCells);
}

void VgaText::init() {
    *this = VgaText();
    write_controller(kStartAddress, 0);
    erase(0, kCells);
    show_cursor();
}

void VgaText::write(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) put(static_cast<char>(byte));
    show_cursor();
}

void VgaText::put(char c) {
    switch (state_) {
        case State::text:
            if (c == '\x1B')
                state_ = State::escape;
            else
                plain(c);
            return;
        case State::escape:
            parameters_ = {};
            parameter_count_ = 0;
            state_ = c == '[' ? State::sequence : State::text;
            return;
        case State::sequence:
            if (c >= '0' && c <= '9') {
                unsigned& value = parameters_[std::min(parameter_count_, kMaxParameters - 1)];
                value = std::min(value * 10 + static_cast<unsigned>(c - '0'), 9999U);
            } else if (c == ';') {
                ++parameter_count_;
            } else if (c >= '@') {
                state_ = State::text;
                finish_sequence(c);
            }
            return;
    }
}

void VgaText::plain(char c) {
    switch (c) {
        case '\n':
            line_feed();
            column_ = 0;
            return;
        case '\r': column_ = 0; return;
        case '\b':
            if (column_ > 0) --column_;
            return;
        case '\t': column_ = std::min(column_ / 8 * 8 + 8, kColumns - 1); return;
        default: break;
    }
    if (static_cast<unsigned char>(c) < ' ') return;
    if (column_ == kColumns) {
        line_feed();
        column_ = 0;
    }
    cells()[row_ * kColumns + column_++] = cell(c, attribute_);
}

void VgaText::line_feed() {
    if (row_ + 1 < kRows) {
        ++row_;
        return;
    }
    if (top_ + kRows == kBufferRows) {
        std::ranges::copy(cells().subspan(kColumns), frame_buffer().begin());
        top_ = 0;
    } else {
        ++top_;
    }
    erase(kCells - kColumns, kCells);
    write_controller(kStartAddress, top_ * kColumns);
}

unsigned VgaText::parameter(unsigned index, unsigned otherwise) const {
    return index <= parameter_count_ && index < kMaxParameters && parameters_[index] != 0 ? parameters_[index]
                                                                                          : otherwise;
}

void VgaText::finish_sequence(char command) {
    const unsigned at = row_ * kColumns + std::min(column_, kColumns - 1);
    switch (command) {
        case 'A': row_ -= std::min(row_, parameter(0, 1)); return;
        case 'B': row_ = std::min(row_ + parameter(0, 1), kRows - 1); return;
        case 'C': column_ = std::min(column_ + parameter(0, 1), kColumns - 1); return;
        case 'D': column_ -= std::min(column_, parameter(0, 1)); return;
        case 'H':
            row_ = std::min(parameter(0, 1), kRows) - 1;
            column_ = std::min(parameter(1, 1), kColumns) - 1;
            return;
        case 'J': erase(parameter(0, 0) == 2 ? 0 : at, kCells); return;
        case 'K': erase(parameter(0, 0) == 2 ? row_ * kColumns : at, (row_ + 1) * kColumns); return;
        case 'm':
            for (unsigned i = 0; i <= std::min(parameter_count_, kMaxParameters - 1); ++i) {
                const unsigned value = parameters_[i];
                if (value == 0)
                    attribute_ = kGreyOnBlack;
                else if (value == 1)
                    attribute_ |= 0x08;
                else if (value >= 30 && value <= 37)
                    attribute_ = static_cast<std::uint8_t>((attribute_ & 0xF8U) | colour(value - 30));
                else if (value == 39)
                    attribute_ = static_cast<std::uint8_t>((attribute_ & 0xF8U) | kGreyOnBlack);
            }
            return;
        default: return;
    }
}

void VgaText::erase(unsigned from, unsigned to) {
    std::ranges::fill(cells().subspan(from, to - from), cell(' ', kGreyOnBlack));
}

void VgaText::show_cursor() const {
    write_controller(kCursorAddress, (top_ + row_) * kColumns + std::min(column_, kColumns - 1));
}

}  // namespace quire::kernel
