#include "ports/linux/debug/names.hpp"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace quire::linux_debug {

void Output::write(std::string_view text) {
    while (!text.empty()) {
        const std::size_t some = std::min(text.size(), buffer_.size() - used_);
        std::memcpy(buffer_.data() + used_, text.data(), some);
        used_ += some;
        text.remove_prefix(some);
        if (used_ == buffer_.size()) flush();
    }
}

void Output::flush() {
    for (std::size_t done = 0; done < used_;) {
        const ssize_t written = ::write(descriptor_, buffer_.data() + done, used_ - done);
        if (written <= 0) break;
        done += static_cast<std::size_t>(written);
    }
    used_ = 0;
}

namespace {

struct Place {
    std::string_view function;
    std::string_view file;
    std::uintptr_t offset;
};

/// False: nobody knows the address.
bool find(std::uintptr_t return_address, Place& place) {
    // One less is within the call; the return address may belong to the next line or function.
    const std::uintptr_t address = return_address - 1;
    Dl_info info{};
    link_map* map = nullptr;
    if (dladdr1(reinterpret_cast<void*>(address), &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0)
        return false;
    place.function = info.dli_sname == nullptr ? std::string_view() : info.dli_sname;
    place.file = info.dli_fname == nullptr ? std::string_view() : info.dli_fname;
    place.offset = address - map->l_addr;
    return true;
}

}  // namespace

void append_frame(std::uintptr_t return_address, Line& line) {
    Place place{};
    if (!find(return_address, place)) {
        line.hex(return_address);
        return;
    }
    line.text(place.function.empty() ? std::string_view("?") : place.function);
    line.text(" (").text(place.file).text("+").hex(place.offset).text(")");
}

void append_short_frame(std::uintptr_t return_address, Line& line) {
    Place place{};
    if (!find(return_address, place)) {
        line.hex(return_address);
    } else if (!place.function.empty()) {
        line.text(place.function);
    } else {
        line.text(part(place.file, place.file.rfind('/') + 1)).text("+").hex(place.offset);
    }
}

}  // namespace quire::linux_debug
