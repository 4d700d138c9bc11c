#include "cuda_graphs.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/version.h>

#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <mutex>

struct cg_graph_s {
    at::cuda::CUDAGraph graph;
};

namespace {

void write(const char *reason, char *message, size_t length) {
    const char *end = std::strchr(reason, '\n');
    size_t count = end ? static_cast<size_t>(end - reason) : std::strlen(reason);
    if (length == 0) return;
    count = count < length ? count : length - 1;
    std::memcpy(message, reason, count);
    message[count] = 0;
}

template <class Body>
int guarded(char *message, size_t length, Body &&body) {
    try {
        body();
        return 0;
    } catch (const c10::Error &error) {
        write(error.what_without_backtrace(), message, length);
    } catch (const std::exception &error) {
        write(error.what(), message, length);
    } catch (...) {
        write("an unknown C++ exception", message, length);
    }
    return 1;
}

}  // namespace

extern "C" {

int cg_abi_version(void) { return CG_ABI_VERSION; }

const char *cg_torch_version(void) { return TORCH_VERSION; }

cg_pool cg_new_pool(void) {
    auto [first, second] = at::cuda::graph_pool_handle();
    return {first, second};
}

int cg_capture(int device, cg_pool pool, void (*body)(void *), void *context, cg_graph *out, char *message, size_t length) {
    return guarded(message, length, [&] {
        c10::cuda::CUDAGuard on(static_cast<c10::DeviceIndex>(device));
        c10::cuda::device_synchronize();
        auto made = std::make_unique<cg_graph_s>();
        // Always the same stream: libraries keep memory for each.
        static std::map<int, c10::cuda::CUDAStream> streams;
        static std::mutex lock;
        std::lock_guard<std::mutex> alone(lock);
        auto entry = streams.try_emplace(device, c10::cuda::getStreamFromPool(false, static_cast<c10::DeviceIndex>(device))).first;
        c10::cuda::CUDAStreamGuard aside(entry->second);
        made->graph.capture_begin({pool.first, pool.second}, cudaStreamCaptureModeThreadLocal);
        try {
            body(context);
        } catch (...) {
            // The stream must leave its capture, whether or not it succeeded.
            try {
                made->graph.capture_end();
            } catch (...) {
            }
            throw;
        }
        made->graph.capture_end();
        *out = made.release();
    });
}

int cg_replay(cg_graph graph, char *message, size_t length) {
    return guarded(message, length, [&] { graph->graph.replay(); });
}

void cg_free(cg_graph graph) { delete graph; }

}  // extern "C"
