// The first-fit heap against a double that knows, for each 16 bytes, whose they are, and so where each block must go.
#include "quire/heap/first_fit_heap.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <vector>

namespace quire {
namespace {

constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kCell = 16;

struct Room {
    std::size_t first;  ///< cell
    std::size_t count;
    bool operator==(const Room&) const = default;
};

/// What 16 bytes each belong to: nobody, a block, or not to the heap.
class Cells {
public:
    Cells(std::uintptr_t base, std::size_t count) : base_(base), owners_(count, kForeign) {}

    /// The first cell of a region says how long it is.
    void add(Room region) { fill({region.first + 1, region.count - 1}, kFree); }
    void fill(Room room, int owner) { std::fill_n(owners_.begin() + long(room.first), room.count, owner); }
    void free(Room room) { fill(room, kFree); }

    static std::size_t needed(std::size_t bytes) { return bytes < 2 ? 2 : 1 + (bytes - 1) / kCell + 1; }

    /// First fit: cells, header included; a last cell that would be left alone belongs to the block.
    [[nodiscard]] std::optional<Room> place(std::size_t bytes, std::size_t alignment) const {
        const std::size_t count = needed(bytes);
        for (const Room& gap : gaps()) {
            for (std::size_t skipped = 0; skipped < gap.count && gap.count - skipped >= count; ++skipped) {
                if (skipped == 1) continue;  // too small for a block
                if ((base_ + (gap.first + skipped + 1) * kCell) % alignment != 0) continue;
                const std::size_t rest = gap.count - skipped - count;
                return Room{gap.first + skipped, count + (rest == 1 ? 1 : 0)};
            }
        }
        return std::nullopt;
    }
    /// What becomes of a block that is resized where it is.
    [[nodiscard]] std::optional<Room> resize(Room block, std::size_t bytes) const {
        std::size_t room = block.count;
        while (block.first + room < owners_.size() && owners_[block.first + room] == kFree) ++room;
        const std::size_t count = needed(bytes);
        if (count > room) return std::nullopt;
        const std::size_t limit = count <= block.count ? block.count : room;
        return Room{block.first, limit - count == 1 ? limit : count};
    }
    [[nodiscard]] std::vector<Room> gaps() const {
        std::vector<Room> result;
        for (std::size_t i = 0; i < owners_.size(); ++i) {
            if (owners_[i] != kFree) continue;
            if (i == 0 || owners_[i - 1] != kFree) result.push_back({i, 0});
            ++result.back().count;
        }
        return result;
    }

private:
    static constexpr int kForeign = -1;
    static constexpr int kFree = 0;
    std::uintptr_t base_;
    std::vector<int> owners_;
};

/// A heap and its double. Every difference is a failed expectation.
class World {
public:
    explicit World(std::size_t cells, std::vector<Room> regions)
        : memory_(cells), cells_(reinterpret_cast<std::uintptr_t>(memory_.data()), cells) {
        for (const Room& region : regions) {
            EXPECT_TRUE(heap.add(
                std::as_writable_bytes(std::span(memory_)).subspan(region.first * kCell, region.count * kCell)));
            cells_.add(region);
        }
        begin_ = cells_.gaps();
    }

    void allocate(std::size_t bytes, std::size_t alignment) {
        const auto place = cells_.place(bytes, std::max(alignment, kCell));
        enter(heap.allocate(bytes, alignment), place, bytes, 0);
    }
    void free(std::size_t which) {
        const auto chosen = std::next(blocks_.begin(), long(which % blocks_.size()));
        check_bytes(*chosen, chosen->second.bytes);
        heap.free(payload(chosen->second.room));
        cells_.free(chosen->second.room);
        blocks_.erase(chosen);
    }
    void reallocate(std::size_t which, std::size_t bytes) {
        const auto chosen = std::next(blocks_.begin(), long(which % blocks_.size()));
        const auto [id, block] = *chosen;
        auto place = cells_.resize(block.room, bytes);
        if (!place) place = cells_.place(bytes, kCell);
        void* const moved = heap.reallocate(payload(block.room), bytes);
        if (moved == nullptr) {
            EXPECT_FALSE(place.has_value());
            return;
        }
        cells_.free(block.room);
        blocks_.erase(chosen);
        enter(moved, place, bytes, std::min(bytes, block.bytes), id);
    }

    /// Everything agrees, and every block has its bytes.
    void check() const {
        heap.check_invariants();
        const FirstFitStatistics now = heap.statistics();
        FirstFitStatistics expected;
        for (const Room& gap : cells_.gaps()) {
            ++expected.free_blocks;
            expected.free_bytes += gap.count * kCell;
            expected.largest_free_block = std::max(expected.largest_free_block, gap.count * kCell);
        }
        for (const auto& block : blocks_) {
            check_bytes(block, block.second.bytes);
            expected.taken_bytes += block.second.room.count * kCell;
        }
        EXPECT_EQ(now.free_blocks, expected.free_blocks);
        EXPECT_EQ(now.free_bytes, expected.free_bytes);
        EXPECT_EQ(now.largest_free_block, expected.largest_free_block);
        EXPECT_EQ(now.taken_blocks, blocks_.size());
        EXPECT_EQ(now.taken_bytes, expected.taken_bytes);
    }
    /// All memory comes back as one free block a region.
    void finish() {
        while (blocks() != 0) free(blocks() / 2);
        check();
        EXPECT_EQ(cells_.gaps(), begin_);
    }
    [[nodiscard]] std::size_t blocks() const { return blocks_.size(); }

