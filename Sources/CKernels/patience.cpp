#include "patience.h"

#include <algorithm>
#include <chrono>

#if defined(__linux__)
#include <sys/resource.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace ctorch {

int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void Contention::met(int64_t now) {
    constexpr int64_t shortest = 20'000'000, longest = 640'000'000;
    // Contended again soon after the last pause was over: assume it for longer.
    int64_t pause = pause_.load(std::memory_order_relaxed);
    bool again = now - until_.load(std::memory_order_relaxed) < pause;
    pause = again ? std::min(2 * pause, longest) : shortest;
    if (recent(now)) return;
    pause_.store(pause, std::memory_order_relaxed);
    until_.store(now + pause, std::memory_order_relaxed);
}

void Patience::pause() {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void Patience::count_switches(int64_t now) {
#if defined(__linux__)
    constexpr int64_t interval = 10'000'000;
    if (now - counted_ < interval) return;
    rusage usage{};
    if (getrusage(RUSAGE_THREAD, &usage) != 0) return;
    // One switch may be the kernel's own housekeeping.
    bool contended = counted_ > 0 && now - counted_ < 10 * interval && usage.ru_nivcsw - switches_ >= 2;
    counted_ = now;
    switches_ = usage.ru_nivcsw;
    if (contended) contention_.met(now);
#else
    (void)now;
    (void)counted_;
    (void)switches_;
#endif
}

}  // namespace ctorch
