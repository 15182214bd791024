#include "kernel/process/open_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "kernel/base/random.hpp"
#include "kernel/console/input.hpp"
#include "kernel/console/line_discipline.hpp"
#include "kernel/console/serial.hpp"
#include "kernel/console/terminal.hpp"
#include "kernel/memory/from_cache.hpp"
#include "kernel/memory/initial_files.hpp"
#include "kernel/process/scheduler.hpp"

namespace quire::kernel {

namespace {

template <typename File, typename... Args>
Ref<OpenFile> make(Args&&... args) {
    return Ref<OpenFile>(new (std::nothrow) File(static_cast<Args&&>(args)...));
}

class RegularFile final : public OpenFile, public FromCache<RegularFile> {
public:
    static constexpr const char* kCacheName = "open file";
    RegularFile(Inode& inode, std::uint32_t open_flags) : OpenFile(open_flags), inode_(&inode) {}

    SysResult<std::size_t> read(std::span<std::byte> out) override {
        const auto bytes = inode_->content().read(position, out);
        if (bytes) position += *bytes;
        return bytes;
    }
    SysResult<std::size_t> write(std::span<const std::byte> bytes) override {
        if ((flags & kOpenAppend) != 0) position = inode_->content().size();
        const auto written = inode_->content().write(position, bytes);
        if (written) position += *written;
        inode_->modified = inode_->changed = files().now();
        return written;
    }
    Inode* inode() override { return inode_.get(); }

private:
    Ref<Inode> inode_;
};

class DirectoryFile final : public OpenFile, public FromCache<DirectoryFile> {
public:
    static constexpr const char* kCacheName = "open directory file";
    DirectoryFile(Inode& inode, std::uint32_t open_flags) : OpenFile(open_flags), inode_(&inode) {}
    SysResult<std::size_t> read(std::span<std::byte>) override { return fail(Errno::eisdir); }
    SysResult<std::size_t> write(std::span<const std::byte>) override { return fail(Errno::eisdir); }
    Inode* inode() override { return inode_.get(); }

private:
    Ref<Inode> inode_;
};

/// /dev/null, zero, full, random: null(4), full(4), random(4).
class DeviceFile final : public OpenFile, public FromCache<DeviceFile> {
public:
    static constexpr const char* kCacheName = "open device file";
    DeviceFile(Inode& inode, std::uint32_t open_flags) : OpenFile(open_flags), inode_(&inode) {}
    SysResult<std::size_t> read(std::span<std::byte> out) override {
        if (inode_->device == Device::null) return std::size_t{0};
        if (inode_->device == Device::random) {
            fill_random(out);
        } else {
            std::ranges::fill(out, std::byte{0});
        }
        return out.size();
    }
    SysResult<std::size_t> write(std::span<const std::byte> bytes) override {
        if (inode_->device == Device::full) return fail(Errno::enospc);
        return bytes.size();
    }
    Inode* inode() override { return inode_.get(); }

private:
    Ref<Inode> inode_;
};

/// Input that was there before power-on travels in the initial file system (docs/tools.md): a serial line is slow. It comes
/// before what the line brings; if the input had ended already, the line brings nothing.
class EarlyInput {
public:
    EarlyInput() {
        // The bytes stay in the archive whatever a program does to the file.
        const auto inode = files().look_up(files().root(), "/.quire/stdin", FollowLast::yes);
        if (inode) rest_ = (*inode)->content().first_bytes();
        ends_ = files().look_up(files().root(), "/.quire/stdin-ends", FollowLast::yes).has_value();
    }
    std::size_t read(std::span<std::byte> out) {
        const std::size_t count = std::min(rest_.size(), out.size());
        std::copy_n(rest_.begin(), count, out.begin());
        rest_ = rest_.subspan(count);
        return count;
    }
    [[nodiscard]] bool empty() const { return rest_.empty(); }
    [[nodiscard]] bool ends() const { return ends_; }

private:
    std::span<const std::byte> rest_;
    bool ends_ = false;
};

class StreamFile final : public OpenFile, public FromCache<StreamFile> {
public:
    static constexpr const char* kCacheName = "open stream";
    explicit StreamFile(Stream stream)
        : OpenFile(stream == Stream::input ? kOpenReadOnly : kOpenWriteOnly), stream_(stream) {}

    SysResult<std::size_t> read(std::span<std::byte> out) override {
        if (!early_.empty()) return early_.read(out);
        if (early_.ends()) return std::size_t{0};
        for (;;) {
            const auto [bytes, end] = standard_input.read(out);
            if (bytes != 0 || end || out.empty()) return bytes;
            if (!wait_for_input()) return fail(Errno::eintr);
        }
    }
    SysResult<std::size_t> write(std::span<const std::byte> bytes) override {
        (stream_ == Stream::error ? error_port : terminal_port).write(bytes);
        return bytes.size();
    }
    std::uint16_t ready() override {
        if (stream_ != Stream::input) return kPollOut;
        return !early_.empty() || early_.ends() || standard_input.readable() ? kPollIn : std::uint16_t{0};
    }
    bool is_pipe() const override { return true; }

private:
    Stream stream_;
    EarlyInput early_;
};

class TerminalFile final : public OpenFile, public FromCache<TerminalFile> {
public:
    static constexpr const char* kCacheName = "open terminal";
    TerminalFile() : OpenFile(kOpenReadWrite) {}

