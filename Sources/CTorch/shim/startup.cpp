// Decisions that must be made before the first operation, while the process has one thread.

#include <ATen/Parallel.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>

#include <dlfcn.h>

#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "kernels/parallel.h"

namespace {

// MKL's vector functions, which libtorch calls for tanh, exp and others, select their code for this processor at first use,
// without a lock: if two threads make that first call together, one of them may compute with other code, and one process in a
// hundred gets different last bits. One call from one thread settles the choice.
void settle_vector_functions() { at::tanh(at::zeros({1})); }

// OMP_NUM_THREADS is respected; otherwise as many threads as there are processors, of which a container's quota may leave fewer
// than libtorch sees.
void settle_threads() {
    if (std::getenv("OMP_NUM_THREADS")) {
        ctorch::set_thread_count(at::get_num_threads());
        return;
    }
    int available = ctorch::available_processors();
    if (available < at::get_num_threads()) at::set_num_threads(available);
}

#if defined(__linux__)
// Idle threads of GNU's OpenMP, which runs libtorch's own operations, spin for milliseconds, in the way of any other work,
// unless it manages more threads than there are processors: then they sleep after a few microseconds. So it is given one
// additional team, which never works. A policy set in the environment takes precedence.
void calm_openmp() {
    if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
    using Parallel = void (*)(void (*)(void *), void *, unsigned, unsigned);
    auto parallel = reinterpret_cast<Parallel>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
    int count = at::get_num_threads();
    if (!parallel || count < 2) return;
    try {
        std::thread([parallel, count] {
            parallel([](void *) {}, nullptr, static_cast<unsigned>(count), 0);
            for (;;) pause();
        }).detach();
    } catch (...) {
        // No more threads can be started: then none can spin either.
    }
}
#endif

[[maybe_unused]] const bool settled = [] {
    try {
        settle_threads();
        settle_vector_functions();
#if defined(__linux__)
        calm_openmp();
#endif
    } catch (...) {
        // The first operation will report the error.
    }
    return true;
}();

}  // namespace
