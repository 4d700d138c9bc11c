// CUDA on the processor, as far as cuda_kernels.cu needs it: the same source, compiled by a C++ compiler, tests its logic.
//
// Thread blocks run one after another, so a __shared__ variable is a static one. A block's threads are fibers on one
// processor: each runs until it waits at a barrier or a shuffle, and goes on when all whom it waits for have arrived.
// With `order` set, blocks, warps and lanes run in a random order and warps as far ahead as they can: results must not
// depend on it.

#pragma once

#include <algorithm>
#include <csetjmp>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#include <sys/mman.h>
#include <ucontext.h>

using std::max;
using std::min;

#define __global__
#define __device__
#define __launch_bounds__(...)
#define __shared__ static

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct float4 {
    float x, y, z, w;
};
struct uint4 {
    uint32_t x, y, z, w;
};
struct uint2 {
    uint32_t x, y;
};
inline uint2 make_uint2(uint32_t x, uint32_t y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint4 make_uint4(uint32_t x, uint32_t y, uint32_t z, uint32_t w) { return {x, y, z, w}; }

inline float __uint_as_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
inline float __expf(float x) { return expf(x); }
inline float __fdividef(float x, float y) { return x / y; }

struct __nv_bfloat162 {
    uint16_t x, y;
};
// Rounds to nearest, ties to even.
inline uint16_t emulated_bfloat16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (value != value) return 0x7fff;
    return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
inline __nv_bfloat162 __floats2bfloat162_rn(float low, float high) {
    return {emulated_bfloat16(low), emulated_bfloat16(high)};
}

enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1 };
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline const char *cudaGetErrorString(cudaError_t error) { return error == cudaSuccess ? "no error" : "invalid argument"; }

