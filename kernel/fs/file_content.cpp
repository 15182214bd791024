#include "kernel/fs/file_content.hpp"

#include <algorithm>
#include <cstring>

#include "quire/port.hpp"

namespace quire::kernel {

namespace {
constexpr std::size_t page_of(std::uint64_t offset) {
    return static_cast<std::size_t>(offset >> kPageShift);
}
constexpr std::size_t within_page(std::uint64_t offset) {
    return static_cast<std::size_t>(offset & kPageOffsetMask);
}
}  // namespace

FileContent::~FileContent() {
    for_each_frame([&](Frame frame) { frames_.drop(frame); });
}

bool FileContent::cover(std::uint64_t size) {
    const std::size_t pages = page_of(size + kPageSize - 1);
    return pages <= pages_.size() || pages_.resize(pages);
}

/// The cache's own frame of a page within the file; no share is taken.
Result<Frame> FileContent::cached_page(std::size_t index) {
    if (!cover(std::uint64_t{index + 1} << kPageShift)) return quire::fail(Error::no_frames);
    if (pages_[index] != kAbsent) return pages_[index];
    const auto frame = frames_.take();
    if (!frame) return frame;
    Machine::zero_frame(*frame);
    const std::uint64_t start = std::uint64_t{index} << kPageShift;
    if (start < archive_.size()) {
        const auto bytes = archive_.subspan(static_cast<std::size_t>(start));
        const Machine::FrameWindow window(*frame);
        std::memcpy(window.data(), bytes.data(), std::min(bytes.size(), kPageSize));
    }
    pages_[index] = *frame;
    ++cached_;
    return *frame;
}

Result<Frame> FileContent::page(std::size_t index) {
    if (std::uint64_t{index} << kPageShift >= size_) return quire::fail(Error::beyond_end);
    const auto frame = cached_page(index);
    if (frame) frames_.share(*frame);
    return frame;
}

SysResult<std::size_t> FileContent::read(std::uint64_t offset, std::span<std::byte> out) {
    if (offset >= size_) return std::size_t{0};
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_ - offset));
    std::size_t done = 0;
    while (done < wanted) {
        const auto frame = cached_page(page_of(offset + done));
        if (!frame) return done != 0 ? SysResult<std::size_t>(done) : fail(Errno::enomem);
        const std::size_t inside = within_page(offset + done);
        const std::size_t bytes = std::min(wanted - done, kPageSize - inside);
        const Machine::FrameWindow window(*frame);
        std::memcpy(out.data() + done, window.data() + inside, bytes);
        done += bytes;
    }
    return done;
}

SysResult<std::size_t> FileContent::write(std::uint64_t offset, std::span<const std::byte> bytes) {
    if (bytes.empty()) return std::size_t{0};
    if (offset >= kMaxBytes) return fail(Errno::efbig);
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), kMaxBytes - offset));
    std::size_t done = 0;
    while (done < wanted) {
        const std::uint64_t position = offset + done;
        const auto frame = cached_page(page_of(position));
        if (!frame) return done != 0 ? SysResult<std::size_t>(done) : fail(Errno::enospc);
        const std::size_t inside = within_page(position);
        const std::size_t part = std::min(wanted - done, kPageSize - inside);
        const Machine::FrameWindow window(*frame);
        std::memcpy(window.data() + inside, bytes.data() + done, part);
        done += part;
        size_ = std::max(size_, position + part);
    }
    return done;
}

SysResult<void> FileContent::resize(std::uint64_t size) {
    if (size > kMaxBytes) return fail(Errno::efbig);
    if (size < size_) {
        const std::size_t inside = within_page(size);
        if (inside != 0) {
            // Zero the tail now, so that a later extension shows zeroes.
            const auto frame = cached_page(page_of(size));
            if (!frame) return fail(Errno::enomem);
            const Machine::FrameWindow window(*frame);
            std::memset(window.data() + inside, 0, kPageSize - inside);
        }
        const std::size_t kept = page_of(size + kPageSize - 1);
        for (std::size_t i = kept; i < pages_.size(); ++i) {
            if (pages_[i] == kAbsent) continue;
            frames_.drop(pages_[i]);
            pages_[i] = kAbsent;
            --cached_;
        }
        if (archive_.size() > size) archive_ = archive_.first(static_cast<std::size_t>(size));
    }
    size_ = size;
    return {};
}

}  // namespace quire::kernel
