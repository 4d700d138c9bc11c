// The memory that the captured CUDA graphs of a device share, and how they are captured and replayed.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

#include "cuda_graphs_library.h"

namespace ctorch {

// The state that the graphs of a device share. None may run while a backward pass still needs what another's forward pass left.
struct GraphPool {
    cg_pool pool{};
    // This memory ends with the last graph, and the next graph needs new memory.
    int64_t graphs = 0;
    // Alive while a backward pass is still pending.
    std::weak_ptr<int> in_flight;

    // Captures the operations that a body launches on a device, without running them. Returns false, with a warning, if that fails.
    bool capture(const at::Device &device, cg_graph &graph, const std::function<void()> &body);
    void release(cg_graph graph);
};

std::shared_ptr<GraphPool> graph_pool_of(const at::Device &device);

void replay(cg_graph graph);

// Writes where the texts that fill a batch up end, behind the starts of its own `texts` and their end: the last ones are as long as
// may be, the first ones empty.
void fill_starts(int32_t *starts, int64_t texts, int64_t fillers, int64_t tokens, int64_t longest);
// The index of each token in the padded batch, row by row: (tokens) int64.
at::Tensor padded_tokens(const int32_t *starts, int64_t texts, int64_t longest);

}  // namespace ctorch
