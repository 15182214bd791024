#include "quire/base/defect.hpp"

#include <unistd.h>

#include <cstdlib>

#include "ports/linux/debug/names.hpp"

namespace quire {

void stop_on_defect(const char* what, std::source_location) {
    {
        linux_debug::Output out(STDERR_FILENO);
        out.write("quire-malloc: ");
        out.write(what);
        out.write("\n");
    }
    std::abort();
}

}  // namespace quire
