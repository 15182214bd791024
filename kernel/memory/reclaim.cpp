#include "kernel/memory/reclaim.hpp"

#include "kernel/memory/initial_files.hpp"

namespace quire::kernel {

FrameCount reclaim_memory() {
    return files_exist() ? files().drop_clean_pages() : FrameCount{};
}

}  // namespace quire::kernel
