#pragma once
/// A program and its double: every verb is done to a space of the library and to an obviously correct model of it, a map from page
/// to rights and bytes. What a program reads, and at any time all it could read, must be what its double has.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "tests/unit/support/world.hpp"

namespace quire::test {

using Bytes = std::array<std::uint8_t, kPageSize>;

/// An object and what it should contain. Outlives the programs that show it.
struct ShadowObject {
    ShadowObject(World& world, std::size_t count);
    TestObject object;
    std::vector<Bytes> pages;
};

enum class Verb : std::uint8_t { map, map_object, unmap, protect, discard, set_break, load, store, compare };
inline constexpr std::size_t kVerbs = 9;

/// One thing a program does. Fields that a verb has no use for are ignored; every value is allowed.
struct Step {
    Verb verb = Verb::load;
    Placement placement = Placement::anywhere;
    std::uint8_t page = 0;    ///< of the window in which programs play
    std::uint8_t count = 0;   ///< pages
    std::uint8_t rights = 0;  ///< bits
    std::uint8_t value = 0;
    std::uint16_t offset = 0;
    bool shared = false;
};

class Program {
public:
    /// 160 pages across a table's end, so that all programs meet at the same addresses.
    static constexpr PageRange kWindow{Page{0x40000 - 64}, Page{0x40000 + 96}};
    static constexpr Page kBreak{0x40000 - 128};

    /// `objects` may be shown by many programs. nullptr if there is no memory for a space.
    static std::unique_ptr<Program> make(World& world, std::vector<ShadowObject*> objects);
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    /// Makes this the program that runs on the current processor.
    void enter();
    /// Does one step, after enter(), and compares the result. False if it failed for lack of memory, which is a mistake unless
    /// it `may_fail`; nothing has changed then.
    bool step(const Step& step, bool may_fail);
    /// A copy of this program and its double; nullptr if there is no memory.
    std::unique_ptr<Program> fork();
    /// Compares all regions, all rights and every byte.
    void compare();

    [[nodiscard]] Space& space() { return space_; }

private:
    struct ShadowPage {
        RangeTraits traits;
        ShadowObject* object = nullptr;
        std::size_t index = 0;
        std::shared_ptr<Bytes> own;  ///< once written: what is private here, or nullptr
    };

    Program(World& world, std::vector<ShadowObject*> objects);
    bool map(const Step& step, bool may_fail);
    bool map_object(const Step& step, bool may_fail);
    bool finish_map(const MapRequest& request, ShadowObject* object, bool may_fail);
    bool unmap(PageRange range, bool may_fail);
    bool protect(PageRange range, Rights rights, bool may_fail);
    void discard(PageRange range);
    bool set_break(const Step& step, bool may_fail);
    bool load(Page page, std::size_t offset, bool may_fail);
    bool store(Page page, std::size_t offset, std::uint8_t value, bool may_fail);

    [[nodiscard]] PageRange range_of_step(const Step& step) const;
    [[nodiscard]] bool all_free(PageRange range) const;
    [[nodiscard]] bool all_mapped(PageRange range) const;
    [[nodiscard]] std::optional<Page> first_fit(std::size_t count) const;
    [[nodiscard]] const Bytes* contents(const ShadowPage& page) const;
    [[nodiscard]] std::optional<Error> refusal(Page page, Access access) const;

    World& world_;
    std::vector<ShadowObject*> objects_;
    Space space_;
    std::map<std::uintptr_t, ShadowPage> pages_;
    std::size_t break_pages_ = 0;
};

}  // namespace quire::test
