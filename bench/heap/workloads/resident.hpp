// Resident memory of this process, from files of the kernel, without allocating. (ru_maxrss is of no use: a program
// inherits the peak of the one that started it.)
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace work {

// The KiB behind `name` in a file of /proc/self.
inline std::uint64_t kib_in(const char* file, const char* name) {
    char text[4096];
    const int source = open(file, O_RDONLY | O_CLOEXEC);
    const ssize_t length = source < 0 ? 0 : read(source, text, sizeof text - 1);
    if (source >= 0) close(source);
    text[length > 0 ? length : 0] = 0;
    const char* at = std::strstr(text, name);
    return at == nullptr ? 0 : std::strtoull(at + std::strlen(name), nullptr, 10);
}

// Counted page by page, so exact.
inline std::uint64_t resident_kib() { return kib_in("/proc/self/smaps_rollup", "\nRss:"); }
inline std::uint64_t peak_kib() { return kib_in("/proc/self/status", "\nVmHWM:"); }

}  // namespace work
