#include "kernels/parallel.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "patience.h"

namespace ctorch {
namespace {

thread_local bool inside = false;

// One call of `on_threads`.
struct Call {
    void (*body)(void *);
    void *context;
    std::exception_ptr failure;
    std::atomic_flag failed = ATOMIC_FLAG_INIT;

    void run() noexcept {
        bool outer = inside;
        inside = true;
        try {
            body(context);
        } catch (...) {
            if (!failed.test_and_set()) failure = std::current_exception();
        }
        inside = outer;
    }
};

// The workers' state is one word: the number of the call, whether it is closed, and how many workers are in it. A worker enters
// an open call by adding one; the calling thread closes it when its own part is done, and waits only for those inside.
class Pool {
  public:
    static Pool &shared() {
        // Never destroyed: its threads run until the process ends.
        static Pool *pool = new Pool;
        return *pool;
    }

    int threads() {
        int64_t now = now_ns();
        // A limit set on a running process (fewer processors) is respected.
        if (now - looked_.load(std::memory_order_relaxed) > 100'000'000) {
            looked_.store(now, std::memory_order_relaxed);
            adopt(available_processors());
        }
        return threads_.load(std::memory_order_relaxed);
    }

    void set_threads(int count) {
        chosen_.store(std::max(1, count), std::memory_order_relaxed);
        adopt(available_processors());
    }

    void run(int threads, bool wake, Call &call) {
        std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
        if (!turn) return call.run();
        start_workers(threads - 1);
        call_ = &call;
        seats_.store(threads - 1, std::memory_order_relaxed);
        uint64_t number = (state_.load(std::memory_order_relaxed) >> 32) + 1;
        state_.store(number << 32);
        if (wake && sleepers_.load() > 0) {
            { std::lock_guard<std::mutex> lock(sleep_); }
            for (int i = 1; i < threads; ++i) work_.notify_one();
        }
        call.run();
        if (state_.fetch_or(closed) & inside_mask) wait_for_workers();
    }

  private:
    static constexpr uint64_t closed = 1ull << 31, inside_mask = closed - 1;
    // A worker spins for the next call through the pauses between the layers of a step; the calling thread waits for work that
    // a worker has begun, which ends soon unless the worker is preempted.
    static constexpr int64_t work_limit = 300'000, end_limit = 100'000;

    void adopt(int available) {
        int chosen = chosen_.load(std::memory_order_relaxed), first = first_available_.load(std::memory_order_relaxed);
        if (chosen == 0) {
            threads_.store(available, std::memory_order_relaxed);
        } else {
            // A request for more threads than processors is honored, unless the number of processors has fallen since.
            threads_.store(available < first ? std::min(chosen, available) : chosen, std::memory_order_relaxed);
        }
        contention_.set_crowded(threads_.load(std::memory_order_relaxed) > available);
    }

    void start_workers(int count) {
        while (workers_ < count) {
            try {
                std::thread([this] { work(); }).detach();
            } catch (const std::system_error &) {
                return;  // no more threads can be started: fewer do the work
            }
            ++workers_;
        }
    }

    void wait_for_workers() {
        auto empty = [this] { return (state_.load(std::memory_order_acquire) & inside_mask) == 0; };
        static thread_local Patience patience(contention_);
        if (patience.look(end_limit, empty)) return;
        std::unique_lock<std::mutex> lock(sleep_);
        caller_sleeps_.store(true);
        done_.wait(lock, [this] { return (state_.load() & inside_mask) == 0; });
        caller_sleeps_.store(false);
    }

    [[noreturn]] void work() {
        Patience patience(contention_);
        uint64_t seen = 0;
        for (;;) {
            auto called = [&] { return state_.load(std::memory_order_acquire) >> 32 != seen; };
            if (!patience.look(work_limit, called)) {
                std::unique_lock<std::mutex> lock(sleep_);
                sleepers_.fetch_add(1);
                work_.wait(lock, [&] { return state_.load() >> 32 != seen; });
                sleepers_.fetch_sub(1);
            }
            uint64_t state = state_.load(std::memory_order_acquire);
            seen = state >> 32;
            while (state >> 32 == seen && !(state & closed) &&
                   (state & inside_mask) < static_cast<uint64_t>(seats_.load(std::memory_order_relaxed)))
                if (state_.compare_exchange_weak(state, state + 1)) {
                    call_->run();
                    if (state_.fetch_sub(1) == ((seen << 32) | closed | 1) && caller_sleeps_.load()) {
                        { std::lock_guard<std::mutex> lock(sleep_); }
                        done_.notify_one();
                    }
                    break;
                }
        }
    }

    alignas(64) std::atomic<uint64_t> state_{0};
    std::atomic<int> seats_{0};
    Call *call_ = nullptr;
    alignas(64) std::atomic<int> sleepers_{0};
    std::atomic<bool> caller_sleeps_{false};
    Contention contention_;
    std::mutex turn_, sleep_;
    std::condition_variable work_, done_;
    int workers_ = 0;
    std::atomic<int> first_available_{available_processors()}, chosen_{0};
    // Never 0: several threads may make the first calls at once, and only one of them counts the processors again.
    std::atomic<int> threads_{first_available_.load()};
    std::atomic<int64_t> looked_{0};
};

}  // namespace

int thread_count() { return inside ? 1 : Pool::shared().threads(); }

void set_thread_count(int count) { Pool::shared().set_threads(count); }

Worth threads_for(int64_t pieces, int64_t nanoseconds) {
    // The cost of handing a call to a spinning thread, and to a sleeping one.
    constexpr int64_t handing = 4'000, waking = 25'000;
    if (nanoseconds < 2 * handing) return {1, false};
    int threads = static_cast<int>(std::min<int64_t>(thread_count(), pieces));
    if (threads <= 1) return {1, false};
    threads = static_cast<int>(std::min<int64_t>(threads, nanoseconds / handing));
    return {threads, nanoseconds >= 2 * waking};
}

void on_threads(int threads, bool wake, void (*body)(void *), void *context) {
    Call call{body, context};
    if (threads <= 1 || inside) call.run();
    else Pool::shared().run(threads, wake, call);
    if (call.failure) std::rethrow_exception(call.failure);
}

}  // namespace ctorch
