// Threads: libtorch's own pool where it can be reached, so that two pools never compete for the cores.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace ctorch {

int thread_count();

// Runs `body()` once on every thread of the pool. What one of them throws is thrown here when all have ended.
void on_all_threads(const std::function<void()> &body);

// Numbers that threads take until none is left.
class Tasks {
  public:
    explicit Tasks(int64_t count = 0) : count_(count) {}
    bool take(int64_t &task) {
        task = next_.fetch_add(1, std::memory_order_relaxed);
        return task < count_;
    }

  private:
    int64_t count_;
    std::atomic<int64_t> next_{0};
};

// Runs `body(task)` for tasks 0 ..< count, each once, on all threads. Which thread takes which varies: no result may
// depend on it.
template <class Body>
void parallel_tasks(int64_t count, Body &&body) {
    if (count <= 1 || thread_count() == 1) {
        for (int64_t task = 0; task < count; ++task) body(task);
        return;
    }
    Tasks tasks(count);
    on_all_threads([&] {
        int64_t task;
        while (tasks.take(task)) body(task);
    });
}

// Memory of one thread for intermediate results, kept from call to call.
class Scratch {
  public:
    // Room for `bytes` bytes, aligned to a cache line; what was there before is lost.
    void *reserve(int64_t bytes);
    // Of this thread, by purpose: each slot is a buffer of its own.
    static Scratch &slot(int index);
    Scratch() = default;
    Scratch(const Scratch &) = delete;
    ~Scratch();

  private:
    void *memory_ = nullptr;
    int64_t bytes_ = 0;
};

template <class T>
T *scratch(int slot, int64_t count) {
    return static_cast<T *>(Scratch::slot(slot).reserve(count * static_cast<int64_t>(sizeof(T))));
}

}  // namespace ctorch
