#include "kernel/exec/elf.hpp"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string_view>
#include <vector>

namespace quire::kernel {
namespace {

class Memory final : public ElfBytes {
public:
    explicit Memory(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
    bool read(std::uint64_t offset, std::span<std::byte> out) override {
        if (offset > bytes_.size() || out.size() > bytes_.size() - offset) return false;
        std::memcpy(out.data(), bytes_.data() + offset, out.size());
        return true;
    }
    std::uint64_t size() const override { return bytes_.size(); }

private:
    std::vector<std::byte> bytes_;
};

/// A program with a text and a data segment that share a page of the file.
struct Sample {
    Elf32_Ehdr header{};
    std::array<Elf32_Phdr, 3> segments{};
    std::size_t file_bytes = 0x1800;

    Sample() {
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS32;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_ident[EI_VERSION] = EV_CURRENT;
        header.e_type = ET_EXEC;
        header.e_machine = EM_386;
        header.e_version = EV_CURRENT;
        header.e_entry = 0x8048100;
        header.e_phoff = sizeof header;
        header.e_phentsize = sizeof(Elf32_Phdr);
        header.e_phnum = 3;
        segments[0] = {PT_LOAD, 0, 0x8048000, 0, 0x1234, 0x1234, PF_R | PF_X, 0x1000};
        segments[1] = {PT_LOAD, 0x1240, 0x804A240, 0, 0x400, 0x2000, PF_R | PF_W, 0x1000};
        segments[2] = {PT_GNU_STACK, 0, 0, 0, 0, 0, PF_R | PF_W, 16};
    }
    [[nodiscard]] std::vector<std::byte> bytes() const {
        std::vector<std::byte> out(file_bytes);
        std::memcpy(out.data(), &header, sizeof header);
        std::memcpy(out.data() + sizeof header, segments.data(), sizeof segments);
        return out;
    }
    [[nodiscard]] std::expected<ElfPlan, const char*> plan() const {
        Memory memory(bytes());
        return plan_elf(memory);
    }
    [[nodiscard]] std::string_view error() const {
        const auto result = plan();
        return result ? "none" : result.error();
    }
};

TEST(Elf, PlansASample) {
    const auto plan = Sample().plan();
    ASSERT_TRUE(plan) << plan.error();
    ASSERT_EQ(plan->segment_count, 2U);
    EXPECT_EQ(plan->segments[0].pages, (PageRange{Page{0x8048}, Page{0x804A}}));
    EXPECT_EQ(plan->segments[1].pages, (PageRange{Page{0x804A}, Page{0x804D}}));
    EXPECT_EQ(plan->segments[1].file_page, 1U);
    EXPECT_EQ(plan->segments[1].file_end.value, 0x804A640U);
    EXPECT_EQ(plan->segments[1].memory_end.value, 0x804C240U);
    EXPECT_TRUE(plan->segments[0].rights.include(Rights::execute));
    EXPECT_FALSE(plan->segments[0].rights.include(Rights::write));
    EXPECT_EQ(plan->headers.value, 0x8048000U + sizeof(Elf32_Ehdr));
    EXPECT_EQ(plan->end.value, 0x804C240U);
}

TEST(Elf, EveryTruncationIsAnError) {
    const auto whole = Sample().bytes();
    for (std::size_t size = 0; size < 0x1640; ++size) {
        Memory cut({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
        EXPECT_FALSE(plan_elf(cut).has_value()) << size;
    }
}

TEST(Elf, SaysWhatIsWrong) {
    const auto with = [](auto change) {
        Sample sample;
        change(sample);
        return std::string(sample.error());
    };
    EXPECT_NE(with([](Sample& s) { s.header.e_ident[0] = '#'; }).find("not an ELF executable"), std::string::npos);
    EXPECT_NE(with([](Sample& s) { s.header.e_ident[EI_CLASS] = ELFCLASS64; }).find("64-bit"), std::string::npos);
    EXPECT_NE(with([](Sample& s) { s.header.e_machine = EM_ARM; }).find("another processor"), std::string::npos);
    EXPECT_NE(with([](Sample& s) { s.header.e_type = ET_REL; }).find("object file"), std::string::npos);
    EXPECT_NE(with([](Sample& s) { s.segments[2].p_type = PT_INTERP; }).find("dynamically linked"), std::string::npos);
    EXPECT_NE(with([](Sample& s) {
                  s.segments[1].p_filesz = 0x3000;
                  s.segments[1].p_memsz = 0x3000;
              }).find("truncated"),
              std::string::npos);
    EXPECT_NE(with([](Sample& s) { s.segments[1].p_filesz = 0x2001; }).find("more bytes in the file"),
              std::string::npos);
    EXPECT_NE(with([](Sample& s) { s.segments[1].p_vaddr = 0xFFFFF240; }).find("wraps round"), std::string::npos);
    EXPECT_NE(with([](Sample& s) { s.segments[1].p_vaddr = 0xC0000240; }).find("outside user space"),
              std::string::npos);
    EXPECT_NE(with([](Sample& s) {
                  s.segments[0].p_vaddr = 0;
                  s.header.e_entry = 0x100;
              }).find("outside user space"),
              std::string::npos);
    EXPECT_NE(with([](Sample& s) { s.segments[1].p_vaddr = 0x804A241; }).find("aligned"), std::string::npos);
    EXPECT_NE(with([](Sample& s) { s.segments[1].p_vaddr = 0x8048240; }).find("overlap"), std::string::npos);
    EXPECT_NE(with([](Sample& s) { s.header.e_entry = 0x804A300; }).find("entry point"), std::string::npos);
    EXPECT_NE(with([](Sample& s) { s.header.e_phnum = 0; }).find("no program headers"), std::string::npos);
    EXPECT_NE(with([](Sample& s) { s.header.e_phnum = 65; }).find("too many"), std::string::npos);
    EXPECT_NE(with([](Sample& s) { s.header.e_phoff = 0xFFFFFFF0; }).find("truncated"), std::string::npos);
    EXPECT_NE(with([](Sample& s) { s.segments[0].p_type = s.segments[1].p_type = PT_NOTE; }).find("nothing to load"),
              std::string::npos);
}

/// A text and a data segment that meet in page 0x8049, as linkers without page separation lay them out.
TEST(Elf, SharedPagesAreThoseOfTheFile) {
    Sample sound;
    sound.segments[1].p_vaddr = 0x8049240;
    const auto plan = sound.plan();
    ASSERT_TRUE(plan) << plan.error();
    EXPECT_EQ(plan->segments[0].pages.end, Page{0x804A});
    EXPECT_EQ(plan->segments[1].pages.first, Page{0x8049});
    EXPECT_EQ(plan->segments[1].file_page, 1U);

    const auto refused = [&](auto change) {
        Sample sample = sound;
        sample.file_bytes = 0x3000;
        change(sample);
        return sample.error().find("overlap in a page") != std::string_view::npos;
    };
    EXPECT_TRUE(refused([](Sample& s) { s.segments[1].p_offset = 0x2240; })) << "the text's last bytes would be lost";
    EXPECT_TRUE(refused([](Sample& s) { s.segments[1].p_filesz = 0; })) << "zeroes would hide the text's last bytes";
    EXPECT_TRUE(refused([](Sample& s) { s.segments[0].p_memsz += 4; })) << "the text's zeroes would be file bytes";
}

TEST(Elf, PositionIndependentProgramsGetABase) {
    Sample sample;
    sample.header.e_type = ET_DYN;
    sample.segments[0].p_vaddr -= 0x8048000;
    sample.segments[1].p_vaddr -= 0x8048000;
    sample.header.e_entry -= 0x8048000;
    const auto plan = sample.plan();
    ASSERT_TRUE(plan) << plan.error();
    EXPECT_EQ(plan->entry.value, 0x56555100U);
    EXPECT_EQ(plan->headers.value, 0x56555000U + sizeof(Elf32_Ehdr));
    EXPECT_EQ(plan->segments[0].pages.first, Page{0x56555});
}

/// Each byte of the headers, made each value in turn.
TEST(Elf, EveryCorruptByteIsSurvived) {
    const auto sound = Sample().bytes();
    std::size_t refused = 0;
    for (std::size_t at = 0; at < sizeof(Elf32_Ehdr) + 3 * sizeof(Elf32_Phdr); ++at) {
        for (unsigned value = 0; value < 256; ++value) {
            auto bytes = sound;
            bytes[at] = static_cast<std::byte>(value);
            Memory memory(std::move(bytes));
            const auto plan = plan_elf(memory);
            if (!plan) {
                ++refused;
                continue;
            }
            for (const ElfSegment& segment : plan->all()) {
                ASSERT_TRUE((PageRange{Page{0x10}, Page{0xC0000}}).contains(segment.pages)) << at << ' ' << value;
                ASSERT_LE(segment.file_end, segment.memory_end) << at << ' ' << value;
            }
        }
    }
    EXPECT_GT(refused, 10000U);
}

TEST(Elf, AnyBytesArePlannedWithoutHarm) {
    std::mt19937 random(9);
    for (int round = 0; round < 20000; ++round) {
        auto bytes = Sample().bytes();
        for (unsigned i = 0; i <= random() % 6; ++i)
            bytes[random() % (sizeof(Elf32_Ehdr) + 3 * sizeof(Elf32_Phdr))] = static_cast<std::byte>(random());
        Memory memory(bytes);
        const auto plan = plan_elf(memory);
        if (!plan) continue;
        for (const ElfSegment& segment : plan->all()) {
            EXPECT_LT(segment.pages.first, segment.pages.end);
            EXPECT_GE(segment.pages.first.number, 0x10U);
            EXPECT_LE(segment.pages.end.number, 0xC0000U);
            EXPECT_LE(segment.file_end, segment.memory_end);
        }
    }
}

}  // namespace
}  // namespace quire::kernel
