#pragma once
/// The screen of a PC in text mode, 80 x 25: shows what the terminal shows. Understands line feed, carriage return,
/// backspace, tabulator and the ANSI sequences that Quire itself sends: cursor up, down, right, left (A B C D),
/// position (H), erase (J, K), colours (m).
///
/// The frame buffer holds 204 lines, the controller shows 25 of them from a start address: scrolling moves the window
/// down, and only when it reaches the end are lines copied. (Each access to video memory leaves an emulator's fast
/// path.)

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace quire::kernel {

class VgaText {
public:
    static constexpr unsigned kColumns = 80;
    static constexpr unsigned kRows = 25;

    /// Clears the screen and starts at its top left. The page of the frame buffer is mapped by boot.
    void init();
    void write(std::span<const std::byte> bytes);

private:
    [[nodiscard]] std::span<std::uint16_t> cells() const;
    void put(char c);
    void plain(char c);
    void line_feed();
    void finish_sequence(char command);
    void erase(unsigned from, unsigned to);
    void show_cursor() const;
    [[nodiscard]] unsigned parameter(unsigned index, unsigned otherwise) const;

    enum class State : std::uint8_t { text, escape, sequence };
    static constexpr unsigned kMaxParameters = 4;
    static constexpr std::uint8_t kGreyOnBlack = 0x07;

    unsigned top_ = 0;  ///< line of the frame buffer that is shown first
    unsigned row_ = 0;  ///< on the screen
    unsigned column_ = 0;
    State state_ = State::text;
    std::array<unsigned, kMaxParameters> parameters_{};
    unsigned parameter_count_ = 0;
    std::uint8_t attribute_ = kGreyOnBlack;
};

}  // namespace quire::kernel
