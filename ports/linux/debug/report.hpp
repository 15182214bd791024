#pragma once
/// What the debug malloc writes: findings and leaks for people, profiles for tools.

#include <span>

#include "ports/linux/debug/names.hpp"
#include "quire/heap/debug/debug_heap.hpp"

namespace quire::linux_debug {

/// One line, and behind it the call stacks with names.
void write_finding(const Finding& finding, TextSink& out);

/// Leaks, kept until they can be written without the heap's lock. Memory straight from the kernel.
class KeptGroups final : public LeakVisitor {
public:
    ~KeptGroups();
    /// Room for so many; without memory there are fewer.
    void reserve(std::size_t groups);
    void group(const LeakGroup& group) override;
    [[nodiscard]] std::span<const LeakGroup> all() const { return {groups_, used_}; }

private:
    LeakGroup* groups_ = nullptr;
    std::size_t room_ = 0;
    std::size_t used_ = 0;
};
void write_leaks(const KeptGroups& groups, TextSink& out);

/// Text of any length, for the same reason.
class KeptText final : public TextSink {
public:
    ~KeptText();
    void write(std::string_view text) override;
    [[nodiscard]] std::string_view view() const { return {text_, used_}; }

private:
    char* text_ = nullptr;
    std::size_t room_ = 0;
    std::size_t used_ = 0;
};

/// Names that end in ".folded" ask for folded stacks.
[[nodiscard]] bool wants_folded(std::string_view name);
/// Creates the file; %p in its name is the process's number. Negative: it cannot be created.
[[nodiscard]] int open_profile(std::string_view name);
/// Folded stacks go to `folded`, with numbers still, the other format to `out`.
void write_profile(DebugHeap& heap, bool folded_wanted, TextSink& folded, TextSink& out);
void write_with_names(std::string_view folded, TextSink& out);
/// /proc/self/maps.
void write_maps(TextSink& out);

}  // namespace quire::linux_debug
