// All workloads by name. One file each, or one for a family.
#pragma once
#include "work.hpp"

namespace work {

struct Workload {
    const char* name;
    const char* about;
    // Whether it can be one thread, several threads.
    bool one, several;
    Result (*run)(const Settings&);
};

Result churn_tiny(const Settings&);
Result churn_mixed(const Settings&);
Result churn_wide(const Settings&);
Result churn_many(const Settings&);
Result churn_big(const Settings&);
Result lifo(const Settings&);
Result batches(const Settings&);
Result phases(const Settings&);
Result requests(const Settings&);
Result pipeline(const Settings&);
Result server(const Settings&);
Result storm(const Settings&);
Result gifts(const Settings&);
Result peaks(const Settings&);
Result aging(const Settings&);
Result realloc_double(const Settings&);
Result realloc_step(const Settings&);
Result realloc_mixed(const Settings&);
Result trees(const Settings&);
Result strings(const Settings&);
Result containers(const Settings&);
Result large(const Settings&);
Result zeroed(const Settings&);
Result aligned(const Settings&);
Result startup(const Settings&);

}  // namespace work
