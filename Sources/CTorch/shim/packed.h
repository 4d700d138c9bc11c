// Declarations shared by the operations on packed sequences on the CPU: tensors as the kernels take them, and checks of
// arguments. The examples' tokens are stored one after another, without padding.
#pragma once

#include <initializer_list>
#include <vector>

#include "internal.h"
#include "kernels/table.h"
#include "kernels/training.h"
#include "parameters.h"

namespace ctorch {

inline const float *data(const at::Tensor &tensor) { return const_data<float>(tensor); }
inline float *mutable_data(const at::Tensor &tensor) { return tensor.mutable_data_ptr<float>(); }
inline uint32_t *word_data(const at::Tensor &tensor) { return static_cast<uint32_t *>(tensor.mutable_data_ptr()); }
// Null for an undefined tensor.
inline float *optional_data(const at::Tensor &tensor) { return tensor.defined() ? mutable_data(tensor) : nullptr; }
inline uint16_t *optional_bits(const at::Tensor &tensor) {
    return tensor.defined() ? static_cast<uint16_t *>(tensor.mutable_data_ptr()) : nullptr;
}

at::Tensor floats(std::initializer_list<int64_t> shape);
at::Tensor words(int64_t count);

kernels::Mask kernel_mask(double probability, uint64_t seed, uint64_t offset, int64_t first = 0);
kernels::Shape kernel_shape(const ct_layer_options &options);
kernels::Sequences sequences(const at::Tensor &offsets);
// A bias of attention's scores by head and distance, (heads, 2 · reach + 1); nothing for null. Throws where it does not reach as far as
// the longest example.
kernels::RelativePositions relative_positions(ct_tensor bias_or_null, const ct_layer_options &options, const at::Tensor &offsets);

inline bool is_bfloat16(const at::Tensor &tensor) { return tensor.scalar_type() == at::kBFloat16; }

// Packs a float32 weight so that products are with it as stored (columns, length), or with its transpose (length, columns).
at::Tensor packed(const at::Tensor &weight, bool bfloat16, bool transposed, int64_t columns, int64_t length);
// A linear layer's weight (outputs, inputs), or (inputs, outputs) if `transposed`, as it was packed before for its products in inference, or
// anew where it has changed.
const at::Tensor &kept_packed(const at::Tensor &weight, bool bfloat16, bool transposed, ct_packed_weight *kept);

// Each throws if its argument does not fit.
void check_heads(const ct_layer_options &options);
void check_offsets(const at::Tensor &offsets, int64_t tokens);
void check_float(const at::Tensor &tensor, at::IntArrayRef wanted, const char *name);

inline void check_element(const at::Tensor &tensor, const char *name) {
    TORCH_CHECK(tensor.is_cpu() && (tensor.scalar_type() == at::kFloat || is_bfloat16(tensor)), name,
                " must be float32 or bfloat16 on the CPU");
}

}  // namespace ctorch
