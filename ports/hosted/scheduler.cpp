#include "ports/hosted/scheduler.hpp"

#include <pthread.h>
#include <sched.h>

#include <thread>

#include "quire/base/defect.hpp"

namespace quire::hosted {

namespace {
thread_local Scheduler* here = nullptr;

/// While it lives, this thread and those it starts stay where it runs: whose turn comes next need not wake another processor of the
/// host, nor wait there behind somebody else's work, which took ten times as long on a busy machine.
class OneProcessor {
public:
    OneProcessor() : known_(pthread_getaffinity_np(pthread_self(), sizeof before_, &before_) == 0) {
        const int number = sched_getcpu();
        if (!known_ || number < 0 || number >= CPU_SETSIZE) return;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<std::size_t>(number), &one);
        pthread_setaffinity_np(pthread_self(), sizeof one, &one);
    }
    ~OneProcessor() {
        if (known_) pthread_setaffinity_np(pthread_self(), sizeof before_, &before_);
    }
    OneProcessor(const OneProcessor&) = delete;
    OneProcessor& operator=(const OneProcessor&) = delete;

private:
    cpu_set_t before_;
    bool known_;
};
}  // namespace

void Scheduler::add(std::function<void()> task) {
    tasks_.push_back(std::make_unique<Task>());
    tasks_.back()->run = std::move(task);
}

void Scheduler::run() {
    const OneProcessor one_processor;
    std::vector<std::thread> threads;
    threads.reserve(tasks_.size());
    std::binary_semaphore all_ended{0};
    for (const auto& task : tasks_) {
        threads.emplace_back([this, &all_ended, task = task.get()] {
            here = this;
            task->turn.acquire();
            task->run();
            task->ended = true;
            running_ = choose();
            (running_ != nullptr ? running_->turn : all_ended).release();
        });
    }
    running_ = choose();
    if (running_ != nullptr) {
        running_->turn.release();
        all_ended.acquire();
    }
    for (std::thread& thread : threads) thread.join();
}

/// One of the tasks that have not ended; nullptr if all have.
Scheduler::Task* Scheduler::choose() {
    std::vector<Task*> ready;
    for (const auto& task : tasks_) {
        if (!task->ended) ready.push_back(task.get());
    }
    return ready.empty() ? nullptr : ready[random_() % ready.size()];
}

void Scheduler::hand_over() {
    Task* const before = running_;
    running_ = choose();
    if (running_ == before) return;
    running_->turn.release();
    before->turn.acquire();
}

void Scheduler::checkpoint() {
    if (here == nullptr) return;
    ++here->checkpoints_;
    here->yields_ = 0;
    if (here->random_() % here->one_in_ == 0) here->hand_over();
}

bool Scheduler::yield() {
    if (here == nullptr) return false;
    require(++here->yields_ < kPatience, "every task waits for a lock");
    here->hand_over();
    return true;
}

}  // namespace quire::hosted