    SysResult<std::size_t> read(std::span<std::byte> out) override { return line_discipline().read(out); }
    SysResult<std::size_t> write(std::span<const std::byte> bytes) override {
        line_discipline().write(bytes);
        return bytes.size();
    }
    bool is_terminal() const override { return true; }
    std::uint16_t ready() override {
        return static_cast<std::uint16_t>(kPollOut | (line_discipline().readable() ? kPollIn : 0));
    }
};

/// The bytes between two ends: pipe(7).
class Pipe final : public FromCache<Pipe> {
public:
    static constexpr const char* kCacheName = "pipe";
    static constexpr std::size_t kBytes = 16384;
    void retain() { ++references; }
    void release() {
        if (--references == 0) delete this;
    }
    std::size_t references = 0;
    bool has_reader = true;
    bool has_writer = true;
    std::size_t first = 0;
    std::size_t used = 0;
    std::array<std::byte, kBytes> bytes;
};

class PipeEnd final : public OpenFile, public FromCache<PipeEnd> {
public:
    static constexpr const char* kCacheName = "pipe end";
    PipeEnd(Ref<Pipe> pipe, bool writer)
        : OpenFile(writer ? kOpenWriteOnly : kOpenReadOnly), pipe_(std::move(pipe)), writer_(writer) {}
    ~PipeEnd() override { (writer_ ? pipe_->has_writer : pipe_->has_reader) = false; }

    SysResult<std::size_t> read(std::span<std::byte> out) override {
        while (pipe_->used == 0) {
            if (!pipe_->has_writer || out.empty()) return std::size_t{0};
            if (!may_wait()) return fail(Errno::eagain);
            if (!sleep_until(0)) return fail(Errno::eintr);
        }
        const std::size_t bytes = std::min(out.size(), pipe_->used);
        for (std::size_t i = 0; i < bytes; ++i) out[i] = pipe_->bytes[(pipe_->first + i) % Pipe::kBytes];
        pipe_->first = (pipe_->first + bytes) % Pipe::kBytes;
        pipe_->used -= bytes;
        wake_all();
        return bytes;
    }
    SysResult<std::size_t> write(std::span<const std::byte> bytes) override {
        std::size_t done = 0;
        while (done < bytes.size()) {
            if (!pipe_->has_reader) return fail(Errno::epipe);
            if (pipe_->used == Pipe::kBytes) {
                if (!may_wait()) return done != 0 ? SysResult<std::size_t>(done) : fail(Errno::eagain);
                if (!sleep_until(0)) return done != 0 ? SysResult<std::size_t>(done) : fail(Errno::eintr);
                continue;
            }
            pipe_->bytes[(pipe_->first + pipe_->used++) % Pipe::kBytes] = bytes[done++];
        }
        wake_all();
        return done;
    }
    bool is_pipe() const override { return true; }
    std::uint16_t ready() override {
        if (writer_) return !pipe_->has_reader ? kPollError : pipe_->used < Pipe::kBytes ? kPollOut : std::uint16_t{0};
        const std::uint16_t in = pipe_->used != 0 ? kPollIn : std::uint16_t{0};
        return static_cast<std::uint16_t>(in | (pipe_->has_writer ? 0 : kPollHangUp));
    }
    SysResult<std::size_t> readable_bytes() override { return pipe_->used; }

private:
    [[nodiscard]] bool may_wait() const { return (flags & kOpenNonBlocking) == 0; }
    Ref<Pipe> pipe_;
    bool writer_;
};

}  // namespace

Ref<OpenFile> open_inode(Inode& inode, std::uint32_t flags) {
    switch (inode.kind()) {
        case InodeKind::directory: return make<DirectoryFile>(inode, flags);
        case InodeKind::device:
            return inode.device == Device::terminal ? open_terminal() : make<DeviceFile>(inode, flags);
        case InodeKind::regular:
        case InodeKind::symlink: break;
    }
    return make<RegularFile>(inode, flags);
}

Ref<OpenFile> open_stream(Stream stream) {
    return make<StreamFile>(stream);
}
Ref<OpenFile> open_terminal() {
    return make<TerminalFile>();
}

SysResult<PipeEnds> open_pipe() {
    const Ref<Pipe> pipe(new (std::nothrow) Pipe);
    if (!pipe) return fail(Errno::enomem);
    PipeEnds ends{.reader = make<PipeEnd>(pipe, false), .writer = make<PipeEnd>(pipe, true)};
    if (!ends.reader || !ends.writer) return fail(Errno::enomem);
    return ends;
}

}  // namespace quire::kernel
