#include "kernel/console/line_discipline.hpp"

#include <algorithm>
#include <cstring>

#include "kernel/console/input.hpp"
#include "kernel/console/terminal.hpp"
#include "kernel/cpu/interrupts.hpp"
#include "kernel/process/scheduler.hpp"

namespace quire::kernel {

namespace {

constexpr std::uint32_t kKeySignals = 0x1;         // ISIG
constexpr std::uint32_t kCanonical = 0x2;          // ICANON
constexpr std::uint32_t kEcho = 0x8;               // ECHO
constexpr std::uint32_t kReturnIsNewline = 0x100;  // ICRNL
constexpr std::uint32_t kPostProcess = 0x1;        // OPOST
constexpr std::uint32_t kNewlineIsBoth = 0x4;      // ONLCR

constexpr char kInterrupt = 3;
constexpr char kEndOfFile = 4;
constexpr char kKillLine = 21;
constexpr char kErase = 127;

constinit LineDiscipline discipline;

bool input_arrived(void*) {
    return standard_input.readable();
}

/// Until something was typed. False if a signal came first.
bool wait_for_typing() {
    if (current_process_or_null() != nullptr) return wait_for_input();
    run_until(input_arrived, nullptr);
    disable_interrupts();
    while (!standard_input.readable()) {
        wait_for_interrupt();
        disable_interrupts();
    }
    enable_interrupts();
    return true;
}

}  // namespace

LineDiscipline& line_discipline() {
    return discipline;
}

void LineDiscipline::write(std::span<const std::byte> bytes) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    lines_written_ += static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
    constexpr std::uint32_t kBoth = kPostProcess | kNewlineIsBoth;
    if ((settings.output & kBoth) != kBoth) {
        terminal.write(bytes);
        return;
    }
    std::size_t begin = 0;
    while (begin < text.size()) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        terminal.write(text.substr(begin, end - begin));
        if (end < text.size()) terminal.write("\r\n");
        begin = end + 1;
    }
}

void LineDiscipline::echo(std::string_view text) {
    if (local(kEcho)) write(std::as_bytes(std::span(text)));
}

void LineDiscipline::end_line() {
    complete_ = size_;
}

void LineDiscipline::take(char character) {
    if (character == '\r' && (settings.input & kReturnIsNewline) != 0) character = '\n';
    if (character == kInterrupt && local(kKeySignals)) {
        echo("^C\n");
        size_ = complete_;
        if (Process* const process = find_process(foreground_))
            raise_signal(*process, static_cast<unsigned>(Signal::interrupt));
        return;
    }
    if (local(kCanonical)) {
        if (character == kErase || character == '\b') {
            if (size_ > complete_) {
                --size_;
                echo("\b \b");
            }
            return;
        }
        if (character == kKillLine) {
            for (; size_ > complete_; --size_) echo("\b \b");
            return;
        }
        if (character == kEndOfFile) {
            if (size_ == complete_) end_of_file_ = true;
            end_line();
            return;
        }
    }
    // One place is kept for the end of the line, so that a line that is too long can still be ended.
    if (size_ + (character == '\n' ? 0 : 1) >= kBytes) return;
    bytes_[size_++] = character;
    echo({&character, 1});
    if (character == '\n' || !local(kCanonical)) end_line();
}

void LineDiscipline::collect() {
    std::array<std::byte, 64> typed{};
    while (size_ < kBytes && !end_of_input_) {
        const auto [bytes, end] = standard_input.read(typed);
        for (std::size_t i = 0; i < bytes; ++i) take(static_cast<char>(typed[i]));
        if (end) {
            end_of_input_ = true;
            end_line();
        }
        if (bytes == 0) return;
    }
}

bool LineDiscipline::readable() {
    collect();
    return complete_ != 0 || end_of_file_ || end_of_input_;
}

SysResult<std::size_t> LineDiscipline::read(std::span<std::byte> out) {
    while (!readable()) {
        if (!wait_for_typing()) return fail(Errno::eintr);
    }
    if (complete_ == 0) {
        end_of_file_ = false;
        return std::size_t{0};
    }
    const std::string_view ready(bytes_.data(), complete_);
    const std::size_t line = local(kCanonical) ? std::min(ready.find('\n'), complete_ - 1) + 1 : complete_;
    const std::size_t count = std::min(line, out.size());
    std::memcpy(out.data(), bytes_.data(), count);
    std::memmove(bytes_.data(), bytes_.data() + count, size_ - count);
    complete_ -= count;
    size_ -= count;
    return count;
}

std::optional<std::string_view> LineDiscipline::read_line(std::span<char> out) {
    std::size_t size = 0;
    for (;;) {
        char character = 0;
        const auto got = read(std::as_writable_bytes(std::span(&character, 1)));
        if (!got || (*got == 0 && size == 0)) return std::nullopt;
        if (*got == 0 || character == '\n') return std::string_view(out.data(), size);
        if (size < out.size()) out[size++] = character;
    }
}

}  // namespace quire::kernel