    FirstFitHeap heap;

private:
    struct alignas(kCell) Cell {
        std::array<std::byte, kCell> bytes;
    };
    struct Block {
        Room room;
        std::size_t bytes;
    };

    [[nodiscard]] std::uint8_t* payload(Room room) const {
        return reinterpret_cast<std::uint8_t*>(const_cast<Cell*>(&memory_[room.first])) + kCell;
    }
    void check_bytes(const std::pair<const int, Block>& block, std::size_t bytes) const {
        const auto fill = std::uint8_t(block.first);
        const std::uint8_t* const at = payload(block.second.room);
        for (std::size_t i = 0; i < bytes; ++i) ASSERT_EQ(at[i], fill) << "byte " << i << " of a block has changed";
    }
    /// `old` bytes of a block that has moved are as they were.
    void enter(void* block, std::optional<Room> place, std::size_t bytes, std::size_t old, int id = 0) {
        ASSERT_EQ(block != nullptr, place.has_value());
        if (block == nullptr) return;
        ASSERT_EQ(block, payload(*place)) << "not where it fits first";
        ASSERT_EQ(heap.usable_size(block), (place->count - 1) * kCell);
        ASSERT_LE(bytes, heap.usable_size(block));
        if (id == 0) id = ++last_id_;
        const auto entered = blocks_.insert({id, {*place, heap.usable_size(block)}}).first;
        cells_.fill(*place, id);
        check_bytes(*entered, old);
        std::memset(block, std::uint8_t(id), entered->second.bytes);
    }

