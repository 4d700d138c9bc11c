#include "parallel.h"

#include <ATen/Parallel.h>

#include <dlfcn.h>
#if defined(__APPLE__)
#include <dispatch/dispatch.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <new>

namespace ctorch {
namespace {

// clang's own OpenMP would bring a second pool of threads. On Linux libtorch carries GNU's, whose entry points are
// part of its binary interface.
struct OpenMP {
    void (*parallel)(void (*)(void *), void *, unsigned, unsigned) = nullptr;
    int (*in_parallel)() = nullptr;

    OpenMP() {
        void *self = RTLD_DEFAULT;
        parallel = reinterpret_cast<decltype(parallel)>(dlsym(self, "GOMP_parallel"));
        in_parallel = reinterpret_cast<decltype(in_parallel)>(dlsym(self, "omp_in_parallel"));
    }
    bool usable() const { return parallel && in_parallel; }
};

const OpenMP &openmp() {
    static const OpenMP value;
    return value;
}

struct Call {
    const std::function<void()> *body;
    std::exception_ptr failure;
    std::atomic_flag failed = ATOMIC_FLAG_INIT;

    void run() noexcept {
        try {
            (*body)();
        } catch (...) {
            if (!failed.test_and_set()) failure = std::current_exception();
        }
    }
};

void run(void *data) { static_cast<Call *>(data)->run(); }

}  // namespace

int thread_count() {
    if (openmp().usable()) return openmp().in_parallel() ? 1 : at::get_num_threads();
#if defined(__APPLE__)
    return at::get_num_threads();
#else
    return 1;
#endif
}

void on_all_threads(const std::function<void()> &body) {
    int threads = thread_count();
    Call call{&body};
    if (threads <= 1) {
        body();
    } else if (openmp().usable()) {
        openmp().parallel(run, &call, static_cast<unsigned>(threads), 0);
    } else {
#if defined(__APPLE__)
        dispatch_apply_f(static_cast<size_t>(threads), DISPATCH_APPLY_AUTO, &call,
                         [](void *data, size_t) { run(data); });
#endif
    }
    if (call.failure) std::rethrow_exception(call.failure);
}

void *Scratch::reserve(int64_t bytes) {
    if (bytes > bytes_) {
        std::free(memory_);
        memory_ = nullptr;
        bytes_ = 0;
        int64_t rounded = (bytes + bytes / 8 + 4095) / 4096 * 4096;
        memory_ = std::aligned_alloc(64, static_cast<size_t>(rounded));
        if (!memory_) throw std::bad_alloc();
        bytes_ = rounded;
    }
    return memory_;
}

Scratch::~Scratch() { std::free(memory_); }

Scratch &Scratch::slot(int index) {
    static thread_local Scratch slots[32];
    return slots[index];
}

}  // namespace ctorch
