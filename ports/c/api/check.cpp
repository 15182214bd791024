// quire_check_port(): tries what the kernel's port can do, one function after the other, each time in a way in which a mistake shows.
#include <array>
#include <cstring>

#include "ports/c/api/instance.hpp"

using namespace quire;
using c::code;
using c::inside;
using c::instance;

namespace {

constexpr Rights kKernel = Rights::read | Rights::write;

volatile unsigned char& first_byte(Page page) {
    return *reinterpret_cast<volatile unsigned char*>(Machine::pointer(address_of(page)));
}

void check_entries() {
    require(!Machine::Entry().occupied() && !Machine::Entry().present(), "port: entry 0 is not empty");
    for (std::uint8_t bits = 0; bits < 16; ++bits) {
        for (const Frame frame : {Frame{1}, Frame{0x9'A5C3}}) {
            const Rights rights = Rights::from_bits(bits);
            const auto entry = Machine::Entry::make(frame, rights);
            require(entry.occupied() && entry.frame() == frame, "quire_port_make_entry: the frame is lost");
            require(entry.present() == rights.include(Rights::read),
                    "quire_port_make_entry: present must mean that it may be read");
            if (!entry.present()) continue;
            constexpr Rights kSeen = Rights::read | Rights::write | Rights::user;
            require((entry.rights() & kSeen) == (rights & kSeen), "quire_port_read_entry: rights come out otherwise");
        }
    }
}

/// Four windows at once, each with a pattern that must still be there when the frame is shown elsewhere.
void check_windows(const std::array<Frame, 4>& frames) {
    const auto fill = [](const Machine::FrameWindow& window, int byte) { std::memset(window.data(), byte, kPageSize); };
    const auto holds = [](const Machine::FrameWindow& window, int byte) {
        return window.data()[0] == std::byte(byte) && window.data()[kPageSize - 1] == std::byte(byte);
    };
    {
        const Machine::FrameWindow a(frames[0]);
        const Machine::FrameWindow b(frames[1]);
        const Machine::FrameWindow c(frames[2]);
        const Machine::FrameWindow d(frames[3]);
        fill(a, 1);
        fill(b, 2);
        fill(c, 3);
        fill(d, 4);
        require(holds(a, 1) && holds(b, 2) && holds(c, 3), "quire_port_open_window: two windows show one frame");
    }
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const Machine::FrameWindow window(frames[i]);
        require(holds(window, static_cast<int>(i) + 1), "quire_port_open_window: shows an old frame");
    }
}

/// What is written through a page, its frame holds, and the other way round; after a change only once it is flushed.
void check_kernel_page(const std::array<Frame, 4>& frames) {
    const auto page = instance().kernel.acquire({});
    if (!page) return;
    require(Machine::has_table(*page), "quire_port_link_table: the page has no table afterwards");
    first_byte(*page) = 77;
    const auto slot = Machine::slot(*page);
    const auto old = slot.load();
    require(old.occupied() && old.present(), "quire_port_slot: not the entry that was stored");
    require(old.accessed() && old.dirty(),
            "quire_port_read_entry: the page was written, and the entry is not accessed and dirty");
    {
        const Machine::FrameWindow window(old.frame());
        require(window.data()[0] == std::byte{77}, "quire_port_slot: what is written does not reach the entry's frame");
    }
    slot.store(Machine::Entry::make(frames[2], kKernel));
    Machine::flush(*page);
    require(first_byte(*page) == 3, "quire_port_flush: the page still shows its old frame");
    slot.store(old);
    Machine::flush(*page);
    instance().kernel.release(*page);
}

quire_error map_first_page(quire_space* space) {
    const quire_map request{.pages = 1,
                            .placement = QUIRE_FIXED,
                            .at = Machine::kUserPages.first.number,
                            .rights = QUIRE_READ | QUIRE_WRITE,
                            .allowed = QUIRE_READ | QUIRE_WRITE,
                            .shared = false,
                            .object = nullptr,
                            .object_page = 0};
    return quire_space_map(space, &request, nullptr);
}

/// The first page of user space, in the active space; 99 stands there afterwards.
quire_error check_user_page(quire_space* space, Frame other) {
    const Page page = Machine::kUserPages.first;
    require(!Machine::has_table(page), "quire_port_has_table: says yes in an empty space");
    if (const auto error = map_first_page(space); error != QUIRE_OK) return error;
    const auto error = quire_space_fault(space, address_of(page).value, QUIRE_ACCESS_WRITE, nullptr);
    if (error != QUIRE_OK) return error;
    require(Machine::has_table(page), "quire_port_link_table: the page has no table afterwards");
    require(first_byte(page) == 0, "quire_port_link_table: the new page shows an old frame");
    first_byte(page) = 99;
    const auto slot = Machine::slot(page);
    const auto old = slot.load();
    {
        const Machine::FrameWindow window(old.frame());
        require(window.data()[0] == std::byte{99}, "quire_port_link_table: what is written does not reach the frame");
        const Machine::FrameWindow dirty(other);
        dirty.data()[0] = std::byte{98};
    }
    slot.store(Machine::Entry::make(other, kKernel | Rights::user));
    Machine::flush_user();
    require(first_byte(page) == 98, "quire_port_flush_user: the page still shows its old frame");
    slot.store(old);
    Machine::flush(page);
    return QUIRE_OK;
}

/// A space that is new, and active.
void check_empty_space(quire_space* space) {
    require(Machine::active_directory() == inside<Space>(space).directory(),
            "quire_port_active_directory: not the one that was activated");
    require(!Machine::has_table(Machine::kUserPages.first),
            "quire_port_make_directory: a new space has a table for programs");
    const Page list = Machine::kListWindow.first;
    require(Machine::has_table(list), "quire_port_make_directory: the list window has no table");
    require(Machine::table_frame(list) == inside<Space>(space).frames_of_directory().list_table,
            "quire_port_make_directory: another table than given, or quire_port_activate still shows old tables");
    Paging::for_each_occupied(Machine::kListWindow, [](Page, Machine::Slot) {
        defect("quire_port_make_directory: the table of the list window is not empty");
    });
}

/// The list window shows the frames of the active space. What is changed is put back before the list is used.
void check_list_is_shown() {
    const Page list = Machine::kListWindow.first;
    const unsigned char mark = first_byte(list);
    const Machine::FrameWindow window(Machine::slot(list).load().frame());
    const auto byte = static_cast<unsigned char>(window.data()[0]);
    first_byte(list) = static_cast<unsigned char>(~byte);
    require(mark == byte && window.data()[0] != std::byte{byte},
            "quire_port_activate: still shows the other space's list");
    first_byte(list) = byte;
}

/// A copy of the active space, with 99 in its first page: its tables are its own, and so is its list.
quire_error check_fork(quire_space* parent, quire_space* child) {
    const Page page = Machine::kUserPages.first;
    if (const auto error = quire_space_fork(parent, child); error != QUIRE_OK) return error;
    quire_space_activate(child);
    require(Machine::has_table(page), "quire_port_link_table_in: the page has no table in the other space");
    require(first_byte(page) == 99, "quire_port_link_table_in: the other space shows another frame");
    require(!Machine::slot(page).load().rights().include(Rights::write),
            "quire_port_make_entry: what should be read-only is not");
    check_list_is_shown();
    const auto error = quire_space_fault(child, address_of(page).value, QUIRE_ACCESS_WRITE, nullptr);
    if (error == QUIRE_OK) first_byte(page) = 11;
    quire_space_activate(parent);
    require(first_byte(page) == 99, "quire_port_activate: still shows the other space's page");
    check_list_is_shown();
    quire_space_activate(child);
    quire_space_close(child);
    quire_space_activate(parent);
    quire_space_destroy(child);
    return error;
}

/// Two spaces, of which one is forked from the other and then made anew; each has its own tables and list.
quire_error check_spaces(quire_space* parent, quire_space* child, Frame other) {
    const Frame before = Machine::active_directory();
    quire_space_init(parent, Machine::kUserPages.first.number);
    quire_space_init(child, Machine::kUserPages.first.number);
    if (const auto error = quire_space_create(parent); error != QUIRE_OK) return error;
    quire_space_activate(parent);
    check_empty_space(parent);
    auto error = quire_space_open(parent);
    if (error == QUIRE_OK) {
        error = check_user_page(parent, other);
        if (error == QUIRE_OK) error = check_fork(parent, child);
        if (error == QUIRE_OK) error = quire_space_create(child);
        if (error == QUIRE_OK) {
            quire_space_activate(child);
            check_empty_space(child);
            quire_space_activate(parent);
            quire_space_destroy(child);
        }
        quire_space_close(parent);
        require(!Machine::has_table(Machine::kUserPages.first), "quire_port_unlink_table: the table is still there");
    }
    Machine::activate(before);
    quire_space_destroy(parent);
    return error;
}

/// What the next space is made of is full of ones.
void soil(Frame frame) {
    const Machine::FrameWindow window(frame);
    std::memset(window.data(), 0xFF, kPageSize);
}

}  // namespace

quire_error quire_check_port() {
    check_entries();
    std::array<Frame, 4> frames;
    std::size_t taken = 0;
    for (; taken < frames.size(); ++taken) {
        const auto frame = instance().frames.take();
        if (!frame) break;
        frames[taken] = *frame;
    }
    const bool enough = taken == frames.size();
    if (enough) {
        check_windows(frames);
        check_kernel_page(frames);
        for (const Frame frame : frames) soil(frame);
    }
    // All but the last, which serves as somebody else's: the next frames that are taken are these.
    const auto other = enough ? frames[--taken] : Frame{};
    while (taken-- > 0) instance().frames.drop(frames[taken]);
    if (!enough) return QUIRE_NO_FRAMES;

    quire_error error = QUIRE_NO_FRAMES;
    // On kernel memory: a stack at boot may be small.
    auto* const spaces = static_cast<quire_space*>(instance().heap.allocate(2 * sizeof(quire_space)));
    if (spaces != nullptr) error = check_spaces(spaces, spaces + 1, other);
    instance().heap.free(spaces);
    instance().frames.drop(other);
    return error;
}
