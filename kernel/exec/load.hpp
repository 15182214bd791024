#pragma once
/// From a plan (exec/elf.hpp) to a space that is ready to run: regions, break, stack with arguments.

#include <span>
#include <string_view>

#include "kernel/base/errno.hpp"
#include "kernel/exec/elf.hpp"
#include "kernel/fs/inode.hpp"
#include "quire/space/space.hpp"

namespace quire::kernel {

/// The bytes of an inode, for plan_elf.
class InodeBytes final : public ElfBytes {
public:
    explicit InodeBytes(Inode& inode) : inode_(inode) {}
    [[nodiscard]] bool read(std::uint64_t offset, std::span<std::byte> out) override {
        const auto bytes = inode_.content().read(offset, out);
        return bytes && *bytes == out.size();
    }
    [[nodiscard]] std::uint64_t size() const override { return inode_.content().size(); }

private:
    Inode& inode_;
};

struct ProgramStrings {
    std::string_view path;
    std::span<const std::string_view> arguments;
    std::span<const std::string_view> environment;
};

/// Where a program begins.
struct StartPoint {
    VirtualAddress entry;
    VirtualAddress stack_pointer;
};

/// Loads into the active, open, empty space. enomem, e2big (arguments and environment of more than 128 KiB). On an
/// error the
/// space is half full: the caller closes it.
[[nodiscard]] SysResult<StartPoint> load_program(Space& space, const ElfPlan& plan, Inode& inode,
                                                 const ProgramStrings& strings);

}  // namespace quire::kernel
