// The library of captured CUDA graphs, if it exists and matches the libtorch in use.
#pragma once

#include "cuda/cuda_graphs.h"

namespace ctorch {

struct CudaGraphs {
    decltype(&::cg_new_pool) new_pool;
    decltype(&::cg_capture) capture;
    decltype(&::cg_replay) replay;
    decltype(&::cg_free) free;
};

// Null if the library does not exist or was built for another libtorch, or DISTILL_CUDA_GRAPHS is 0. To be called after CUDA
// has been loaded.
const CudaGraphs *cuda_graphs();

}  // namespace ctorch
