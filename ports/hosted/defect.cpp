#include "quire/base/defect.hpp"

#include <cstdio>
#include <cstdlib>

namespace quire {

void stop_on_defect(const char* what, std::source_location where) {
    std::fprintf(stderr, "defect: %s (%s:%u)\n", what, where.file_name(), static_cast<unsigned>(where.line()));
    std::abort();
}

}  // namespace quire
