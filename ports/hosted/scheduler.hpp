#pragma once
/// Processors that take turns, as a seed decides: the same seed gives the same run, to the last step.
///
/// Each task is a thread of the host, but only one of them runs. Every port call and every lock is a checkpoint at which the
/// scheduler may hand over to another task: that is where another processor, or an interrupt, could come in between.
///
///      Scheduler scheduler(seed);
///      scheduler.add([&] { … a processor's program … });
///      scheduler.run();                                     until all tasks have ended
///
/// Without a scheduler the checkpoints cost a test each, and locks wait as locks do.

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <semaphore>
#include <vector>

namespace quire::hosted {

class Scheduler {
public:
    /// At a checkpoint the chance of a hand-over is one in `one_in`.
    explicit Scheduler(std::uint64_t seed, unsigned one_in = 8) : random_(seed), one_in_(one_in) {}
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    void add(std::function<void()> task);
    /// Runs all tasks to their end. Once.
    void run();

    [[nodiscard]] std::uint64_t checkpoints() const { return checkpoints_; }

    /// May hand over. Nothing happens in a thread that is no task.
    static void checkpoint();
    /// Hands over, because the caller cannot go on. False in a thread that is no task.
    [[nodiscard]] static bool yield();

private:
    struct Task {
        std::function<void()> run;
        std::binary_semaphore turn{0};
        bool ended = false;
    };
    static constexpr std::uint64_t kPatience = 10'000'000;  ///< yields in a row until it is a deadlock

    void hand_over();
    [[nodiscard]] Task* choose();

    std::mt19937_64 random_;
    unsigned one_in_;
    std::vector<std::unique_ptr<Task>> tasks_;
    Task* running_ = nullptr;
    std::uint64_t checkpoints_ = 0;
    std::uint64_t yields_ = 0;
};

}  // namespace quire::hosted
