// footprint ratio LEAST MOST STEP MIB: allocates so much payload in blocks whose sizes are drawn uniformly, touches every
// page of each block, and prints how many bytes became resident for each byte of payload.
// footprint left MIB: allocates so much in blocks of 16 to 1024 bytes, frees all, and prints the KiB that stay resident.
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "resident.hpp"
#include "work.hpp"

namespace {

// The addresses are kept in memory that is not the allocator's, and is resident before the measurement begins.
class Table {
   public:
    explicit Table(std::size_t room) : bytes_(room * sizeof(void*)) {
        void* at = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (at == MAP_FAILED) std::abort();
        // A page of zeroes is not resident: write.
        std::memset(at, 1, bytes_);
        blocks_ = static_cast<void**>(at);
    }
    void add(void* block) {
        if (block == nullptr || (count_ + 1) * sizeof(void*) > bytes_) std::abort();
        blocks_[count_++] = block;
    }
    void free_all() {
        for (std::size_t i = 0; i < count_; i++) std::free(blocks_[i]);
    }

   private:
    std::size_t bytes_, count_ = 0;
    void** blocks_;
};

// Fills the table until its payload is so large; returns the payload.
std::size_t fill(Table& table, std::size_t least, std::size_t most, std::size_t step, std::size_t payload) {
    work::Random random(1);
    std::size_t sum = 0;
    while (sum < payload) {
        const std::size_t size = least + step * random.below((most - least) / step + 1);
        void* block = std::malloc(size);
        table.add(block);
        std::memset(block, 1, size);
        sum += size;
    }
    return sum;
}

// What the process needs anyway, and the allocator's first steps, are not counted.
std::uint64_t start() {
    work::resident_kib();
    std::free(std::malloc(16));
    return work::resident_kib();
}

}  // namespace

int main(int count, char** arguments) {
    auto argument = [&](int i) { return std::strtoul(arguments[i], nullptr, 10); };
    if (count == 6 && !std::strcmp(arguments[1], "ratio")) {
        const std::size_t payload = argument(5) << 20;
        Table table(payload / argument(2) + 1);
        const std::uint64_t before = start();
        const std::size_t sum = fill(table, argument(2), argument(3), argument(4), payload);
        std::printf("%.6f\n", double(work::resident_kib() - before) * 1024 / double(sum));
        return 0;
    }
    if (count == 3 && !std::strcmp(arguments[1], "left")) {
        const std::size_t payload = argument(2) << 20;
        Table table(payload / 16 + 1);
        const std::uint64_t before = start();
        fill(table, 16, 1'024, 1, payload);
        const std::uint64_t peak = work::resident_kib();
        table.free_all();
        std::printf("%lld %lld\n", static_cast<long long>(peak - before), static_cast<long long>(work::resident_kib() - before));
        return 0;
    }
    std::fputs("footprint: usage: footprint ratio LEAST MOST STEP MIB, or footprint left MIB\n", stderr);
    return 2;
}