namespace emulation {

// What a fiber waits for.
enum class State { ready, shuffle, barrier, done };

struct Fiber {
    State state = State::done;
    jmp_buf resume;
    ucontext_t start;
    bool started = false;
    dim3 thread;
    // A lane's values of the last two shuffles: nobody writes the older one again before all have read it.
    float slots[2] = {};
    unsigned shuffles = 0;
};

struct Machine {
    std::vector<Fiber *> fibers;
    Fiber *current = nullptr;
    jmp_buf scheduler;
    ucontext_t here;
    std::function<void()> body;
    uint32_t random = 1;
    // 0: threads and blocks in order; else a seed for their order.
    uint32_t order = 0;
    dim3 block, grid_size, block_size;
};

inline Machine &machine() {
    static Machine one;
    return one;
}

[[noreturn]] inline void fail(const char *what) {
    fprintf(stderr, "emulation: %s\n", what);
    abort();
}

// Gives the processor back to the scheduler.
[[gnu::noinline]] inline void wait(State state) {
    Machine &m = machine();
    m.current->state = state;
    if (_setjmp(m.current->resume) == 0) _longjmp(m.scheduler, 1);
}

inline void fiber_main() {
    for (;;) {
        machine().body();
        wait(State::done);
    }
}

[[gnu::noinline]] inline void go_on(Fiber *fiber) {
    Machine &m = machine();
    m.current = fiber;
    if (_setjmp(m.scheduler) != 0) return;
    if (fiber->started) _longjmp(fiber->resume, 1);
    fiber->started = true;
    setcontext(&fiber->start);
}

inline Fiber *new_fiber() {
    constexpr size_t stack = 128 << 10, guard = 4 << 10;
    auto *memory = static_cast<char *>(
        mmap(nullptr, stack + guard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (memory == MAP_FAILED || mprotect(memory, guard, PROT_NONE) != 0) fail("no memory for a fiber's stack");
    auto *fiber = new Fiber;
    getcontext(&fiber->start);
    fiber->start.uc_stack.ss_sp = memory + guard;
    fiber->start.uc_stack.ss_size = stack;
    fiber->start.uc_link = nullptr;
    makecontext(&fiber->start, fiber_main, 0);
    return fiber;
}

inline void shuffle(std::vector<size_t> &order) {
    Machine &m = machine();
    if (m.order == 0) return;
    for (size_t i = order.size(); i > 1; --i) {
        m.random = m.random * 1664525u + 1013904223u;
        std::swap(order[i - 1], order[(m.random >> 8) % i]);
    }
}

inline std::vector<size_t> numbers(size_t count) {
    std::vector<size_t> order(count);
    for (size_t i = 0; i < count; ++i) order[i] = i;
    return order;
}

// Lets those threads of a warp go on that can. Returns whether there were any.
inline bool run_warp(size_t first) {
    Machine &m = machine();
    std::vector<size_t> lanes = numbers(32);
    shuffle(lanes);
    size_t shuffling = 0;
    bool moved = false;
    for (size_t lane : lanes) {
        Fiber *fiber = m.fibers[first + lane];
        if (fiber->state == State::ready) {
            go_on(fiber);
            moved = true;
        }
        shuffling += fiber->state == State::shuffle;
    }
    if (shuffling != 0 && shuffling != 32) fail("some lanes of a warp are at a shuffle and others are not");
    if (shuffling == 32)
        for (size_t lane : lanes) m.fibers[first + lane]->state = State::ready;
    return moved;
}

// Runs one thread block. With an order of threads each warp runs ahead until a barrier stops it, else they take turns.
inline void run_block(size_t threads) {
    Machine &m = machine();
    while (m.fibers.size() < threads) m.fibers.push_back(new_fiber());
    for (size_t t = 0; t < threads; ++t) {
        m.fibers[t]->state = State::ready;
        m.fibers[t]->thread = dim3(static_cast<unsigned>(t));
    }
    for (;;) {
        std::vector<size_t> warps = numbers(threads / 32);
        shuffle(warps);
        bool moved = false;
        for (size_t warp : warps)
            while (run_warp(warp * 32)) {
                moved = true;
                if (m.order == 0) break;
            }
        if (moved) continue;
        size_t done = 0;
        for (size_t t = 0; t < threads; ++t) done += m.fibers[t]->state == State::done;
        if (done == threads) return;
        if (done > 0) fail("some threads are at a barrier and others have ended");
        for (size_t t = 0; t < threads; ++t) m.fibers[t]->state = State::ready;
    }
}

template <class Kernel, class... Arguments>
void launch(Kernel kernel, dim3 grid, dim3 block, const Arguments &...arguments) {
    Machine &m = machine();
    if (block.y != 1 || block.z != 1 || grid.z != 1 || block.x % 32 != 0 || block.x > 1024 || grid.x == 0 ||
        grid.y == 0 || grid.y > 65535)
        fail("a launch of a shape that the kernels should not use");
    m.body = [&] { kernel(arguments...); };
    m.grid_size = grid;
    m.block_size = block;
    m.random = m.order;
    std::vector<size_t> order = numbers(static_cast<size_t>(grid.x) * grid.y);
    shuffle(order);
    for (size_t b : order) {
        m.block = dim3(static_cast<unsigned>(b % grid.x), static_cast<unsigned>(b / grid.x));
        run_block(block.x);
    }
}

}  // namespace emulation

#define threadIdx (emulation::machine().current->thread)
#define blockIdx (emulation::machine().block)
#define gridDim (emulation::machine().grid_size)
#define blockDim (emulation::machine().block_size)

inline void __syncthreads() { emulation::wait(emulation::State::barrier); }

// Nothing that the kernels do needs it.
inline void __syncwarp() {}

inline float __shfl_xor_sync(unsigned mask, float value, int distance) {
    if (mask != 0xffffffffu) emulation::fail("a shuffle among some lanes only");
    emulation::Fiber *fiber = emulation::machine().current;
    unsigned slot = fiber->shuffles++ & 1u;
    fiber->slots[slot] = value;
    emulation::wait(emulation::State::shuffle);
    return emulation::machine().fibers[fiber->thread.x ^ static_cast<unsigned>(distance)]->slots[slot];
}

inline unsigned __ballot_sync(unsigned mask, int predicate) {
    if (mask != 0xffffffffu) emulation::fail("a vote among some lanes only");
    emulation::Fiber *fiber = emulation::machine().current;
    unsigned slot = fiber->shuffles++ & 1u, bits = 0, first = fiber->thread.x / 32 * 32;
    fiber->slots[slot] = predicate ? 1.0f : 0.0f;
    emulation::wait(emulation::State::shuffle);
    for (unsigned lane = 0; lane < 32; ++lane)
        bits |= (emulation::machine().fibers[first + lane]->slots[slot] != 0 ? 1u : 0u) << lane;
    return bits;
}
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }

#define CK_LAUNCH(kernel, grid, block, stream, ...) \
    (static_cast<void>(stream), emulation::launch(kernel, grid, block, __VA_ARGS__))
