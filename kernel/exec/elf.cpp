#include "kernel/exec/elf.hpp"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "quire/base/checked.hpp"
#include "quire/port.hpp"

namespace quire::kernel {

namespace {

using Problem = const char*;  ///< nullptr: none

/// A position-independent program without an interpreter is loaded where Linux loads one without randomisation.
constexpr std::uintptr_t kPositionIndependentBase = 0x5655'5000;
constexpr std::size_t kMaxHeaders = 64;

template <typename T>
bool read_value(ElfBytes& file, std::uint64_t offset, T& value) {
    return file.read(offset, std::as_writable_bytes(std::span(&value, 1)));
}

Problem check_identity(const Elf32_Ehdr& header) {
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return "not an ELF executable (a script?)";
    if (header.e_ident[EI_CLASS] == ELFCLASS64) return "a 64-bit executable; Quire runs static 32-bit i386 programs";
    if (header.e_ident[EI_CLASS] != ELFCLASS32) return "not a 32-bit ELF executable";
    if (header.e_ident[EI_DATA] != ELFDATA2LSB)
        return "a big-endian executable; Quire runs static 32-bit i386 programs";
    if (header.e_ident[EI_VERSION] != EV_CURRENT || header.e_version != EV_CURRENT) return "an unknown version of ELF";
    if (header.e_machine != EM_386)
        return "an executable for another processor; Quire runs static 32-bit i386 programs";
    if (header.e_type == ET_REL) return "an object file, not an executable: it has not been linked";
    if (header.e_type == ET_CORE) return "a core dump, not an executable";
    if (header.e_type != ET_EXEC && header.e_type != ET_DYN) return "not an executable";
    if (header.e_phentsize != sizeof(Elf32_Phdr)) return "damaged: program headers of an unknown size";
    if (header.e_phnum == 0) return "damaged: no program headers";
    if (header.e_phnum > kMaxHeaders) return "damaged: too many program headers";
    return nullptr;
}

Rights rights_of(const Elf32_Phdr& header) {
    Rights rights = Rights::read;  // i386 cannot grant writing or execution without reading
    if ((header.p_flags & PF_W) != 0) rights = rights | Rights::write;
    if ((header.p_flags & PF_X) != 0) rights = rights | Rights::execute;
    return rights;
}

Problem add_segment(ElfPlan& plan, const Elf32_Phdr& header, std::uintptr_t base, std::uint64_t file_size) {
    if (header.p_filesz > header.p_memsz) return "damaged: a segment has more bytes in the file than in memory";
    if (header.p_memsz == 0) return nullptr;
    if (std::uint64_t{header.p_offset} + header.p_filesz > file_size)
        return "truncated: a segment reaches beyond the end of the file";
    const auto start = checked_add<std::uint32_t>(header.p_vaddr, static_cast<std::uint32_t>(base));
    const auto end = start ? checked_add<std::uint32_t>(*start, header.p_memsz) : std::nullopt;
    if (!end) return "damaged: a segment wraps round the end of the addresses";
    if ((*start & kPageOffsetMask) != (header.p_offset & kPageOffsetMask))
        return "damaged: a segment is not aligned like its place in the file";
    const PageRange pages{VirtualAddress{*start}.page(), VirtualAddress{*end - 1}.page() + PageCount{1}};
    if (!Machine::kUserPages.contains(pages)) return "a segment lies outside user space (0x10000 to 0xC0000000)";
    if (plan.segment_count == ElfPlan::kMaxSegments) return "damaged: too many segments";
    for (const ElfSegment& other : plan.all()) {
        if (*start < other.memory_end.value) return "damaged: segments overlap or are out of order";
        if (pages.first >= other.pages.end) continue;
        // Linkers let a segment begin in the page in which the one before ends, if both are bytes of one page of the file.
        const std::uintptr_t page_in_other = other.file_page + (pages.first - other.pages.first).value;
        const bool one_page = other.memory_end == other.file_end && header.p_filesz != 0 &&
                              header.p_offset >> kPageShift == page_in_other;
        if (!one_page) return "damaged: segments overlap in a page that is not the same in the file";
    }
    plan.segments[plan.segment_count++] = {
        .pages = pages,
        .file_page = header.p_offset >> kPageShift,
        .file_end = {header.p_filesz == 0 ? address_of(pages.first).value : *start + header.p_filesz},
        .memory_end = {*end},
        .rights = rights_of(header)};
    plan.end = {std::max(plan.end.value, std::uintptr_t{*end})};
    return nullptr;
}

Problem read_segments(ElfBytes& file, const Elf32_Ehdr& header, std::uintptr_t base, ElfPlan& plan) {
    for (std::size_t i = 0; i < header.e_phnum; ++i) {
        Elf32_Phdr segment{};
        if (!read_value(file, header.e_phoff + std::uint64_t{i} * sizeof segment, segment)) {
            return "truncated: it ends within its program headers";
        }
        if (segment.p_type == PT_INTERP) return "dynamically linked; Quire runs static programs (link with -static)";
        if (segment.p_type != PT_LOAD) continue;
        if (const Problem problem = add_segment(plan, segment, base, file.size()); problem != nullptr) return problem;
        const bool holds_headers =
            segment.p_offset <= header.e_phoff && header.e_phoff + std::uint64_t{header.e_phnum} * sizeof segment <=
                                                      std::uint64_t{segment.p_offset} + segment.p_filesz;
        if (holds_headers) plan.headers = {base + segment.p_vaddr + (header.e_phoff - segment.p_offset)};
    }
    return plan.segment_count == 0 ? "damaged: nothing to load" : nullptr;
}

}  // namespace

std::expected<ElfPlan, const char*> plan_elf(ElfBytes& file) {
    if (file.size() == 0) return std::unexpected("an empty file");
    Elf32_Ehdr header{};
    std::array<std::byte, SELFMAG> magic{};
    if (!file.read(0, magic) || std::memcmp(magic.data(), ELFMAG, SELFMAG) != 0) {
        return std::unexpected("not an ELF executable (a script?)");
    }
    if (!read_value(file, 0, header)) return std::unexpected("truncated: it ends within its ELF header");
    if (const Problem problem = check_identity(header); problem != nullptr) return std::unexpected(problem);

    ElfPlan plan;
    const std::uintptr_t base = header.e_type == ET_DYN ? kPositionIndependentBase : 0;
    if (const Problem problem = read_segments(file, header, base, plan); problem != nullptr)
        return std::unexpected(problem);
    plan.header_count = header.e_phnum;
    plan.entry = {base + header.e_entry};
    const bool entry_is_code = std::ranges::any_of(plan.all(), [&](const ElfSegment& segment) {
        return segment.rights.include(Rights::execute) && address_of(segment.pages.first) <= plan.entry &&
               plan.entry < segment.memory_end;
    });
    if (!entry_is_code) return std::unexpected("damaged: its entry point lies in no executable segment");
    return plan;
}

}  // namespace quire::kernel
