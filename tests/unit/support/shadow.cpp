#include "tests/unit/support/shadow.hpp"

#include <algorithm>
#include <cstring>

namespace quire::test {

namespace {
constexpr Bytes kZeroes{};

Rights rights_of(std::uint8_t bits) {
    Rights rights = Rights::none;
    if ((bits & 1U) != 0) rights = rights | Rights::read;
    if ((bits & 2U) != 0) rights = rights | Rights::write | Rights::read;
    if ((bits & 4U) != 0) rights = rights | Rights::execute | Rights::read;
    return rights;
}

/// Whether an error is nothing but a lack of memory.
bool only_lack(Error error, bool may_fail) {
    if (error == Error::no_frames) EXPECT_TRUE(may_fail) << "out of memory though there is enough";
    return error == Error::no_frames;
}

}  // namespace

ShadowObject::ShadowObject(World& world, std::size_t count) : object(world, count), pages(count) {
    object.retain();  // ours, so that it never goes
    for (std::size_t i = 0; i < count; ++i) pages[i].fill(static_cast<std::uint8_t>(i));
}

Program::Program(World& world, std::vector<ShadowObject*> objects)
    : world_(world), objects_(std::move(objects)), space_(world.paging, World::kZeroFrame, kMappingBase) {}

std::unique_ptr<Program> Program::make(World& world, std::vector<ShadowObject*> objects) {
    std::unique_ptr<Program> program(new Program(world, std::move(objects)));
    if (!program->space_.create()) return nullptr;
    const Frame before = Machine::active_directory();
    Machine::activate(program->space_.directory());
    const bool opened = program->space_.open().has_value();
    Machine::activate(before);
    if (!opened) {
        program->space_.destroy();
        return nullptr;
    }
    program->space_.start_break(address_of(kBreak));
    world.add(program->space_);
    return program;
}

Program::~Program() {
    if (space_.directory() == Frame{0}) return;
    world_.remove(space_);
    Machine::activate(space_.directory());
    space_.close();
    Machine::activate(world_.boot.frame);
    space_.destroy();
}

void Program::enter() {
    // Switching forgets all translations; where there is nothing to switch, old ones must not hurt.
    if (Machine::active_directory() != space_.directory()) Machine::activate(space_.directory());
    hosted::Processor::current().on_fault([this](VirtualAddress address, Access access) -> Result<void> {
        const auto kind = space_.handle_fault(address, access);
        if (!kind) return fail(kind.error());
        return {};
    });
}

std::unique_ptr<Program> Program::fork() {
    std::unique_ptr<Program> child(new Program(world_, objects_));
    if (!space_.fork(child->space_)) return nullptr;
    child->pages_ = pages_;
    for (auto& [number, page] : child->pages_) {
        if (page.own) page.own = std::make_shared<Bytes>(*page.own);
    }
    child->break_pages_ = break_pages_;
    world_.add(child->space_);
    return child;
}

PageRange Program::range_of_step(const Step& step) const {
    const std::size_t window = kWindow.count().value;
    const std::size_t first = step.page % window;
    return range_of(kWindow.first + PageCount{first},
                    PageCount{std::min<std::size_t>(1 + step.count % 24, window - first)});
}

bool Program::step(const Step& step, bool may_fail) {
    const PageRange range = range_of_step(step);
    switch (step.verb) {
        case Verb::map: return map(step, may_fail);
        case Verb::map_object: return map_object(step, may_fail);
        case Verb::unmap: return unmap(range, may_fail);
        case Verb::protect: return protect(range, rights_of(step.rights), may_fail);
        case Verb::discard: discard(range); return true;
        case Verb::set_break: return set_break(step, may_fail);
        case Verb::load: return load(range.first, step.offset % kPageSize, may_fail);
        case Verb::store: return store(range.first, step.offset % kPageSize, step.value, may_fail);
        case Verb::compare: compare(); return true;
    }
    return true;
}

bool Program::map(const Step& step, bool may_fail) {
    MapRequest request;
    request.count = range_of_step(step).count();
    request.placement = step.placement;
    request.at = range_of_step(step).first;
    request.traits = {.kind = RangeKind::mapped, .rights = rights_of(step.rights), .allowed = kAll};
    return finish_map(request, nullptr, may_fail);
}

bool Program::map_object(const Step& step, bool may_fail) {
    if (objects_.empty()) return true;
    ShadowObject* const object = objects_[step.value % objects_.size()];
    MapRequest request;
    request.count = range_of_step(step).count();
    request.placement = step.placement;
    request.at = range_of_step(step).first;
    request.traits = {.kind = RangeKind::mapped,
                      .rights = rights_of(step.rights),
                      .allowed = kAll,
                      .shared = step.shared,
                      .object = &object->object};
    request.object_page = step.offset % (object->pages.size() + 2);  // some lies behind the object's end
    return finish_map(request, object, may_fail);
}

bool Program::finish_map(const MapRequest& request, ShadowObject* object, bool may_fail) {
    const PageRange wanted = range_of(request.at, request.count);
    std::optional<Page> expected;
    switch (request.placement) {
        case Placement::anywhere: expected = first_fit(request.count.value); break;
        case Placement::preferred: expected = all_free(wanted) ? wanted.first : first_fit(request.count.value); break;
        case Placement::fixed: expected = wanted.first; break;
        case Placement::fixed_if_free:
            if (all_free(wanted)) expected = wanted.first;
            break;
    }
    const auto first = space_.map(request);
    if (!first) {
        if (only_lack(first.error(), may_fail)) return false;
        EXPECT_FALSE(expected) << name(first.error());
        EXPECT_EQ(first.error(), Error::already_mapped);
        return true;
    }
    EXPECT_EQ(*first, expected);
    for (std::size_t i = 0; i < request.count.value; ++i) {
        pages_[first->number + i] = {request.traits, object, request.object_page + i, nullptr};
    }
    return true;
}

bool Program::unmap(PageRange range, bool may_fail) {
    const auto done = space_.unmap(range);
    if (!done) {
        EXPECT_TRUE(only_lack(done.error(), may_fail));
        return false;
    }
    pages_.erase(pages_.lower_bound(range.first.number), pages_.lower_bound(range.end.number));
    return true;
}

bool Program::protect(PageRange range, Rights rights, bool may_fail) {
    const auto done = space_.protect(range, rights);
    if (!done) {
        if (only_lack(done.error(), may_fail)) return false;
        EXPECT_EQ(done.error(), Error::not_mapped);
        EXPECT_FALSE(all_mapped(range));
        return true;
    }
    EXPECT_TRUE(all_mapped(range));
    for (Page page = range.first; page < range.end; page = page + PageCount{1})
        pages_[page.number].traits.rights = rights;
    return true;
}

void Program::discard(PageRange range) {
    const auto done = space_.discard(range);
    EXPECT_EQ(done.has_value(), all_mapped(range));
    if (!done) return;
    for (Page page = range.first; page < range.end; page = page + PageCount{1}) pages_[page.number].own = nullptr;
}

bool Program::set_break(const Step& step, bool may_fail) {
    const std::size_t pages = step.count % 80;  // up to 16 pages into the window
    const Page end = kBreak + PageCount{pages};
    const bool grows = pages > break_pages_;
    const PageRange changed{kBreak + PageCount{std::min(pages, break_pages_)},
                            kBreak + PageCount{std::max(pages, break_pages_)}};
    const bool in_the_way = grows && !all_free(changed);
    const auto done = space_.set_break(address_of(end));
    if (!done) {
        if (only_lack(done.error(), may_fail)) return false;
        EXPECT_EQ(done.error(), Error::no_addresses);
        EXPECT_TRUE(in_the_way);
        return true;
    }
    EXPECT_FALSE(in_the_way);
    break_pages_ = pages;
    for (Page page = changed.first; page < changed.end; page = page + PageCount{1}) {
        if (grows) {
            pages_[page.number].traits = {.kind = RangeKind::heap, .rights = kReadWrite, .allowed = kAll};
        } else {
            pages_.erase(page.number);
        }
    }
    return true;
}

/// What a program is told if it may not, or cannot, do this.
std::optional<Error> Program::refusal(Page page, Access access) const {
    const auto found = pages_.find(page.number);
    if (found == pages_.end()) return Error::not_mapped;
    const ShadowPage& shadow = found->second;
    if (!shadow.traits.rights.include(needed_for(access))) return Error::denied;
    if (shadow.object != nullptr && shadow.own == nullptr && shadow.index >= shadow.object->pages.size())
        return Error::beyond_end;
    return std::nullopt;
}

const Bytes* Program::contents(const ShadowPage& page) const {
    if (page.own) return page.own.get();
    if (page.object == nullptr) return &kZeroes;
    return page.index < page.object->pages.size() ? &page.object->pages[page.index] : nullptr;
}

bool Program::load(Page page, std::size_t offset, bool may_fail) {
    const auto refused = refusal(page, Access::read);
    const auto value = hosted::Processor::current().load({address_of(page).value + offset});
    if (!value) {
        if (only_lack(value.error(), may_fail)) return false;
        EXPECT_EQ(value.error(), refused);
        return true;
    }
    EXPECT_FALSE(refused) << name(*refused);
    if (!refused) EXPECT_EQ(*value, (*contents(pages_[page.number]))[offset]);
    return true;
}

bool Program::store(Page page, std::size_t offset, std::uint8_t value, bool may_fail) {
    const auto refused = refusal(page, Access::write);
    const auto done = hosted::Processor::current().store({address_of(page).value + offset}, value);
    if (!done) {
        if (only_lack(done.error(), may_fail)) return false;
        EXPECT_EQ(done.error(), refused);
        return true;
    }
    EXPECT_FALSE(refused) << name(*refused);
    if (refused) return true;
    ShadowPage& shadow = pages_[page.number];
    if (shadow.traits.shared) {
        shadow.object->pages[shadow.index][offset] = value;
        return true;
    }
    if (!shadow.own) shadow.own = std::make_shared<Bytes>(*contents(shadow));
    (*shadow.own)[offset] = value;
    return true;
}

void Program::compare() {
    space_.check_invariants();
    std::size_t allocated = 0;
    space_.list().visit(Machine::kUserPages, [&](const RangeNode& node) {
        if (node.is_gap()) return true;
        for (Page page = node.pages().first; page < node.pages().end; page = page + PageCount{1}, ++allocated) {
            const auto found = pages_.find(page.number);
            EXPECT_TRUE(found != pages_.end() && found->second.traits == node.traits()) << "page " << page.number;
        }
        return true;
    });
    ASSERT_EQ(allocated, pages_.size());
    for (const auto& [number, shadow] : pages_) {
        const Page page{number};
        const bool occupied = Machine::has_table(page) && Machine::slot(page).load().occupied();
        if (!occupied) {
            EXPECT_EQ(shadow.own, nullptr) << "what was written to page " << number << " is lost";
            continue;
        }
        const Bytes* const expected = contents(shadow);
        ASSERT_NE(expected, nullptr) << "page " << number << " lies behind the end of its object";
        EXPECT_EQ(std::memcmp(world_.computer.ram(Machine::slot(page).load().frame()), expected->data(), kPageSize), 0)
            << "page " << number;
    }
}

bool Program::all_free(PageRange range) const {
    const auto next = pages_.lower_bound(range.first.number);
    return next == pages_.end() || Page{next->first} >= range.end;
}

bool Program::all_mapped(PageRange range) const {
    for (Page page = range.first; page < range.end; page = page + PageCount{1}) {
        if (!pages_.contains(page.number)) return false;
    }
    return true;
}

/// The lowest free place from the mapping base upwards; there is always one.
std::optional<Page> Program::first_fit(std::size_t count) const {
    Page first = kMappingBase;
    for (auto next = pages_.lower_bound(first.number); next != pages_.end(); ++next) {
        if (Page{next->first} - first >= PageCount{count}) break;
        first = Page{next->first + 1};
    }
    return first;
}

}  // namespace quire::test
