// A tiny program: 200 small blocks, then it writes its resident KiB and frees them. The workload `startup` runs it.
#include <cstdio>
#include <iterator>

#include "block.hpp"
#include "resident.hpp"

int main() {
    work::Block blocks[200];
    for (unsigned i = 0; i < std::size(blocks); i++) blocks[i] = work::make_block(16 + i * 37 % 497, i);
    const std::uint64_t resident = work::resident_kib();
    for (work::Block& block : blocks) work::end_block(block);
    return dprintf(1, "%llu\n", static_cast<unsigned long long>(resident)) > 0 ? 0 : 1;
}
