// Any bytes as a program: an error, or a plan that keeps to its own rules.
#include "kernel/exec/elf.hpp"
#include "fuzz/input.hpp"
#include "quire/port.hpp"

using namespace quire;
using fuzz::check;

namespace {

class Memory final : public kernel::ElfBytes {
public:
    Memory(const std::uint8_t* data, std::size_t size) : bytes_(data, size) {}
    bool read(std::uint64_t offset, std::span<std::byte> out) override {
        if (offset > bytes_.size() || out.size() > bytes_.size() - offset) return false;
        std::memcpy(out.data(), bytes_.data() + offset, out.size());
        return true;
    }
    std::uint64_t size() const override { return bytes_.size(); }

private:
    std::span<const std::uint8_t> bytes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Memory memory(data, size);
    const auto plan = kernel::plan_elf(memory);
    if (!plan) {
        check(plan.error() != nullptr && plan.error()[0] != '\0');
        return 0;
    }
    bool entry_is_inside = false;
    for (const kernel::ElfSegment& segment : plan->all()) {
        const VirtualAddress first = address_of(segment.pages.first);
        const VirtualAddress end = address_of(segment.pages.end);
        check(!segment.pages.empty() && Machine::kUserPages.contains(segment.pages));
        check(first <= segment.file_end && segment.file_end <= end && segment.memory_end <= end);
        check(segment.file_end == first ||
              segment.file_page * kPageSize + (segment.file_end.value - first.value) <= size);
        check(segment.memory_end <= plan->end);
        entry_is_inside = entry_is_inside || segment.pages.contains(plan->entry.page());
    }
    check(plan->segment_count > 0 && entry_is_inside);
    return 0;
}
