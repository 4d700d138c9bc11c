#include "packed.h"

#include <ATen/ops/empty.h>

#include <algorithm>

#include "dropout_threshold.h"

namespace ctorch {

at::Tensor floats(std::initializer_list<int64_t> shape) { return at::empty(shape, at::kFloat); }
at::Tensor words(int64_t count) { return at::empty({count}, at::kInt); }

kernels::Mask kernel_mask(double probability, uint64_t seed, uint64_t offset, int64_t first) {
    DropoutThreshold threshold(probability);
    return {
        .seed = seed, .offset = offset, .threshold = std::min<uint32_t>(threshold.value, 65535), .scale = threshold.scale,
        .first = first};
}

kernels::Shape kernel_shape(const ct_layer_options &options) {
    return {.hidden = options.hidden,
            .intermediate = options.intermediate,
            .heads = options.heads,
            .activation = static_cast<kernels::Activation>(options.activation),
            .epsilon = static_cast<float>(options.epsilon),
            .first_only = options.first_only};
}

kernels::Sequences sequences(const at::Tensor &offsets) { return {const_data<int64_t>(offsets), offsets.numel() - 1}; }

kernels::RelativePositions relative_positions(ct_tensor bias_or_null, const ct_layer_options &options, const at::Tensor &offsets) {
    if (!bias_or_null) return {};
    const at::Tensor &bias = bias_or_null->value;
    TORCH_CHECK(bias.dim() == 2 && bias.size(1) % 2 == 1, "the position bias must have the shape (heads, 2 · reach + 1)");
    check_float(bias, {options.heads, bias.size(1)}, "the position bias");
    kernels::Sequences s = sequences(offsets);
    int64_t reach = bias.size(1) / 2;
    for (int64_t i = 0; i < s.count; ++i)
        TORCH_CHECK(s.offsets[i + 1] - s.offsets[i] <= reach + 1, "the position bias reaches ", reach, " tokens, an example has ",
                    s.offsets[i + 1] - s.offsets[i]);
    return {.reach = reach, .bias = data(bias)};
}

void check_heads(const ct_layer_options &options) {
    TORCH_CHECK(options.hidden > 0 && options.heads > 0 && options.hidden % options.heads == 0, "the hidden size ",
                options.hidden, " must be a multiple of the ", options.heads, " heads");
}

void check_offsets(const at::Tensor &offsets, int64_t tokens) {
    TORCH_CHECK(offsets.is_cpu() && offsets.scalar_type() == at::kLong && offsets.dim() == 1 && offsets.is_contiguous() &&
                    offsets.numel() >= 2,
                "the offsets must be a vector of at least two int64 on the CPU");
    const int64_t *at = const_data<int64_t>(offsets);
    TORCH_CHECK(at[0] == 0 && at[offsets.numel() - 1] == tokens, "the offsets must lead from 0 to ", tokens,
                ", the number of tokens");
    for (int64_t i = 0; i + 1 < offsets.numel(); ++i)
        TORCH_CHECK(at[i] < at[i + 1], "example ", i, " has no token");
}

void check_float(const at::Tensor &tensor, at::IntArrayRef wanted, const char *name) {
    TORCH_CHECK(tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.is_contiguous() &&
                    tensor.sizes() == wanted,
                name, " must be float32 of shape ", wanted, " on the CPU, contiguous; got ", tensor.sizes());
}

}  // namespace ctorch