    std::vector<Cell> memory_;
    Cells cells_;
    std::vector<Room> begin_;
    std::map<int, Block> blocks_;
    int last_id_ = 0;
};

struct Command {
    unsigned verb;
    std::size_t bytes;
    unsigned alignment;
    std::size_t which;
};
void showValue(const Command& command, std::ostream& out) {
    out << "{" << command.verb << ", " << command.bytes << ", " << command.alignment << ", " << command.which << "}";
}

void run(World& world, const Command& command) {
    if (command.verb < 4) {
        world.allocate(command.bytes, std::size_t{1} << command.alignment);
    } else if (world.blocks() != 0) {
        if (command.verb < 6)
            world.free(command.which);
        else
            world.reallocate(command.which, command.bytes);
    }
}

TEST(FirstFitHeap, AgreesWithAModelOfEveryCell) {
    EXPECT_TRUE(rc::check([] {
        const auto commands = *rc::gen::container<std::vector<Command>>(rc::gen::apply(
            [](unsigned verb, unsigned log, std::size_t bytes, unsigned alignment, std::size_t which) {
                return Command{verb, bytes % (std::size_t{1} << log), alignment < 11 ? alignment : 4, which};
            },
            rc::gen::inRange(0U, 8U), rc::gen::inRange(0U, 11U), rc::gen::arbitrary<std::size_t>(),
            rc::gen::inRange(0U, 22U), rc::gen::inRange<std::size_t>(0, 64)));
        // Two regions touch; the highest is added first.
        World world(400, {{300, 90}, {1, 150}, {151, 100}});
        world.check();
        for (const Command& command : commands) {
            run(world, command);
            world.check();
            RC_ASSERT(!testing::Test::HasFailure());
        }
        world.finish();
        RC_ASSERT(!testing::Test::HasFailure());
    }));
}

TEST(FirstFitHeap, EverySequenceInASmallUniverse) {
    // 12 cells, of which the first is the region's: room for five of the smallest blocks. A sequence's beginnings are sequences of
    // their own, so that only what its last step does has to be looked at.
    constexpr std::array kSteps{Command{0, 0, 4, 0},  Command{0, 17, 4, 0}, Command{0, 1, 6, 0},  Command{4, 0, 0, 0},
                                Command{4, 0, 0, 1},  Command{4, 0, 0, 2},  Command{7, 33, 0, 0}, Command{7, 1, 0, 0},
                                Command{7, 50, 0, 1}, Command{0, 60, 5, 0}};
    std::size_t sequences = 0;
    for (std::size_t length = 1; length <= 5; ++length) {
        std::size_t all = 1;
        for (std::size_t i = 0; i < length; ++i) all *= kSteps.size();
        for (std::size_t sequence = 0; sequence < all; ++sequence) {
            World world(12, {{0, 12}});
            for (std::size_t i = 0, rest = sequence; i < length; ++i, rest /= kSteps.size())
                run(world, kSteps[rest % kSteps.size()]);
            world.check();
            ASSERT_FALSE(HasFailure()) << "sequence " << sequence << " of length " << length;
            world.finish();
            ASSERT_FALSE(HasFailure()) << "sequence " << sequence << " of length " << length;
            ++sequences;
        }
    }
    EXPECT_EQ(sequences, 111110U);
}

TEST(FirstFitHeap, EverySizeAndAlignmentInEveryRoom) {
    for (std::size_t room = 3; room < 40; ++room) {
        for (std::size_t bytes = 0; bytes <= room * kCell; ++bytes) {
            for (std::size_t alignment = 1; alignment <= 512; alignment *= 2) {
                World world(40, {{0, room}});
                world.allocate(bytes, alignment);
                world.check();
                ASSERT_FALSE(HasFailure()) << room << " cells, " << bytes << " bytes at " << alignment;
            }
        }
    }
}

TEST(FirstFitHeap, ExhaustionChangesNothing) {
    World world(100, {{0, 100}});
    for (std::size_t i = 0; i < 49; ++i) world.allocate(16, 16);
    EXPECT_EQ(world.heap.statistics().taken_bytes, 98 * kCell + kCell) << "the last block got the cell that was left";
    world.check();
    EXPECT_EQ(world.heap.allocate(0), nullptr);
    EXPECT_EQ(world.heap.allocate(1), nullptr);
    world.reallocate(7, 33);
    world.check();
    EXPECT_EQ(world.blocks(), 49U);
    world.free(20);
    EXPECT_EQ(world.heap.allocate(17), nullptr);
    EXPECT_EQ(world.heap.allocate(16, 4096), nullptr);
    world.allocate(16, 16);
    EXPECT_EQ(world.blocks(), 49U);
    world.finish();
}

TEST(FirstFitHeap, OddRequests) {
    World world(100, {{0, 100}});
    const FirstFitStatistics before = world.heap.statistics();
    world.heap.free(nullptr);
    void* const block = world.heap.allocate(5);
    for (const std::size_t bytes : {kMost, kMost - 15, kMost - 16, kMost - 31, kMost - 32, kMost - 47, kMost / 2,
                                    kMost - reinterpret_cast<std::uintptr_t>(block), 99 * kCell}) {
        EXPECT_EQ(world.heap.allocate(bytes), nullptr);
        EXPECT_EQ(world.heap.reallocate(block, bytes), nullptr);
        EXPECT_EQ(world.heap.reallocate(nullptr, bytes), nullptr);
        EXPECT_EQ(world.heap.allocate(bytes, kMost / 2 + 1), nullptr);
    }
    for (const std::size_t alignment :
         {std::size_t{0}, std::size_t{3}, std::size_t{48}, kMost, kMost / 2 + 1, kMost / 4 + 1})
        EXPECT_EQ(world.heap.allocate(1, alignment), nullptr);
    EXPECT_EQ(world.heap.statistics().taken_blocks, 1U);
    world.heap.check_invariants();

    void* const none = world.heap.allocate(0);
    void* const another = world.heap.allocate(0);
    EXPECT_TRUE(none != nullptr && another != nullptr && none != another);
    EXPECT_EQ(world.heap.usable_size(none), 16U);
    EXPECT_EQ(world.heap.reallocate(none, 0), none);
    for (void* taken : {block, none, another, world.heap.reallocate(nullptr, 40)}) world.heap.free(taken);
    EXPECT_EQ(world.heap.statistics().free_blocks, 1U);
    EXPECT_EQ(world.heap.statistics().free_bytes, before.free_bytes);
    world.heap.check_invariants();
}

TEST(FirstFitHeap, RegionsOfAnyPlaceAndSize) {
    alignas(16) std::array<std::byte, 128> bytes{};
    for (std::size_t first = 0; first < 20; ++first) {
        for (std::size_t count = 0; first + count <= bytes.size(); ++count) {
            FirstFitHeap heap;
            const std::size_t begin = (first + 15) / 16 * 16;
            const std::size_t end = (first + count) / 16 * 16;
            const bool enough = end >= begin + 48;
            EXPECT_EQ(heap.add(std::span(bytes).subspan(first, count)), enough);
            heap.check_invariants();
            EXPECT_EQ(heap.statistics().free_bytes, enough ? end - begin - 16 : 0);
            EXPECT_EQ(heap.allocate(1) != nullptr, enough);
        }
    }
    FirstFitHeap none{std::span<std::byte>{}};
    EXPECT_EQ(none.allocate(1), nullptr);
    none.check_invariants();
    FirstFitHeap whole{bytes};
    EXPECT_EQ(whole.allocate(112 - 16), bytes.data() + 32);
}

constinit FirstFitHeap before_any_constructor;

TEST(FirstFitHeap, NeedsNoConstructor) {
    EXPECT_EQ(before_any_constructor.allocate(1), nullptr);
    before_any_constructor.check_invariants();
}

}  // namespace
}  // namespace quire
