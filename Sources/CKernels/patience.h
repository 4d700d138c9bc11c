// The time that a thread spins for work before it sleeps.
//
// Spinning finds the next piece of work within a microsecond, waking up takes tens of them: a thread with a processor of its
// own should spin. When other work competes, spinning takes the processor from the very threads it waits for: it should sleep
// at once. The threads learn which applies from what they observe: spinning that was interrupted, and the involuntary context
// switches that the system counts.
#pragma once

#include <atomic>
#include <cstdint>

namespace ctorch {

// Nanoseconds since an arbitrary start.
int64_t now_ns();

// The shared knowledge of a pool's threads.
class Contention {
  public:
    // True if the processors were contended a moment ago.
    bool recent(int64_t now) const { return now < until_.load(std::memory_order_relaxed); }
    void met(int64_t now);
    // More threads than processors: always contended.
    void set_crowded(bool crowded) { crowded_.store(crowded, std::memory_order_relaxed); }
    bool crowded() const { return crowded_.load(std::memory_order_relaxed); }

  private:
    std::atomic<int64_t> until_{0}, pause_{0}, last_{0};
    std::atomic<bool> crowded_{false};
};

// One thread's part of it.
class Patience {
  public:
    explicit Patience(Contention &contention) : contention_(contention) {}

    // Spins until `ready()`, for at most `limit` nanoseconds; returns true if it became ready.
    template <class Ready>
    bool look(int64_t limit, Ready &&ready) {
        if (ready()) return true;
        if (contention_.crowded()) return false;
        int64_t start = now_ns(), last = start;
        count_switches(start);
        if (contention_.recent(start)) return false;
        for (;;) {
            for (int i = 0; i < 16; ++i) {
                pause();
                if (ready()) return true;
            }
            int64_t now = now_ns();
            // Sixteen rounds take less than a microsecond: something else ran here in the meantime.
            if (now - last > interruption) contention_.met(now);
            if (now - last > interruption || now - start > limit || contention_.recent(now)) return ready();
            last = now;
        }
    }

  private:
    static constexpr int64_t interruption = 150'000;
    static void pause();
    // Reads the system's count of this thread's involuntary context switches from time to time.
    void count_switches(int64_t now);

    Contention &contention_;
    int64_t counted_ = 0;
    long switches_ = 0;
};

}  // namespace ctorch
