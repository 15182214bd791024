#pragma once
/// Clang's thread-safety annotations as attributes with names one can read, and the guard that goes with them.
/// https://clang.llvm.org/docs/ThreadSafetyAnalysis.html — g++ has no such analysis and sees nothing.
/// These are the only macros of the library: an attribute with an argument cannot be spelled otherwise.

#if defined(__clang__)
#define QUIRE_ATTRIBUTE(x) __attribute__((x))
#else
#define QUIRE_ATTRIBUTE(x)
#endif

#define QUIRE_CAPABILITY QUIRE_ATTRIBUTE(capability("lock"))
#define QUIRE_SCOPED QUIRE_ATTRIBUTE(scoped_lockable)
#define QUIRE_GUARDED_BY(lock) QUIRE_ATTRIBUTE(guarded_by(lock))
#define QUIRE_REQUIRES(...) QUIRE_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define QUIRE_EXCLUDES(...) QUIRE_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define QUIRE_ACQUIRE(...) QUIRE_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define QUIRE_RELEASE(...) QUIRE_ATTRIBUTE(release_capability(__VA_ARGS__))

namespace quire {

/// Holds a lock for a scope.
template <typename Lock>
class QUIRE_SCOPED Guard {
public:
    explicit Guard(Lock& lock) QUIRE_ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
    ~Guard() QUIRE_RELEASE() { lock_.unlock(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    Guard(Guard&&) = delete;
    Guard& operator=(Guard&&) = delete;

private:
    Lock& lock_;
};

}  // namespace quire
