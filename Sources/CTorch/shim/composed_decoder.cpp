// Residual stream and norms are float32; all else is in the type that matrices are multiplied in. Each norm's kernel adds the
// branch before it to the residual stream, in the forward and in the backward pass.

#include "composed_decoder.h"

#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>

#include "composed_products.h"
#include "cuda_library.h"

namespace ctorch {

namespace {

// Where the kernels of a pass are launched.
struct Launch {
    explicit Launch(const ct_decoder_s &decoder, const at::Tensor &hidden)
        : kernels(*cuda_kernels(hidden)), stream(cuda_stream(hidden)), options(decoder.options),
          type(kernel_type(decoder.type())), typed(hidden.options().dtype(decoder.type())) {}
    void check(int code, const char *name) const { check_cuda(kernels, code, name); }

    const CudaKernels &kernels;
    void *stream;
    const ct_decoder_options &options;
    int type;
    at::TensorOptions typed;
};

// norm(x + branch); `branch` may be undefined. Returns it in the type of matrices, or in float32 if it is the last.
at::Tensor rms(const Launch &launch, RmsState &state, const at::Tensor &x, const at::Tensor &branch, const at::Tensor &weight,
               bool last, bool training) {
    int64_t rows = x.size(0), width = x.size(1);
    // The sum is the residual stream from here on.
    state.sum = branch.defined() ? at::empty_like(x) : x;
    state.deviation = training ? at::empty({rows}, x.options()) : at::Tensor();
    at::Tensor result = at::empty({rows, width}, last ? x.options() : launch.typed);
    launch.check(launch.kernels.rms_forward(launch.stream, launch.type, rows, width, kernel_floats(x), kernel_pointer(branch),
                                            kernel_floats(weight), static_cast<float>(launch.options.epsilon),
                                            static_cast<float>(launch.options.norm_offset),
                                            branch.defined() ? mutable_kernel_floats(state.sum) : nullptr,
                                            last ? mutable_kernel_floats(result) : nullptr,
                                            last ? nullptr : mutable_kernel_pointer(result), mutable_kernel_floats(state.deviation)),
                 "rms_forward");
    return result;
}

struct RmsGradients {
    at::Tensor residual;  // of the sum, float32
    at::Tensor branch;    // the same in the type of matrices
};

// From the gradient of the norm's output, float32 or typed, and `residual`, the sum's gradient by another way, which may be undefined.
RmsGradients rms_backward(const Launch &launch, const RmsState &state, const at::Tensor &gradient, const at::Tensor &residual,
                          const at::Tensor &weight, at::Tensor &weight_gradient) {
    int64_t rows = state.sum.size(0), width = state.sum.size(1), blocks = launch.kernels.partial_blocks(rows);
    RmsGradients result{at::empty_like(state.sum), at::empty(state.sum.sizes(), launch.typed)};
    at::Tensor partials = at::empty({blocks, width}, state.sum.options());
    bool is_float = gradient.scalar_type() == at::kFloat;
    launch.check(launch.kernels.rms_backward(launch.stream, launch.type, rows, width, is_float ? kernel_floats(gradient) : nullptr,
                                             is_float ? nullptr : kernel_pointer(gradient), kernel_floats(state.sum),
                                             kernel_floats(state.deviation), kernel_floats(weight),
                                             static_cast<float>(launch.options.norm_offset), kernel_floats(residual),
                                             mutable_kernel_floats(result.residual), mutable_kernel_pointer(result.branch),
                                             mutable_kernel_floats(partials), blocks),
                 "rms_backward");
    weight_gradient = at::empty({width}, partials.options());
    launch.check(launch.kernels.column_sums(launch.stream, kernel_floats(partials), blocks, width, mutable_kernel_floats(weight_gradient)),
                 "column_sums");
    return result;
}

// Rotates queries and keys, which are the first columns of `projected`.
void rotate(const Launch &launch, const DecoderPass &pass, const at::Tensor &projected, bool backwards) {
    const ct_decoder_options &o = launch.options;
    launch.check(launch.kernels.rotate(launch.stream, launch.type, projected.size(0), projected.size(1), o.heads + o.key_value_heads,
                                       o.head_width / 2, const_data<int32_t>(pass.positions), kernel_floats(pass.cosine),
                                       kernel_floats(pass.sine), backwards, projected.mutable_data_ptr()),
                 "rotate");
}

AttentionForm form_of(const ct_decoder_s &decoder, size_t layer) {
    const ct_decoder_options &o = decoder.options;
    return {.heads = o.heads, .key_value_heads = o.key_value_heads, .scale = o.scale, .causal = true, .window = decoder.windows[layer]};
}

at::Tensor gated(const Launch &launch, const at::Tensor &joint) {
    int64_t rows = joint.size(0), width = joint.size(1) / 2;
    at::Tensor result = at::empty({rows, width}, joint.options());
    launch.check(launch.kernels.gated_forward(launch.stream, launch.type, launch.options.activation, rows, width, joint.const_data_ptr(),
                                              result.mutable_data_ptr()),
                 "gated_forward");
    return result;
}

// Writes a layer's gradients of parts of a joint matrix to the parameters they belong to.
void split_rows(std::vector<at::Tensor> &gradients, size_t layer, const at::Tensor &joint, std::initializer_list<int> parameters,
                std::initializer_list<int64_t> rows) {
    int64_t first = 0;
    const int64_t *count = rows.begin();
    for (int parameter : parameters) {
        gradients[layer * CT_DECODER_PARAMETERS + static_cast<size_t>(parameter)] = joint.narrow(0, first, *count);
        first += *count++;
    }
}

// The layer's branches, each of which the next norm adds to the residual stream.
at::Tensor attention_branch(const Launch &launch, const DecoderPass &pass, DecoderLayerPass &kept, size_t index) {
    const ct_decoder_s::Layer &w = pass.decoder->layers[index];
    const ct_decoder_options &o = launch.options;
    int64_t queries = o.heads * o.head_width, keys = o.key_value_heads * o.head_width;
    kept.projected = w.joint_bias.defined() ? at::addmm(w.joint_bias, kept.normalized, w.joint.t()) : at::mm(kept.normalized, w.joint.t());
    rotate(launch, pass, kept.projected, false);
    auto part = [&](int64_t first, int64_t width) { return kept.projected.narrow(1, first, width); };
    attend(kept.attention, part(0, queries), part(queries, keys), part(queries + keys, keys), form_of(*pass.decoder, index), pass.sequences, {});
    return at::mm(kept.attention.output, w.output.t());
}

at::Tensor inner_branch(const Launch &launch, const DecoderPass &pass, DecoderLayerPass &kept, size_t index) {
    const ct_decoder_s::Layer &w = pass.decoder->layers[index];
    kept.inner = at::mm(kept.inner_normalized, w.inner.t());
    return at::mm(gated(launch, kept.inner), w.outer.t());
}

// From the gradient of the branch to that of its input, the normalized rows, both in the type of matrices.
at::Tensor inner_backward(const Launch &launch, const DecoderPass &pass, DecoderLayerPass &kept, size_t index, const at::Tensor &branch,
                          std::vector<at::Tensor> &gradients) {
    const ct_decoder_s::Layer &w = pass.decoder->layers[index];
    at::Tensor gradient = at::mm(branch, w.outer);
    int64_t rows = gradient.size(0), width = gradient.size(1);
    // In place: nothing reads them any more.
    launch.check(launch.kernels.gated_backward(launch.stream, launch.type, launch.options.activation, rows, width, kept.inner.const_data_ptr(),
                                               gradient.const_data_ptr(), kept.inner.mutable_data_ptr(), gradient.mutable_data_ptr()),
                 "gated_backward");
    gradients[index * CT_DECODER_PARAMETERS + CT_DECODER_DOWN] = wide_product(branch.t(), gradient);
    split_rows(gradients, index, wide_product(kept.inner.t(), kept.inner_normalized), {CT_DECODER_GATE, CT_DECODER_UP}, {width, width});
    return at::mm(kept.inner, w.inner);
}

at::Tensor attention_backward(const Launch &launch, const DecoderPass &pass, DecoderLayerPass &kept, size_t index, const at::Tensor &branch,
                              std::vector<at::Tensor> &gradients) {
    const ct_decoder_s::Layer &w = pass.decoder->layers[index];
    const ct_decoder_options &o = launch.options;
    gradients[index * CT_DECODER_PARAMETERS + CT_DECODER_OUTPUT] = wide_product(branch.t(), kept.attention.output);
    auto [query, key, value] =
        attend_backward(kept.attention, at::mm(branch, w.output), form_of(*pass.decoder, index), pass.sequences, {});
    at::Tensor joint = at::cat({query, key, value}, 1);
    rotate(launch, pass, joint, true);
    int64_t queries = o.heads * o.head_width, keys = o.key_value_heads * o.head_width;
    split_rows(gradients, index, wide_product(joint.t(), kept.normalized), {CT_DECODER_QUERY, CT_DECODER_KEY, CT_DECODER_VALUE},
               {queries, keys, keys});
    if (w.joint_bias.defined())
        split_rows(gradients, index, column_sums(joint), {CT_DECODER_QUERY_BIAS, CT_DECODER_KEY_BIAS, CT_DECODER_VALUE_BIAS},
                   {queries, keys, keys});
    return at::mm(joint, w.joint);
}

}  // namespace

at::Tensor decoder_forward(DecoderPass &pass, const at::Tensor &hidden, const std::vector<at::Tensor> &p, bool training) {
    Launch launch(*pass.decoder, hidden);
    size_t count = pass.decoder->layer_count();
    pass.layers.resize(training ? count : 1);
    at::Tensor x = hidden, branch;
    for (size_t i = 0; i < count; ++i) {
        DecoderLayerPass &kept = pass.layers[training ? i : 0];
        kept.normalized = rms(launch, kept.input_norm, x, branch, layer_parameter(p, i, CT_DECODER_INPUT_NORM), false, training);
        branch = attention_branch(launch, pass, kept, i);
        kept.inner_normalized =
            rms(launch, kept.inner_norm, kept.input_norm.sum, branch, layer_parameter(p, i, CT_DECODER_INNER_NORM), false, training);
        branch = inner_branch(launch, pass, kept, i);
        x = kept.inner_norm.sum;
    }
    at::Tensor result = rms(launch, pass.last_norm, x, branch, p.back(), true, training);
    if (!training) pass.layers.clear(), pass.last_norm = {};
    return result;
}

at::Tensor decoder_backward(DecoderPass &pass, const at::Tensor &gradient, const std::vector<at::Tensor> &p,
                            std::vector<at::Tensor> &gradients) {
    Launch launch(*pass.decoder, gradient);
    RmsGradients to = rms_backward(launch, pass.last_norm, gradient, {}, p.back(), gradients.back());
    pass.last_norm = {};
    for (size_t i = pass.layers.size(); i-- > 0;) {
        DecoderLayerPass &kept = pass.layers[i];
        auto norm_gradient = [&](int which) -> at::Tensor & { return gradients[i * CT_DECODER_PARAMETERS + static_cast<size_t>(which)]; };
        at::Tensor normalized = inner_backward(launch, pass, kept, i, to.branch, gradients);
        to = rms_backward(launch, kept.inner_norm, normalized, to.residual, layer_parameter(p, i, CT_DECODER_INNER_NORM),
                          norm_gradient(CT_DECODER_INNER_NORM));
        kept.inner.reset(), kept.inner_normalized.reset(), kept.inner_norm = {};
        normalized = attention_backward(launch, pass, kept, i, to.branch, gradients);
        to = rms_backward(launch, kept.input_norm, normalized, to.residual, layer_parameter(p, i, CT_DECODER_INPUT_NORM),
                          norm_gradient(CT_DECODER_INPUT_NORM));
        kept = {};
    }
    return to.residual;
}

}  // namespace ctorch

