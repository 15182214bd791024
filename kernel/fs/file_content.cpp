#include "kernel/fs/file_content.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "quire/base/defect.hpp"
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

/// What the file holds where it has no frame: the archive's bytes as far as they reach, then zeroes.
void FileContent::initial_bytes(std::uint64_t offset, std::span<std::byte> out) const {
    std::size_t archived = 0;
    if (offset < archive_.size()) {
        const auto bytes = archive_.subspan(static_cast<std::size_t>(offset));
        archived = std::min(bytes.size(), out.size());
        std::memcpy(out.data(), bytes.data(), archived);
    }
    std::ranges::fill(out.subspan(archived), std::byte{0});
}

/// Zeroes the rest of the page in which the file ends or will end. A page without a frame needs nothing.
void FileContent::clear_behind(std::uint64_t end) {
    const std::size_t inside = within_page(end);
    const Frame frame = present(page_of(end));
    if (inside == 0 || frame == kAbsent) return;
    const Machine::FrameWindow window(frame);
    std::memset(window.data() + inside, 0, kPageSize - inside);
}

/// The cache's own frame of a page within the file; no share is taken.
Result<Frame> FileContent::cached_page(std::size_t index) {
    if (!cover(std::uint64_t{index + 1} << kPageShift)) return quire::fail(Error::no_frames);
    if (pages_[index] != kAbsent) return pages_[index];
    const auto frame = frames_.take();
    if (!frame) return frame;
    const std::uint64_t start = std::uint64_t{index} << kPageShift;
    if (start < archive_.size()) {
        const Machine::FrameWindow window(*frame);
        initial_bytes(start, {window.data(), kPageSize});
    } else {
        Machine::zero_frame(*frame);
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
    const Copying copying(*this);
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_ - offset));
    std::size_t done = 0;
    while (done < wanted) {
        const std::size_t inside = within_page(offset + done);
        const auto part = out.subspan(done, std::min(wanted - done, kPageSize - inside));
        if (const Frame frame = present(page_of(offset + done)); frame != kAbsent) {
            const Machine::FrameWindow window(frame);
            std::memcpy(part.data(), window.data() + inside, part.size());
        } else {
            initial_bytes(offset + done, part);
        }
        done += part.size();
    }
    return done;
}

SysResult<std::size_t> FileContent::write(std::uint64_t offset, std::span<const std::byte> bytes) {
    if (bytes.empty()) return std::size_t{0};
    if (offset >= kMaxBytes) return fail(Errno::efbig);
    if (offset > size_) clear_behind(size_);
    const Copying copying(*this);
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
    clear_behind(std::min(size, size_));
    if (size < size_) {
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

/// Whether a page that has a frame would read the same without it.
bool FileContent::is_clean(std::size_t index) const {
    const Machine::FrameWindow window(pages_[index]);
    std::array<std::byte, 256> part{};
    for (std::size_t inside = 0; inside < kPageSize; inside += part.size()) {
        initial_bytes((std::uint64_t{index} << kPageShift) + inside, part);
        if (std::memcmp(part.data(), window.data() + inside, part.size()) != 0) return false;
    }
    return true;
}

FrameCount FileContent::drop_clean_pages() {
    FrameCount dropped{};
    if (copying_ != 0) return dropped;
    for (std::size_t i = 0; i < pages_.size(); ++i) {
        if (pages_[i] == kAbsent || frames_.shares(pages_[i]) != 1 || !is_clean(i)) continue;
        frames_.drop(pages_[i]);
        pages_[i] = kAbsent;
        --cached_;
        dropped += FrameCount{1};
    }
    return dropped;
}

void FileContent::check_invariants() const {
    std::size_t frames = 0;
    for (std::size_t i = 0; i < pages_.size(); ++i) {
        if (pages_[i] == kAbsent) continue;
        ++frames;
        require(std::uint64_t{i} << kPageShift < size_, "I19: a file has a frame beyond its end");
    }
    require(frames == cached_, "I19: a file's count of frames is wrong");
    require(archive_.size() <= size_, "I19: a file begins with more of the archive than it has bytes");
}

}  // namespace quire::kernel
