// The library of captured CUDA graphs, where it is there and fits the libtorch that runs.
#pragma once

#include "cuda/cuda_graphs.h"

namespace ctorch {

struct CudaGraphs {
    decltype(&::cg_new_pool) new_pool;
    decltype(&::cg_capture) capture;
    decltype(&::cg_replay) replay;
    decltype(&::cg_free) free;
};

// Null where the library is not there, was built for another libtorch, or DISTILL_CUDA_GRAPHS is 0. Asked for after CUDA was
// loaded.
const CudaGraphs *cuda_graphs();

}  // namespace ctorch
