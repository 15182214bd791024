#pragma once
/// A file as what backs a region: its pages are those of the page cache, so that reading, writing and mapping see the
/// same
/// bytes.

#include <array>
#include <string_view>

#include "kernel/base/ref.hpp"
#include "kernel/fs/inode.hpp"
#include "quire/space/memory_object.hpp"

namespace quire::kernel {

/// Deletes itself when the last region is gone; holds the inode alive until then (gotcha 74).
class FileObject final : public MemoryObject {
public:
    /// `name` is shown in reports; its beginning is copied. nullptr when there is no memory.
    [[nodiscard]] static FileObject* create(Inode& inode, std::string_view name);

    [[nodiscard]] Result<Frame> page(std::uintptr_t index) override { return inode_->content().page(index); }
    [[nodiscard]] const char* name() const override { return name_.data(); }

private:
    explicit FileObject(Inode& inode) : inode_(&inode) {}
    ~FileObject() = default;
    void last_reference_gone() override { delete this; }

    Ref<Inode> inode_;
    std::array<char, 64> name_{};
};

}  // namespace quire::kernel
