// How long a thread looks for work before it sleeps.
//
// Looking (spinning) finds the next piece within a microsecond, waking up takes tens of them: alone on its processor a
// thread should look. Beside other work it takes the processor from just those it waits for: it should sleep at once. The
// threads learn which from what they meet: a look that was interrupted, and the involuntary switches that the system counts.
#pragma once

#include <atomic>
#include <cstdint>

namespace ctorch {

// Nanoseconds since some start.
int64_t now_ns();

// What the threads of a pool have learned in common.
class Contention {
  public:
    // Whether the processors were contended a moment ago.
    bool recent(int64_t now) const { return now < until_.load(std::memory_order_relaxed); }
    void met(int64_t now);
    // More threads than processors: always contended.
    void set_crowded(bool crowded) { crowded_.store(crowded, std::memory_order_relaxed); }
    bool crowded() const { return crowded_.load(std::memory_order_relaxed); }

  private:
    std::atomic<int64_t> until_{0}, pause_{0}, last_{0};
    std::atomic<bool> crowded_{false};
};

// One thread's share of it.
class Patience {
  public:
    explicit Patience(Contention &contention) : contention_(contention) {}

    // Looks until `ready()`, for at most `limit` nanoseconds; returns whether it became so.
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
            // Sixteen rounds take less than a microsecond: something else ran here meanwhile.
            if (now - last > interruption) contention_.met(now);
            if (now - last > interruption || now - start > limit || contention_.recent(now)) return ready();
            last = now;
        }
    }

  private:
    static constexpr int64_t interruption = 150'000;
    static void pause();
    // Reads the system's count of involuntary switches of this thread, now and then.
    void count_switches(int64_t now);

    Contention &contention_;
    int64_t counted_ = 0;
    long switches_ = 0;
};

}  // namespace ctorch
