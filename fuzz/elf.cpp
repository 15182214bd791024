// Any bytes as a program: an error, or a plan that keeps to its own rules and that the kernel's loader turns into the memory that
// the headers ask for; with and without enough frames.
#include "kernel/exec/elf.hpp"

#include <elf.h>

#include <algorithm>
#include <array>
#include <vector>

#include "fuzz/input.hpp"
#include "kernel/base/random.hpp"
#include "kernel/cpu/user_copy.hpp"
#include "kernel/exec/load.hpp"
#include "kernel/fs/file_system.hpp"
#include "kernel/memory/memory.hpp"
#include "tests/unit/support/world.hpp"

using namespace quire;
using fuzz::check;

// What the loader needs of the kernel's processor, on the hosted one.
namespace quire::kernel {

bool copy_to_user(VirtualAddress destination, std::span<const std::byte> source) {
    for (std::size_t i = 0; i < source.size(); ++i) {
        const auto value = std::to_integer<std::uint8_t>(source[i]);
        if (!hosted::Processor::current().store({destination.value + i}, value)) return false;
    }
    return true;
}
bool clear_user(VirtualAddress destination, std::size_t bytes) {
    constexpr std::array<std::byte, kPageSize> kZeroes{};
    return copy_to_user(destination, std::span(kZeroes).first(bytes));
}
void fill_random(std::span<std::byte> out) {
    std::ranges::fill(out, std::byte{7});
}

}  // namespace quire::kernel

namespace {

constexpr PageRange kStack{kernel::kStackEnd - kernel::kStackPages, kernel::kStackEnd};

class Memory final : public kernel::ElfBytes {
public:
    explicit Memory(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
    bool read(std::uint64_t offset, std::span<std::byte> out) override {
        if (offset > bytes_.size() || out.size() > bytes_.size() - offset) return false;
        std::memcpy(out.data(), bytes_.data() + offset, out.size());
        return true;
    }
    std::uint64_t size() const override { return bytes_.size(); }

private:
    std::span<const std::uint8_t> bytes_;
};

void check_plan(const kernel::ElfPlan& plan, std::size_t size) {
    bool entry_is_inside = false;
    for (const kernel::ElfSegment& segment : plan.all()) {
        const VirtualAddress first = address_of(segment.pages.first);
        const VirtualAddress end = address_of(segment.pages.end);
        check(!segment.pages.empty() && Machine::kUserPages.contains(segment.pages));
        check(first <= segment.file_end && segment.file_end <= end && segment.memory_end <= end);
        check(segment.file_end == first || segment.file_end <= segment.memory_end);
        check(segment.file_end == first ||
              segment.file_page * kPageSize + (segment.file_end.value - first.value) <= size);
        check(segment.memory_end <= plan.end);
        entry_is_inside = entry_is_inside || segment.pages.contains(plan.entry.page());
    }
    check(plan.segment_count > 0 && entry_is_inside);
}

std::uint8_t byte_at(test::TestSpace& space, std::uint64_t address) {
    const auto value = space.world.processor.load({address});
    check(value.has_value());
    return *value;
}

/// What one program header promises: bytes of the file, then zeroes.
void check_segment(test::TestSpace& space, const Elf32_Phdr& header, std::uint64_t base,
                   std::span<const std::uint8_t> file) {
    const std::uint64_t start = base + header.p_vaddr;
    const auto is_stack = [](std::uint64_t address) { return kStack.contains(VirtualAddress{address}.page()); };
    for (std::uint64_t i = 0; i < header.p_filesz; ++i)
        check(is_stack(start + i) || byte_at(space, start + i) == file[header.p_offset + i]);
    // The rest of the file's last page is cleared only where somebody could have wished to write.
    std::uint64_t first = header.p_filesz;
    if ((header.p_flags & PF_W) == 0 && first != 0) first += -(start + first) % kPageSize;
    const std::uint64_t step =
        std::max<std::uint64_t>(1, (header.p_memsz - std::min<std::uint64_t>(first, header.p_memsz)) / 64);
    for (std::uint64_t i = first; i < header.p_memsz; i += step)
        check(is_stack(start + i) || byte_at(space, start + i) == 0);
    if (first < header.p_memsz && !is_stack(start + header.p_memsz - 1))
        check(byte_at(space, start + header.p_memsz - 1) == 0);
}

void check_memory(test::TestSpace& space, std::span<const std::uint8_t> file) {
    Elf32_Ehdr header;
    std::memcpy(&header, file.data(), sizeof header);
    const std::uint64_t base = header.e_type == ET_DYN ? 0x5655'5000 : 0;
    for (std::size_t i = 0; i < header.e_phnum; ++i) {
        Elf32_Phdr segment;
        std::memcpy(&segment, file.data() + header.e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type == PT_LOAD) check_segment(space, segment, base, file);
    }
}

/// With `frames` free frames after the space has been made.
bool load(test::World& world, const kernel::ElfPlan& plan, kernel::Inode& program, std::size_t frames,
          std::span<const std::uint8_t> file) {
    test::TestSpace space(world);
    space.enter();
    world.leave(frames);
    constexpr std::array<std::string_view, 2> kWords{"program", "argument"};
    const auto start = kernel::load_program(space.space, plan, program, {"/program", kWords, kWords});
    world.give_all();
    space.space.check_invariants();
    if (!start) {
        check(start.error() == kernel::Errno::enomem);
        return false;
    }
    check(start->entry == plan.entry && start->stack_pointer.value % 16 == 0);
    check(byte_at(space, start->stack_pointer.value) == kWords.size());
    check_memory(space, file);
    return true;
}

void load_in_any_memory(const kernel::ElfPlan& plan, std::span<const std::uint8_t> file) {
    static test::World& world = *new test::World(512);
    const std::size_t free = world.free();
    {
        kernel::FileSystem files(world.frames);
        check(files.open().has_value());
        const auto program = files.create({.directory = kernel::Ref(&files.root()), .name = "program"},
                                          kernel::InodeKind::regular, 0755);
        check(program.has_value());
        (*program)->content().begin_with(std::as_bytes(file));
        check(load(world, plan, **program, 300, file));
        static_cast<void>(load(world, plan, **program, file.size() % 24, file));
    }
    world.audit();
    check(world.free() == free);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<std::uint8_t> bytes(data, data + size);
    Memory memory(bytes);
    const auto plan = kernel::plan_elf(memory);
    if (!plan) {
        check(plan.error() != nullptr && plan.error()[0] != '\0');
        return 0;
    }
    check_plan(*plan, size);
    load_in_any_memory(*plan, bytes);
    return 0;
}
