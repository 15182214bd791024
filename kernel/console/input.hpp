#pragma once
/// Standard input as a stream with an end: what comes in over COM1, plain or in frames.
///
///     framed:   | length, 2 bytes, low first | length bytes | … | 0 0 |      length 0 = end of file
///
/// Bytes after the end-of-file frame are not read.

#include <cstddef>
#include <cstdint>
#include <span>

namespace quire::kernel {

class InputStream {
public:
    /// `framed`: as the command line says (`stdin=framed`). Before the first read.
    void set_framed(bool framed) { framed_ = framed; }

    struct Read {
        std::size_t bytes;  ///< how many were read; 0: none there now, or the end
        bool end;           ///< nothing will come any more
    };
    /// Takes what is there, at most out.size() bytes; `end` only when bytes is 0. Never waits: a caller that wants to,
    /// lets others run or calls wait_for_interrupt() until readable().
    [[nodiscard]] Read read(std::span<std::byte> out);

    /// read() would return bytes or the end.
    [[nodiscard]] bool readable();

private:
    void take_header();
    bool framed_ = false;
    bool ended_ = false;
    std::uint8_t header_bytes_ = 0;
    std::uint32_t header_ = 0;
    std::uint32_t left_ = 0;  ///< bytes of the current frame not read yet
};

/// The machine's standard input.
extern InputStream standard_input;

}  // namespace quire::kernel