using namespace ctorch;

ct_decoder_s::ct_decoder_s(const std::vector<at::Tensor> &p, const ct_decoder_options &given, std::vector<int64_t> given_windows)
    : options(given), windows(std::move(given_windows)) {
    at::NoGradGuard no_grad;
    for (size_t i = 0; i < windows.size(); ++i) {
        auto joined = [&](std::initializer_list<int> parts) -> at::Tensor {
            const at::Tensor &first = layer_parameter(p, i, *parts.begin());
            if (!first.defined()) return {};
            std::vector<int64_t> shape = first.sizes().vec();
            shape[0] = 0;
            for (int part : parts) shape[0] += layer_parameter(p, i, part).size(0);
            at::Tensor made = at::empty(shape, first.options().dtype(type()).requires_grad(false));
            int64_t row = 0;
            for (int part : parts) {
                int64_t rows = layer_parameter(p, i, part).size(0);
                copies.push_back(made.narrow(0, row, rows));
                sources.push_back(i * CT_DECODER_PARAMETERS + static_cast<size_t>(part));
                row += rows;
            }
            return made;
        };
        Layer layer;
        layer.joint = joined({CT_DECODER_QUERY, CT_DECODER_KEY, CT_DECODER_VALUE});
        layer.joint_bias = joined({CT_DECODER_QUERY_BIAS, CT_DECODER_KEY_BIAS, CT_DECODER_VALUE_BIAS});
        layer.output = joined({CT_DECODER_OUTPUT});
        layer.inner = joined({CT_DECODER_GATE, CT_DECODER_UP});
        layer.outer = joined({CT_DECODER_DOWN});
        layers.push_back(std::move(layer));
    }
}

void ct_decoder_s::refresh(const std::vector<at::Tensor> &p) {
    if (generation > 0 && version_of(p) == version) return;
    copy_parameters(p);
    note_copied(p);
}

void ct_decoder_s::copy_parameters(const std::vector<at::Tensor> &p) {
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> from;
    for (size_t source : sources) from.push_back(p[source]);
    at::_foreach_copy_(copies, from);
}

void ct_decoder_s::note_copied(const std::vector<at::Tensor> &p) {
    ++generation;
    version = version_of(p);
}

uint64_t ct_decoder_s::version_of(const std::vector<at::Tensor> &p) const {
    uint64_t sum = 1;
    for (size_t source : sources) sum = sum * 31 + static_cast<uint64_t>(p[source]._version());
    return sum;
}
