// pages HOW: what a page costs that is got so, out of 32 MiB: "touch" one by one, "populate BYTES" so many at once, "large" frames.
// Prints nanoseconds a page: got, touched once more, unmapped.
#include <sys/mman.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t kBytes = 32 << 20;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kLargeFrame = 2 << 20;
constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE, unknown to older headers

double nanoseconds_a_page(auto&& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / (kBytes / kPage);
}

void touch(volatile char* place) {
    for (std::size_t at = 0; at < kBytes; at += kPage) place[at] = 1;
}

}  // namespace

int main(int count, char** arguments) {
    const char* const how = count > 1 ? arguments[1] : "";
    const std::size_t step = count > 2 ? std::strtoul(arguments[2], nullptr, 10) : 0;
    const bool populate = std::strcmp(how, "populate") == 0 && step >= kPage;
    const bool large = std::strcmp(how, "large") == 0;
    if (!populate && !large && std::strcmp(how, "touch") != 0) {
        std::fputs("pages: usage: pages touch | populate BYTES | large\n", stderr);
        return 2;
    }
    void* const mapping = mmap(nullptr, kBytes + kLargeFrame, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) {
        std::perror("pages: mmap");
        return 1;
    }
    char* const place = static_cast<char*>(mapping) + (kLargeFrame - reinterpret_cast<std::uintptr_t>(mapping) % kLargeFrame) % kLargeFrame;
    bool done = !large || madvise(place, kBytes, MADV_HUGEPAGE) == 0;
    const double got = nanoseconds_a_page([&] {
        for (std::size_t at = 0; populate && done && at < kBytes; at += step)
            done = madvise(place + at, step, kPopulateWrite) == 0;
        if (!populate) touch(place);
    });
    if (!done) {
        std::perror("pages: this Linux cannot do that");
        return 1;
    }
    const double again = nanoseconds_a_page([&] { touch(place); });
    const double gone = nanoseconds_a_page([&] { munmap(place, kBytes); });
    std::printf("%.0f %.0f %.0f\n", got, again, gone);
    return 0;
}
