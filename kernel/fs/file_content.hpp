#pragma once
/// The bytes of a regular file: a page cache that is the file. Each page has a frame once it was written or mapped; until
/// then its bytes are those of the initial archive, or zeroes, and reading them takes no frame.
///
///      archive bytes ──first use──▶ frame ◀── write, read
///            │                        ▲
///            └─────────▶ read         └── mapped by programs: each entry one more share
///
/// The cache holds one share of each frame. What lies behind the end of the file in its last page never becomes part of
/// the file: it is zero when the page is made and when the file shrinks, and what a program stored there through a shared
/// mapping is cleared before the file grows over it (gotcha 30; mmap(2): such changes are not part of the file).

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/errno.hpp"
#include "kernel/base/grow_array.hpp"
#include "quire/base/address.hpp"
#include "quire/frames/frame_allocator.hpp"

namespace quire::kernel {

/// Not locked: the kernel is not preemptible, and nothing here waits.
class FileContent {
public:
    /// Sizes are bounded so that a page index always fits: 2^32 bytes.
    static constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 32U;

    explicit FileContent(FrameAllocator& frames) : frames_(frames) {}
    FileContent(const FileContent&) = delete;
    FileContent& operator=(const FileContent&) = delete;
    ~FileContent();

    /// The file is what `bytes` are, which stay where they are for ever. Once, while it is empty.
    void begin_with(std::span<const std::byte> bytes) {
        archive_ = bytes;
        size_ = bytes.size();
    }

    [[nodiscard]] std::uint64_t size() const { return size_; }
    /// What is left of the bytes that it began with; they take no frames.
    [[nodiscard]] std::span<const std::byte> first_bytes() const { return archive_; }
    /// Frames that the cache holds.
    [[nodiscard]] std::size_t cached() const { return cached_; }

    /// The frame of page `index`, with one share taken for the caller. beyond_end, no_frames.
    [[nodiscard]] Result<Frame> page(std::size_t index);

    /// Copies from `offset` on; 0 bytes at and behind the end. Takes no memory.
    [[nodiscard]] SysResult<std::size_t> read(std::uint64_t offset, std::span<std::byte> out);
    /// Copies to `offset` on; the file grows. efbig, enospc (no frame is left). May write less than all.
    [[nodiscard]] SysResult<std::size_t> write(std::uint64_t offset, std::span<const std::byte> bytes);
    /// Cuts off or extends with zeroes: efbig. Takes no memory.
    [[nodiscard]] SysResult<void> resize(std::uint64_t size);

    /// Gives back the frames of pages that nobody maps and that read the same without them. How many; none of a file that
    /// is being read or written: copying to or from a program may fault, the fault may need memory, and so come here.
    FrameCount drop_clean_pages();

    /// Proves the books of the cache: I19.
    void check_invariants() const;

    /// Calls `visit(Frame)` for each frame that the cache holds a share of.
    template <typename Visitor>
    void for_each_frame(Visitor&& visit) const {
        for (const Frame frame : pages_.all()) {
            if (frame != kAbsent) visit(frame);
        }
    }

private:
    static constexpr Frame kAbsent{0};  ///< frame 0 is never handed out
    [[nodiscard]] Result<Frame> cached_page(std::size_t index);
    [[nodiscard]] Frame present(std::size_t index) const { return index < pages_.size() ? pages_[index] : kAbsent; }
    void initial_bytes(std::uint64_t offset, std::span<std::byte> out) const;
    void clear_behind(std::uint64_t end);
    [[nodiscard]] bool is_clean(std::size_t index) const;
    [[nodiscard]] bool cover(std::uint64_t size);

    /// Keeps the file's frames for a scope.
    class Copying {
    public:
        explicit Copying(FileContent& content) : content_(content) { ++content_.copying_; }
        ~Copying() { --content_.copying_; }
        Copying(const Copying&) = delete;
        Copying& operator=(const Copying&) = delete;

    private:
        FileContent& content_;
    };

    FrameAllocator& frames_;
    std::span<const std::byte> archive_;  ///< what pages that were never used consist of; shrinks with the file
    std::uint64_t size_ = 0;
    std::size_t cached_ = 0;
    unsigned copying_ = 0;
    GrowArray<Frame> pages_;  ///< may be shorter than the file: the rest is absent
};

}  // namespace quire::kernel
