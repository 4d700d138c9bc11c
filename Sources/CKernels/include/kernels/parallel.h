// Threads: one pool for all kernels. Work is divided into pieces that threads take one by one, so that a thread that is
// preempted takes fewer of them; a call does not wait for a thread that took none.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "slots.h"

namespace ctorch {

// Processors that this process may use: its affinity, and the CPU quota of its control group, rounded up.
int available_processors();

// Threads that a call here may use: 1 inside a parallel call.
int thread_count();
// Sets the number of threads that calls may use from now on; more than there are processors is allowed.
void set_thread_count(int count);

// Calls `body(context)` on up to `threads` threads, including the calling one, and returns when all that began have ended.
// While another call is running, and inside one, the calling thread is the only one. An exception of one of them is rethrown
// here.
void on_threads(int threads, bool wake, void (*body)(void *), void *context);

// The number of threads for a call that takes one thread so many nanoseconds, and whether it is worth waking sleeping ones.
struct Worth {
    int threads;
    bool wake;
};
Worth threads_for(int64_t pieces, int64_t nanoseconds);

// Runs `body(task)` for tasks 0 ..< count, each once. Which thread takes which varies: no result may depend on it. `cost`:
// about how many nanoseconds a task takes one thread; a call with little work stays on the calling thread.
template <class Body>
void parallel_tasks(int64_t count, int64_t cost, Body &&body) {
    Worth worth = count <= 1 ? Worth{1, false} : threads_for(count, count * cost);
    if (worth.threads <= 1) {
        for (int64_t task = 0; task < count; ++task) body(task);
        return;
    }
    struct Tasks {
        std::remove_reference_t<Body> *body;
        int64_t count;
        std::atomic<int64_t> next{0};
    } tasks{std::addressof(body), count};
    on_threads(
        worth.threads, worth.wake,
        [](void *context) {
            auto &tasks = *static_cast<Tasks *>(context);
            for (;;) {
                int64_t task = tasks.next.fetch_add(1, std::memory_order_relaxed);
                if (task >= tasks.count) return;
                (*tasks.body)(task);
            }
        },
        &tasks);
}

// The cost, on one thread, of a matrix product and of element-wise work, for `parallel_tasks`.
inline int64_t product_cost(int64_t rows, int64_t length, int64_t columns) { return rows * length * columns / 48; }
inline int64_t element_cost(int64_t elements) { return elements / 2; }

// A thread's memory for intermediate results, kept from call to call.
class Scratch {
  public:
    // Returns room for `bytes` bytes, aligned to a cache line; its previous contents are lost.
    void *reserve(int64_t bytes);
    // The buffers of this thread, by purpose.
    static Scratch &slot(Slot slot);
    Scratch() = default;
    Scratch(const Scratch &) = delete;
    ~Scratch();

  private:
    void *memory_ = nullptr;
    int64_t bytes_ = 0;
};

template <class T>
T *scratch(Slot slot, int64_t count) {
    return static_cast<T *>(Scratch::slot(slot).reserve(count * static_cast<int64_t>(sizeof(T))));
}

}  // namespace ctorch
