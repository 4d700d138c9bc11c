// This package's CUDA kernels, in a library of their own that `scripts/cuda.sh` builds: loaded when a CUDA device is first
// used.
#pragma once

#include <ATen/core/Tensor.h>

#include "cuda/cuda_kernels.h"
#include "internal.h"

namespace ctorch {

// The library's functions, by the names of cuda_kernels.h.
struct CudaKernels {
    decltype(&::ck_error_text) error_text;
    decltype(&::ck_partial_blocks) partial_blocks;
    decltype(&::ck_residual_norm_forward) residual_norm_forward;
    decltype(&::ck_residual_norm_backward) residual_norm_backward;
    decltype(&::ck_column_sums) column_sums;
    decltype(&::ck_activation_backward) activation_backward;
    decltype(&::ck_embeddings_forward) embeddings_forward;
    decltype(&::ck_rows_gradient) rows_gradient;
    decltype(&::ck_position_gradient) position_gradient;
    decltype(&::ck_rms_forward) rms_forward;
    decltype(&::ck_rms_backward) rms_backward;
    decltype(&::ck_rotate) rotate;
    decltype(&::ck_gated_forward) gated_forward;
    decltype(&::ck_gated_backward) gated_backward;
    decltype(&::ck_vocabulary_loss) vocabulary_loss;
};

// Null if a tensor is not on a CUDA device, the library does not exist, its kernels do not support such wide rows, or
// DISTILL_CUDA_KERNELS is `libtorch`. If that names a library compiled for the processor, it computes on the CPU.
const CudaKernels *cuda_kernels(const at::Tensor &tensor);

// The path from which the library was loaded; "" if it was not.
const char *cuda_kernels_path();

// The current stream of a CUDA tensor's device.
void *cuda_stream(const at::Tensor &tensor);

// Throws if a kernel could not be launched.
void check_cuda(const CudaKernels &kernels, int code, const char *name);

// Tensors as the kernels take them: null for undefined ones.
inline int kernel_type(at::ScalarType type) { return type == at::kBFloat16 ? CK_BFLOAT16 : CK_FLOAT32; }
inline const float *kernel_floats(const at::Tensor &t) { return t.defined() ? const_data<float>(t) : nullptr; }
inline float *mutable_kernel_floats(const at::Tensor &t) { return t.defined() ? t.mutable_data_ptr<float>() : nullptr; }
inline const void *kernel_pointer(const at::Tensor &t) { return t.defined() ? t.const_data_ptr() : nullptr; }
inline void *mutable_kernel_pointer(const at::Tensor &t) { return t.defined() ? t.mutable_data_ptr() : nullptr; }

}  // namespace ctorch
