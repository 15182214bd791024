#pragma once
/// The interactive terminal as programs and the prompt see it: what is typed is shown and can be corrected until the
/// line is
/// complete. termios(3): ICANON, ECHO, ISIG, ICRNL, ONLCR; a program may turn them off.
///
///      Backspace: last character    ^U: whole line    ^D: end of file    ^C: interrupts the program in the foreground

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/base/errno.hpp"

namespace quire::kernel {

/// struct termios of Linux/i386 (asm-generic/termbits.h), as TCGETS has it.
struct Termios {
    std::uint32_t input = 0x0100;    ///< ICRNL
    std::uint32_t output = 0x0005;   ///< OPOST | ONLCR
    std::uint32_t control = 0x00BF;  ///< 8 bits, 38400 baud
    std::uint32_t local = 0x000B;    ///< ISIG | ICANON | ECHO
    std::uint8_t line = 0;
    std::array<std::uint8_t, 19> characters{3, 28, 127, 21, 4, 0, 1};
};
static_assert(sizeof(Termios) == 36);

class LineDiscipline {
public:
    /// At most one line, or what there is of it; 0 at the end of input. Waits: the current process sleeps, or, when the
    /// kernel's
    /// own flow calls, processes run meanwhile. eintr.
    [[nodiscard]] SysResult<std::size_t> read(std::span<std::byte> out);
    /// A line without its end, for the prompt; nothing at the end of input. What does not fit is dropped.
    [[nodiscard]] std::optional<std::string_view> read_line(std::span<char> out);
    [[nodiscard]] bool readable();

    /// Output for the terminal, with line ends as it wants them.
    void write(std::span<const std::byte> bytes);

    /// How many line ends were written since power-on: whoever rewrites lines in place asks whether they are still there.
    [[nodiscard]] std::uint64_t lines_written() const { return lines_written_; }

    /// Takes in what was typed: edits, echoes, raises SIGINT. Called whenever the kernel has a moment.
    void collect();

    /// Which process ^C interrupts; 0: none.
    void set_foreground(std::int32_t process) { foreground_ = process; }

    Termios settings;

private:
    void take(char character);
    void echo(std::string_view text);
    void end_line();
    [[nodiscard]] bool local(std::uint32_t flag) const { return (settings.local & flag) != 0; }

    static constexpr std::size_t kBytes = 4096;
    std::array<char, kBytes> bytes_{};
    std::size_t complete_ = 0;  ///< bytes_[0, complete_) can be read
    std::size_t size_ = 0;      ///< bytes_[complete_, size_) is still being edited
    bool end_of_input_ = false;
    bool end_of_file_ = false;  ///< ^D was typed: the next read that finds nothing returns 0, once
    std::int32_t foreground_ = 0;
    std::uint64_t lines_written_ = 0;
};

/// The machine's one terminal.
[[nodiscard]] LineDiscipline& line_discipline();

}  // namespace quire::kernel
