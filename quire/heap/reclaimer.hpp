#pragma once
/// What a heap does when it finds no memory.

namespace quire {

/// What an allocation may do then.
enum class Wait : bool {
    never,  ///< fail at once. For interrupt handlers, and for whoever holds a lock or is in the middle of a change
    may,    ///< give back what the heap keeps, ask the Reclaimer, and try again
};

/// Whoever can do without memory that he has: caches.
class Reclaimer {
public:
    Reclaimer() = default;
    Reclaimer(const Reclaimer&) = delete;
    Reclaimer& operator=(const Reclaimer&) = delete;

    /// Gives back what can be done without; may sleep. False if there was nothing: then the allocation fails. Called without
    /// the heap's lock. It may free, and allocate; an allocation that finds no memory meanwhile fails at once.
    virtual bool reclaim() = 0;

protected:
    ~Reclaimer() = default;
};

}  // namespace quire
