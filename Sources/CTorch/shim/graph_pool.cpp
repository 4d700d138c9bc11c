#include "graph_pool.h"

#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

namespace ctorch {

std::shared_ptr<GraphPool> graph_pool_of(const at::Device &device) {
    static auto *const all = new std::map<int, std::shared_ptr<GraphPool>>;
    static auto *const lock = new std::mutex;
    std::lock_guard<std::mutex> alone(*lock);
    auto &found = (*all)[device.index()];
    if (!found) found = std::make_shared<GraphPool>();
    return found;
}

bool GraphPool::capture(const at::Device &device, cg_graph &graph, const std::function<void()> &body) {
    const CudaGraphs *library = cuda_graphs();
    if (graphs == 0) pool = library->new_pool();
    char message[512] = "";
    auto call = [](void *context) { (*static_cast<const std::function<void()> *>(context))(); };
    int code = library->capture(device.index(), pool, call, const_cast<std::function<void()> *>(&body), &graph, message, sizeof message);
    if (code == 0) ++graphs;
    if (code != 0) TORCH_WARN("a CUDA graph could not be captured (", message, "); kernels are started one by one");
    return code == 0;
}

void GraphPool::release(cg_graph graph) {
    if (!graph) return;
    cuda_graphs()->free(graph);
    --graphs;
}

void replay(cg_graph graph) {
    char message[512] = "";
    TORCH_CHECK(cuda_graphs()->replay(graph, message, sizeof message) == 0, message);
}

void fill_starts(int32_t *starts, int64_t texts, int64_t fillers, int64_t tokens, int64_t longest) {
    int64_t own = starts[texts];
    for (int64_t i = fillers, end = tokens; i > 0; --i) {
        starts[texts + i] = static_cast<int32_t>(end);
        end = std::max(own, end - longest);
    }
}

at::Tensor padded_tokens(const int32_t *starts, int64_t texts, int64_t longest) {
    std::vector<int64_t> indices;
    for (int64_t i = 0; i < texts; ++i)
        for (int32_t t = starts[i]; t < starts[i + 1]; ++t) indices.push_back(i * longest + t - starts[i]);
    return at::tensor(indices, at::kLong);
}

}  // namespace ctorch
