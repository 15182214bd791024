/// The kernel's heap on the running machine: the cases that the host runs too (heap_cases.hpp), what happens without
/// memory, with interrupts off, and misuse.

#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "kernel/cpu/interrupts.hpp"
#include "kernel/cpu/timer.hpp"
#include "kernel/memory/from_cache.hpp"
#include "kernel/memory/initial_files.hpp"
#include "kernel/memory/kmalloc.hpp"
#include "kernel/memory/memory.hpp"
#include "kernel/memory/reclaim.hpp"
#include "tests/kernel/case.hpp"
#include "tests/kernel/heap_cases.hpp"

namespace quire::kernel {
namespace {

void holds(const char* wrong) {
    if (wrong != nullptr) check(false, wrong);
}

std::size_t free_frames() {
    return memory().frames.statistics().free.value;
}

/// While there is one, no frame is left for anybody else. (Frames that are freed meanwhile are.)
Result<FrameReservation> all_frames() {
    const FrameStatistics frames = memory().frames.statistics();
    return memory().frames.reserve(frames.free - frames.reserved);
}

void model() {
    // Too large for the stack.
    static constinit std::optional<heap_cases::Model> model;
    for (std::uint32_t seed = 1; seed <= 4; ++seed) {
        model.emplace(kernel_heap(), seed);
        holds(model->run(30'000));
    }
    model.reset();
    holds(heap_cases::sized_frees(kernel_heap()));
}

void objects() {
    holds(heap_cases::all_objects_keep(kernel_heap(), 5, 3000));
}

/// Frames too: those of the heap, its tables, and the nodes of its ranges.
void gives_back_64_mebibytes() {
    for (const std::size_t bytes : {16U, 64U, 500U, 2000U}) {
        const std::size_t before = free_frames();
        std::size_t most = 0;
        holds(heap_cases::gives_back(kernel_heap(), bytes, most));
        check(free_frames() + heap_cases::kMegabyte / kPageSize > before, "less than 1 MiB of frames stays behind");
    }
}

void interface() {
    auto* const zeroes = static_cast<unsigned char*>(kzalloc(3000));
    if (!check(zeroes != nullptr && ksize(zeroes) >= 3000, "kzalloc")) return;
    bool empty = true;
    for (std::size_t i = 0; i < 3000; ++i) empty = empty && zeroes[i] == 0;
    check(empty, "kzalloc fills with zeroes");
    std::memset(zeroes, 7, 3000);
    auto* const grown = static_cast<unsigned char*>(krealloc(zeroes, 100'000));
    if (!check(grown != nullptr && grown[0] == 7 && grown[2999] == 7, "krealloc keeps the contents")) return;
    kfree_sized(grown, 100'000);
    void* const aligned = kmalloc_aligned(100, 256);
    check(reinterpret_cast<std::uintptr_t>(aligned) % 256 == 0, "kmalloc_aligned");
    kfree_sized(aligned, 100, 256);
    kfree(nullptr);
    check(kmalloc(~std::size_t{0}) == nullptr && kmalloc_aligned(1, 3) == nullptr, "what cannot be is refused");
}

/// Fills a file's page cache with pages that its archive has too.
std::size_t cache_file_pages() {
    const auto inode = files().look_up(files().root(), "/bin/heap-glibc", FollowLast::yes);
    if (!check(inode.has_value(), "a file of some pages")) return 0;
    FileContent& content = (*inode)->content();
    for (std::size_t i = 0; i < 40; ++i) {
        const auto frame = content.page(i);
        if (!check(frame.has_value(), "a page of it")) return 0;
        memory().frames.drop(*frame);
    }
    return content.cached();
}

void waiting_reclaims() {
    static_cast<void>(reclaim_memory());
    kernel_heap().trim();
    const std::size_t cached = cache_file_pages();
    check(cached >= 40, "pages are cached");
    constexpr std::size_t kBytes = 10 * kPageSize;
    const auto taken = all_frames();
    if (!check(taken.has_value(), "all frames are promised")) return;
    check(kmalloc(kBytes, Wait::never) == nullptr, "without memory it fails at once");
    check(free_frames() == memory().frames.statistics().reserved.value, "and reclaims nothing");
    check(kmalloc(std::size_t{3} << 30U, Wait::may) == nullptr, "what cannot be is not waited for");
    check(free_frames() == memory().frames.statistics().reserved.value, "nor reclaimed for");
    void* const block = kmalloc(kBytes, Wait::may);
    check(block != nullptr, "who may wait gets the file pages' frames");
    check(kmalloc(100 * kPageSize, Wait::may) == nullptr, "in the end there is nothing left");
    kfree(block);
}

/// A page that a program maps, or that was written to, is not clean.
void reclaim_keeps_what_is_used() {
    static_cast<void>(cache_file_pages());
    const auto inode = files().look_up(files().root(), "/bin/heap-glibc", FollowLast::yes);
    if (!check(inode.has_value(), "a file")) return;
    FileContent& content = (*inode)->content();
    const auto mapped = content.page(0);
    if (!check(mapped.has_value(), "a page")) return;
    std::byte byte{};
    check(content.read(kPageSize + 5, {&byte, 1}).value_or(0) == 1, "a byte of the second page");
    const std::byte other{~byte};
    check(content.write(kPageSize + 5, {&other, 1}).value_or(0) == 1, "it can be changed");
    check(reclaim_memory().value >= 38, "the others go");
    check(content.cached() == 2, "one page is mapped, one was written to");
    memory().frames.drop(*mapped);
    check(content.write(kPageSize + 5, {&byte, 1}).value_or(0) == 1, "and changed back");
    check(reclaim_memory().value == 2 && content.cached() == 0, "then they go too");
}

/// Freeing takes no frame, in whatever form, and makes all the memory usable again.
void frees_without_memory() {
    constexpr std::size_t kBlocks = 600;
    static constinit std::array<void*, kBlocks> blocks{};
    heap_cases::Dice dice(9);
    for (void*& block : blocks) {
        block = kmalloc(heap_cases::some_size(dice));
        if (!check(block != nullptr, "there is memory")) return;
    }
    void* small = kmalloc(2000);
    std::memset(small, 5, 2000);
    const std::uint64_t frames_before = memory().frames.statistics().taken;
    {
        const auto taken = all_frames();
        if (!check(taken.has_value(), "all frames are promised")) return;
        // A class of which there is no slab, so a smaller block would have to be a new one.
        void* const same = krealloc(small, 20, Wait::never);
        check(same != nullptr && *static_cast<char*>(same) == 5, "making a block smaller needs no memory");
        small = same;
        for (void* const block : blocks) kfree(block);
        kfree(small);
        kernel_heap().trim();
    }
    check(memory().frames.statistics().taken <= frames_before + 4, "freeing takes no frames");
    kernel_heap().check_invariants();
}

/// Interrupts stay off throughout.
void interrupts_off() {
    disable_interrupts();
    void* const small = kmalloc(40, Wait::never);
    void* const large = kmalloc(3 * kPageSize, Wait::never);
    std::uint32_t flags = 0;
    asm volatile("pushfl\n\tpopl %0" : "=r"(flags));
    kfree(small);
    kfree(large);
    std::uint32_t later = 0;
    asm volatile("pushfl\n\tpopl %0" : "=r"(later));
    enable_interrupts();
    check(small != nullptr && large != nullptr, "there is memory");
    constexpr std::uint32_t kInterrupts = 1U << 9U;
    check((flags & kInterrupts) == 0 && (later & kInterrupts) == 0, "the heap does not switch interrupts on");
}

constinit std::uint32_t interrupts = 0;
constinit std::uint32_t refused = 0;

/// The timer's, and some blocks: one that stays for a while, one that brings a span.
void allocate_in_an_interrupt() {
    static constinit std::array<void*, 7> kept{};
    on_timer_interrupt();
    void*& block = kept[interrupts++ % kept.size()];
    kfree(block);
    block = kmalloc(1 + interrupts * 37 % 900, Wait::never);
    void* const large = kmalloc(2 * kPageSize, Wait::never);
    if (block == nullptr || large == nullptr) ++refused;
    kfree(large);
    if (interrupts % 7 != 0) return;
    for (void*& old : kept) kfree(std::exchange(old, nullptr));
}

/// An interrupt comes between any two instructions of the heap but those under its lock.
void in_interrupt_handlers() {
    static constinit std::optional<heap_cases::Model> model;
    interrupts = refused = 0;
    set_irq_handler(0, allocate_in_an_interrupt);
    for (std::uint32_t seed = 10; interrupts < 42; ++seed) {
        model.emplace(kernel_heap(), seed);
        holds(model->run(5000));
    }
    // Until the handler keeps no block.
    for (disable_interrupts(); interrupts % 7 != 0; disable_interrupts()) {
        enable_interrupts();
        wait_for_interrupt();
    }
    set_irq_handler(0, on_timer_interrupt);
    enable_interrupts();
    model.reset();
    check(refused == 0, "there is memory in an interrupt handler too");
    kernel_heap().check_invariants();
}

struct Shape final : FromCache<Shape> {
    static constexpr const char* kCacheName = "test shape";
    std::array<std::uint32_t, 30> numbers{};
};

void new_comes_from_the_cache() {
    auto* const one = new (std::nothrow) Shape;
    auto* const two = new (std::nothrow) Shape;
    check(Shape::cache().counts().live == 2 && Shape::cache().counts().block_bytes == 128, "two shapes");
    bool known = false;
    kernel_heap().for_each_cache(
        [&](const ObjectCounts& counts) { known = known || &counts == &Shape::cache().counts(); });
    check(known, "the heap knows the cache");
    delete one;
    delete two;
    check(Shape::cache().counts().live == 0 && Shape::cache().counts().most == 2, "none is left");
}

void double_free() {
    void* const block = kmalloc(24);
    kfree(block);
    kfree(block);
}
void free_of_the_middle() {
    kfree(static_cast<char*>(kmalloc(100)) + 16);
}
void free_of_the_image() {
    static int here = 0;
    kfree(&here);
}
void free_of_a_page_of_a_large_block() {
    kfree(static_cast<char*>(kmalloc(5 * kPageSize)) + kPageSize);
}
void free_with_another_size() {
    kfree_sized(kmalloc(100), 300);
}
void object_freed_twice() {
    auto* const one = new (std::nothrow) Shape;
    auto* const two = new (std::nothrow) Shape;
    delete one;
    asm volatile("" : : "r"(two) : "memory");
    Shape::cache().free(one);
}
void cache_ends_with_objects() {
    ObjectCache<Shape> cache(kernel_heap(), "short");
    static_cast<void>(cache.create(Wait::may));
}

[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kCases[]{
    {"kmalloc_model", model},
    {"kmalloc_objects", objects},
    {"kmalloc_interface", interface},
    {"kmalloc_gives_back_64_mebibytes", gives_back_64_mebibytes},
    {"kmalloc_waiting_reclaims", waiting_reclaims},
    {"kmalloc_reclaim_keeps_what_is_used", reclaim_keeps_what_is_used},
    {"kmalloc_frees_without_memory", frees_without_memory},
    {"kmalloc_interrupts_off", interrupts_off},
    {"kmalloc_in_interrupt_handlers", in_interrupt_handlers},
    {"kmalloc_new_comes_from_the_cache", new_comes_from_the_cache},
    {"panic_double_free", double_free, "a block of the heap was freed twice"},
    {"panic_free_of_the_middle", free_of_the_middle, "the heap was given a pointer into the middle of a block"},
    {"panic_free_of_the_image", free_of_the_image, "the heap was given a pointer that is not its own"},
    {"panic_free_in_a_large_block", free_of_a_page_of_a_large_block,
     "the heap was given a pointer that is not its own"},
    {"panic_free_with_another_size", free_with_another_size, "a block of the heap was freed with another size"},
    {"panic_object_freed_twice", object_freed_twice, "a block of the heap was freed twice"},
    {"panic_cache_ends_with_objects", cache_ends_with_objects, "an object cache ends, and there are objects of it"},
};

}  // namespace
}  // namespace quire::kernel
