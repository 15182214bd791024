// Producer and consumer: blocks are made by one thread and freed by another, in batches through a short queue. With one
// thread both are the same one, and the blocks are freed in the order in which they were made.
#include <condition_variable>
#include <memory>
#include <mutex>

#include "block.hpp"
#include "workloads.hpp"

namespace work {
namespace {

constexpr std::size_t batch_size = 250;
constexpr std::size_t slots = 16;

using Batch = std::array<Block, batch_size>;

class Queue {
   public:
    // The slot to fill, then `pushed`; the slot to empty, then `popped`.
    Batch& to_push() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return filled_ - emptied_ < slots; });
        return batches_[filled_ % slots];
    }
    void pushed() { count(filled_); }
    Batch& to_pop() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return filled_ != emptied_; });
        return batches_[emptied_ % slots];
    }
    void popped() { count(emptied_); }

   private:
    void count(std::uint64_t& counter) {
        {
            std::lock_guard lock(mutex_);
            counter++;
        }
        changed_.notify_one();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t filled_ = 0, emptied_ = 0;
    std::array<Batch, slots> batches_;
};

void produce(Batch& batch, const Sizes& sizes, Random& random) {
    for (Block& block : batch) {
        const std::size_t size = sizes.draw(random);
        block = make_block(size, size);
    }
}

std::uint64_t consume(Batch& batch) {
    std::uint64_t sum = 0;
    for (Block& block : batch) sum += end_block(block);
    return sum;
}

Result alone(const Sizes& sizes, std::uint64_t batches) {
    Random random(4000);
    auto queue = std::make_unique<std::array<Batch, slots>>();
    Result result{batches * batch_size, 0, 0};
    for (std::uint64_t i = 0; i < batches + slots; i++) {
        Batch& batch = (*queue)[i % slots];
        if (i >= slots) result.checksum += consume(batch);
        if (i < batches) produce(batch, sizes, random);
    }
    return result;
}

Result part(Queue& queue, bool producer, const Sizes& sizes, std::uint64_t batches, unsigned thread) {
    Random random(4000 + thread);
    Result result;
    for (std::uint64_t i = 0; i < batches; i++) {
        if (producer) {
            produce(queue.to_push(), sizes, random);
            queue.pushed();
        } else {
            result.checksum += consume(queue.to_pop());
            queue.popped();
            result.operations += batch_size;
        }
    }
    return result;
}

}  // namespace

Result pipeline(const Settings& settings) {
    const Sizes sizes(16, 1'024, 4);
    const std::uint64_t batches = settings.share(40'000);
    if (settings.threads == 1) return alone(sizes, batches);
    const unsigned pairs = settings.threads / 2;
    std::vector<Queue> queues(pairs);
    return parallel(pairs * 2, [&](unsigned i) { return part(queues[i / 2], i % 2 == 0, sizes, batches, i); });
}

}  // namespace work
