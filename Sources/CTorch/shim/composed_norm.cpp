#include "composed_norm.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/gelu_backward.h>
#include <ATen/ops/native_layer_norm.h>
#include <ATen/ops/native_layer_norm_backward.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>
#include <ATen/ops/threshold_backward.h>

#include "cuda_library.h"
#include "dropout_threshold.h"

namespace ctorch {

namespace {

ck_mask mask(const DropoutCall &call) {
    DropoutThreshold threshold(call.probability);
    return {call.seed, call.offset, threshold.value, threshold.scale, call.state};
}

at::Tensor typed_like(const at::Tensor &y, at::ScalarType type) {
    return type == at::kFloat ? at::Tensor() : at::empty(y.sizes(), y.options().dtype(type));
}

// The joint gradient of a float32 output and of its copy in another type.
at::Tensor joint(const at::Tensor &gradient, const at::Tensor &typed) {
    if (!gradient.defined()) return typed.to(at::kFloat);
    return typed.defined() ? gradient + typed : gradient;
}

// dgamma, dbeta and column sums from the blocks' partial sums.
std::array<at::Tensor, 3> reduced(const CudaKernels &k, const at::Tensor &partials, void *stream) {
    int64_t width = partials.size(2);
    at::Tensor sums = at::empty({3, width}, partials.options());
    check_cuda(k, k.column_sums(stream, kernel_floats(partials), partials.size(0), 3 * width, mutable_kernel_floats(sums)), "column_sums");
    return {sums.select(0, 0), sums.select(0, 1), sums.select(0, 2)};
}

NormBackward by_kernels(const CudaKernels &k, const NormForward &forward, const at::Tensor &gradient,
                        const at::Tensor &typed_gradient, at::ScalarType type, const at::Tensor &weight,
                        const DropoutCall &call, bool after_norm) {
    const at::Tensor &kept = forward.kept;
    int64_t rows = kept.size(0), width = kept.size(1), blocks = k.partial_blocks(rows);
    NormBackward result;
    result.residual = at::empty(kept.sizes(), weight.options());
    if (!after_norm) result.y = at::empty(kept.sizes(), kept.options().dtype(type));
    at::Tensor partials = at::empty({blocks, 3, width}, weight.options());
    void *stream = cuda_stream(kept);
    check_cuda(k,
               k.residual_norm_backward(stream, kernel_type(type), rows, width, kernel_floats(gradient), kernel_pointer(typed_gradient), kernel_pointer(kept),
                                        kernel_floats(forward.deviation), kernel_floats(weight), mask(call), after_norm,
                                        mutable_kernel_floats(result.residual), mutable_kernel_pointer(result.y), mutable_kernel_floats(partials), blocks),
               "residual_norm_backward");
    auto [gamma, beta, sums] = reduced(k, partials, stream);
    result.weight = gamma, result.bias = beta, result.y_bias = sums;
    return result;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> norm_backward(const NormForward &forward, const at::Tensor &gradient,
                                                             const at::Tensor &weight, const at::Tensor &bias) {
    return at::native_layer_norm_backward(gradient.contiguous(), forward.kept, weight.sizes(), forward.mean, forward.deviation,
                                          weight, bias, {true, true, true});
}

// The kernels, if they made this; libtorch's operations keep a mean.
const CudaKernels *made_by_kernels(const NormForward &forward) {
    return forward.mean.defined() ? nullptr : cuda_kernels(forward.kept);
}

}  // namespace

NormForward residual_norm(const at::Tensor &y, const at::Tensor &residual, const at::Tensor &weight, const at::Tensor &bias,
                          double epsilon, const DropoutCall &call, bool training) {
    NormForward result;
    at::ScalarType type = y.scalar_type();
    if (const CudaKernels *k = cuda_kernels(y)) {
        result.output = at::empty(y.sizes(), weight.options().requires_grad(false));
        result.typed = typed_like(y, type);
        if (training) {
            result.kept = at::empty_like(y);
            result.deviation = at::empty({y.size(0)}, result.output.options());
        }
        check_cuda(*k,
                   k->residual_norm_forward(cuda_stream(y), kernel_type(type), y.size(0), y.size(1), kernel_pointer(y), kernel_floats(residual),
                                            kernel_floats(weight), kernel_floats(bias), static_cast<float>(epsilon), mask(call),
                                            mutable_kernel_floats(result.output), mutable_kernel_pointer(result.typed), mutable_kernel_pointer(result.kept),
                                            mutable_kernel_floats(result.deviation)),
                   "residual_norm_forward");
        return result;
    }
    at::Tensor wide = y.to(at::kFloat);
    at::Tensor sum = (call.on() ? dropout(wide, call) : wide) + residual;
    auto [output, mean, deviation] = at::native_layer_norm(sum, weight.sizes(), weight, bias, epsilon);
    result.output = output;
    if (type != at::kFloat) result.typed = output.to(type);
    if (training) result.kept = sum, result.mean = mean, result.deviation = deviation;
    return result;
}

NormBackward residual_norm_backward(const NormForward &forward, const at::Tensor &gradient, const at::Tensor &typed_gradient,
                                    at::ScalarType type, const at::Tensor &weight, const at::Tensor &bias,
                                    const DropoutCall &call) {
    if (const CudaKernels *k = made_by_kernels(forward))
        return by_kernels(*k, forward, gradient, typed_gradient, type, weight, call, false);
    NormBackward result;
    auto [sum, gamma, beta] = norm_backward(forward, joint(gradient, typed_gradient), weight, bias);
    at::Tensor y = call.on() ? dropout(sum, call) : sum;
    result.residual = sum, result.weight = gamma, result.bias = beta;
    result.y = y.to(type);
    result.y_bias = y.sum(0);
    return result;
}

NormForward embedding_norm(const EmbeddingRows &rows, const at::Tensor &weight, const at::Tensor &bias, double epsilon,
                           const DropoutCall &call, at::ScalarType type, bool training) {
    NormForward result;
    if (const CudaKernels *k = cuda_kernels(rows.word)) {
        int64_t count = rows.ids.numel(), width = rows.word.size(1);
        at::TensorOptions options = weight.options().requires_grad(false);
        result.output = at::empty({count, width}, options);
        result.typed = typed_like(result.output, type);
        if (training) {
            result.kept = at::empty({count, width}, options.dtype(type));
            result.deviation = at::empty({count}, options);
        }
        auto numbers = [](const at::Tensor &t) { return t.defined() ? ctorch::const_data<int32_t>(t) : nullptr; };
        check_cuda(*k,
                   k->embeddings_forward(cuda_stream(rows.word), kernel_type(type), count, width, numbers(rows.ids),
                                         numbers(rows.positions), numbers(rows.types), kernel_floats(rows.word), kernel_floats(rows.position),
                                         kernel_floats(rows.token_type), kernel_floats(weight), kernel_floats(bias), static_cast<float>(epsilon),
                                         mask(call), mutable_kernel_floats(result.output), mutable_kernel_pointer(result.typed),
                                         mutable_kernel_pointer(result.kept), mutable_kernel_floats(result.deviation)),
                   "embeddings_forward");
        return result;
    }
    at::Tensor segment = rows.types.defined() ? rows.token_type.index_select(0, rows.types) : rows.token_type.narrow(0, 0, 1);
    at::Tensor sum = rows.word.index_select(0, rows.ids) + segment + rows.position.index_select(0, rows.positions);
    auto [output, mean, deviation] = at::native_layer_norm(sum, weight.sizes(), weight, bias, epsilon);
    result.output = call.on() ? dropout(output, call) : output;
    if (type != at::kFloat) result.typed = result.output.to(type);
    if (training) result.kept = sum, result.mean = mean, result.deviation = deviation;
    return result;
}

NormBackward embedding_norm_backward(const NormForward &forward, const at::Tensor &gradient, const at::Tensor &typed_gradient,
                                   at::ScalarType type, const at::Tensor &weight, const at::Tensor &bias,
                                   const DropoutCall &call) {
    if (const CudaKernels *k = made_by_kernels(forward))
        return by_kernels(*k, forward, gradient, typed_gradient, type, weight, call, true);
    NormBackward result;
    at::Tensor whole = joint(gradient, typed_gradient);
    if (call.on()) whole = dropout(whole, call);
    std::tie(result.residual, result.weight, result.bias) = norm_backward(forward, whole, weight, bias);
    return result;
}

at::Tensor activation(int32_t kind, const at::Tensor &input) {
    switch (kind) {
    case CT_LAYER_GELU: return at::gelu(input);
    case CT_LAYER_GELU_TANH: return at::gelu(input, "tanh");
    case CT_LAYER_RELU: return at::relu(input);
    case CT_LAYER_SILU: return at::silu(input);
    default: TORCH_CHECK(false, "unknown activation ", kind);
    }
}

ActivationBackward activation_backward(int32_t kind, const at::Tensor &input, const at::Tensor &gradient) {
    ActivationBackward result;
    if (const CudaKernels *k = cuda_kernels(input)) {
        int64_t rows = input.size(0), width = input.size(1), blocks = k->partial_blocks(rows);
        // In place: nothing else reads the gradient.
        result.gradient = gradient;
        result.output = at::empty_like(input);
        at::Tensor partials = at::empty({blocks, width}, input.options().dtype(at::kFloat));
        result.sums = at::empty({width}, partials.options());
        void *stream = cuda_stream(input);
        check_cuda(*k,
                   k->activation_backward(stream, kernel_type(input.scalar_type()), kind, rows, width, kernel_pointer(input), kernel_pointer(gradient),
                                          mutable_kernel_pointer(result.gradient), mutable_kernel_pointer(result.output), mutable_kernel_floats(partials), blocks),
                   "activation_backward");
        check_cuda(*k, k->column_sums(stream, kernel_floats(partials), blocks, width, mutable_kernel_floats(result.sums)), "column_sums");
        return result;
    }
    result.output = activation(kind, input);
    switch (kind) {
    case CT_LAYER_GELU: result.gradient = at::gelu_backward(gradient, input); break;
    case CT_LAYER_GELU_TANH: result.gradient = at::gelu_backward(gradient, input, "tanh"); break;
    case CT_LAYER_RELU: result.gradient = at::threshold_backward(gradient, result.output, 0); break;
    default: result.gradient = at::silu_backward(gradient, input);
    }
    result.sums = result.gradient.sum(at::IntArrayRef({0}), false, at::kFloat);
    return result;
}

}  // namespace ctorch
