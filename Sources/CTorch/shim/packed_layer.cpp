// A transformer layer on packed sequences by the kernels: connects them to tensors and to autograd.

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <memory>
#include <vector>

#include "packed.h"

using namespace ctorch;
namespace k = ctorch::kernels;

namespace {

at::Tensor elements(bool bfloat16, std::initializer_list<int64_t> shape) {
    return at::empty(shape, bfloat16 ? at::kBFloat16 : at::kFloat);
}

void check_layer(const at::Tensor &input, const at::Tensor &offsets, const std::vector<at::Tensor> &p,
                 const ct_layer_options &o) {
    check_heads(o);
    TORCH_CHECK(o.intermediate > 0, "the intermediate size must be above 0, got ", o.intermediate);
    TORCH_CHECK(o.activation >= 0 && o.activation <= CT_LAYER_SILU, "unknown activation ", o.activation);
    TORCH_CHECK(input.dim() == 2, "the input must have the shape (tokens, hidden size)");
    check_float(input, {input.size(0), o.hidden}, "the input");
    check_offsets(offsets, input.size(0));
    int64_t h = o.hidden, i = o.intermediate;
    for (int index = 0; index < layer_parameters; ++index) {
        switch (index) {
        case query_weight: case key_weight: case value_weight: case output_weight: check_float(p[index], {h, h}, "a weight"); break;
        case inner_weight: check_float(p[index], {i, h}, "the intermediate weight"); break;
        case outer_weight: check_float(p[index], {h, i}, "the output weight"); break;
        case inner_bias: check_float(p[index], {i}, "the intermediate bias"); break;
        default: check_float(p[index], {h}, "a bias or norm");
        }
    }
}

}  // namespace

// A layer's weights as packed right operands, with the tensors that must outlive them.
struct ct_packed_layer_s {
    ct_packed_layer_s(const std::vector<at::Tensor> &p, const ct_layer_options &o, bool forward) : bfloat16(o.bfloat16) {
        at::NoGradGuard no_grad;
        int64_t h = o.hidden, i = o.intermediate;
        at::Tensor key_value = at::cat({p[key_weight], p[value_weight]});
        key_value_bias = at::cat({p[key_bias], p[value_bias]});
        query = pack(p[query_weight], h, h, forward);
        this->key_value = pack(key_value, forward ? 2 * h : h, forward ? h : 2 * h, forward);
        output = pack(p[output_weight], h, h, forward);
        inner = pack(p[inner_weight], forward ? i : h, forward ? h : i, forward);
        outer = pack(p[outer_weight], forward ? h : i, forward ? i : h, forward);
    }

    k::LayerWeights weights(const std::vector<at::Tensor> &p) const {
        return {.query = word_data(query),
                .key_value = word_data(key_value),
                .output = word_data(output),
                .inner = word_data(inner),
                .outer = word_data(outer),
                .query_bias = data(p[query_bias]),
                .key_value_bias = data(key_value_bias),
                .output_bias = data(p[output_bias]),
                .inner_bias = data(p[inner_bias]),
                .outer_bias = data(p[outer_bias]),
                .norm1_weight = data(p[norm1_weight]),
                .norm1_bias = data(p[norm1_bias]),
                .norm2_weight = data(p[norm2_weight]),
                .norm2_bias = data(p[norm2_bias])};
    }

    at::Tensor query, key_value, output, inner, outer, key_value_bias;
    bool bfloat16;

  private:
    at::Tensor pack(const at::Tensor &weight, int64_t columns, int64_t length, bool forward) const {
        at::Tensor packed = words(k::table().packed_words(bfloat16, columns, length));
        k::table().pack(bfloat16, forward, data(weight), columns, length, word_data(packed));
        return packed;
    }
};

namespace {

// The tensors that a layer's forward pass keeps for its backward pass.
struct PackedLayerState : torch::CustomClassHolder {
    ct_layer_options options;
    at::Tensor offsets, query, key_value, context, normalized1, normalized2, deviation1, deviation2, log_sum, inner;
    at::Tensor attention_bits, bits1, bits2;
    bool used = false;

    PackedLayerState(const ct_layer_options &o, at::Tensor starts, bool training) : options(o), offsets(std::move(starts)) {
        allocate(training);
    }

    void allocate(bool training) {
        const ct_layer_options &o = options;
        k::Sequences s = sequences(offsets);
        int64_t tokens = s.tokens(), queries = o.first_only ? s.count : tokens, h = o.hidden;
        query = elements(o.bfloat16, {queries, h});
        key_value = elements(o.bfloat16, {tokens, 2 * h});
        context = elements(o.bfloat16, {queries, h});
        if (!training) return;
        normalized1 = floats({queries, h});
        normalized2 = floats({queries, h});
        deviation1 = floats({queries});
        deviation2 = floats({queries});
        log_sum = floats({o.heads, queries});
        inner = elements(o.bfloat16, {queries, o.intermediate});
        if (o.attention_dropout > 0) {
            int64_t count = 0;
            for (int64_t i = 0; i < s.count; ++i) {
                int64_t length = s.offsets[i + 1] - s.offsets[i];
                count += k::attention_words(o.first_only ? 1 : length, length);
            }
            attention_bits = at::empty({count * o.heads}, at::kShort);
        }
        if (o.hidden_dropout > 0) bits1 = at::empty({queries * k::mask_stride(h)}, at::kShort);
        if (o.output_dropout > 0) bits2 = at::empty({queries * k::mask_stride(h)}, at::kShort);
    }

    // Frees what the backward pass will compute again.
    void forget() {
        for (at::Tensor *part : {&query, &key_value, &context, &normalized1, &normalized2, &deviation1, &deviation2, &log_sum, &inner,
                                 &attention_bits, &bits1, &bits2})
            part->reset();
    }

    k::LayerMemory memory() const {
        return {.query = query.mutable_data_ptr(),
                .key_value = key_value.mutable_data_ptr(),
                .context = context.mutable_data_ptr(),
                .normalized1 = optional_data(normalized1),
                .normalized2 = optional_data(normalized2),
                .deviation1 = optional_data(deviation1),
                .deviation2 = optional_data(deviation2),
                .log_sum = optional_data(log_sum),
                .inner = inner.defined() ? inner.mutable_data_ptr() : nullptr,
                .attention_bits = optional_bits(attention_bits),
                .bits1 = optional_bits(bits1),
                .bits2 = optional_bits(bits2)};
    }

    k::Mask attention_mask() const {
        return kernel_mask(options.attention_dropout, options.seed, options.offset, options.attention_blocks_before);
    }
    k::Mask mask1() const {
        return kernel_mask(options.hidden_dropout, options.seed, options.offset + 1, options.rows_before);
    }
    k::Mask mask2() const {
        return kernel_mask(options.output_dropout, options.seed, options.offset + 2, options.rows_before);
    }
};

at::Tensor forward(const at::Tensor &input, const std::vector<at::Tensor> &p, const ct_packed_layer_s &packed,
                   const PackedLayerState &state, bool training, const k::RelativePositions &positions = {}) {
    k::Shape shape = kernel_shape(state.options);
    k::Sequences s = sequences(state.offsets);
    at::Tensor output = floats({shape.first_only ? s.count : s.tokens(), shape.hidden});
    k::table().layer_forward(state.options.bfloat16, {.shape = shape,
                                                  .sequences = s,
                                                  .weights = packed.weights(p),
                                                  .memory = state.memory(),
                                                  .attention_mask = training ? state.attention_mask() : k::Mask{},
                                                  .mask1 = training ? state.mask1() : k::Mask{},
                                                  .mask2 = training ? state.mask2() : k::Mask{},
                                                  .training = training,
                                                  .input = data(input),
                                                  .output = mutable_data(output),
                                                  .positions = positions});
    return output;
}

struct PackedLayer : torch::autograd::Function<PackedLayer> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &input,
                              at::TensorList list, const at::Tensor &offsets, const ct_layer_options &options) {
        std::vector<at::Tensor> parameters = list.vec();
        auto state = c10::make_intrusive<PackedLayerState>(options, offsets, true);
        ct_packed_layer_s packed(parameters, options, true);
        at::Tensor output = ::forward(input, parameters, packed, *state, true);
        if (options.recompute) state->forget();
        std::vector<at::Tensor> saved = parameters;
        saved.push_back(input);
        context->save_for_backward(saved);
        context->saved_data["state"] = c10::IValue::make_capsule(state);
        return output;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list output_gradients) {
        auto capsule = context->saved_data["state"].toCapsule();
        auto &state = static_cast<PackedLayerState &>(*capsule);
        TORCH_CHECK(!state.used, "backward was called twice on the same graph; run the forward pass again");
        state.used = true;
        std::vector<at::Tensor> p = context->get_saved_variables();
        at::Tensor input = p.back();
        p.pop_back();
        const ct_layer_options &o = state.options;
        int64_t h = o.hidden;
        if (o.recompute) {
            state.allocate(true);
            ::forward(input, p, ct_packed_layer_s(p, o, true), state, true);
        }
        at::Tensor output_gradient = output_gradients[0].contiguous();
        ct_packed_layer_s back(p, o, false);
        at::Tensor key_value = floats({2 * h, h}), key_value_bias = floats({2 * h});
        std::vector<at::Tensor> gradients(layer_parameters);
        for (int index = 0; index < layer_parameters; ++index)
            if (index < key_weight || index > value_bias) gradients[index] = at::empty_like(p[index]);
        gradients[key_weight] = key_value.narrow(0, 0, h);
        gradients[value_weight] = key_value.narrow(0, h, h);
        gradients[key_bias] = key_value_bias.narrow(0, 0, h);
        gradients[value_bias] = key_value_bias.narrow(0, h, h);
        at::Tensor input_gradient = at::empty_like(input);
        auto to = [&](LayerParameter index) { return mutable_data(gradients[index]); };
        k::training().layer_backward(o.bfloat16, {.shape = kernel_shape(o),
                                           .sequences = sequences(state.offsets),
                                           .weights = back.weights(p),
                                           .back = {.query = word_data(back.query),
                                                    .key_value = word_data(back.key_value),
                                                    .output = word_data(back.output),
                                                    .inner = word_data(back.inner),
                                                    .outer = word_data(back.outer)},
                                           .memory = state.memory(),
                                           .attention_mask = state.attention_mask(),
                                           .mask1 = state.mask1(),
                                           .mask2 = state.mask2(),
                                           .input = data(input),
                                           .output_gradient = data(output_gradient),
                                           .input_gradient = mutable_data(input_gradient),
                                           .gradients = {.query = to(query_weight),
                                                         .key_value = mutable_data(key_value),
                                                         .output = to(output_weight),
                                                         .inner = to(inner_weight),
                                                         .outer = to(outer_weight),
                                                         .query_bias = to(query_bias),
                                                         .key_value_bias = mutable_data(key_value_bias),
                                                         .output_bias = to(output_bias),
                                                         .inner_bias = to(inner_bias),
                                                         .outer_bias = to(outer_bias),
                                                         .norm1_weight = to(norm1_weight),
                                                         .norm1_bias = to(norm1_bias),
                                                         .norm2_weight = to(norm2_weight),
                                                         .norm2_bias = to(norm2_bias)}});
        // A bias of the keys shifts all scores of a query alike, which softmax does not see: the sum is rounding alone, and AdamW
        // would make whole steps of it.
        gradients[key_bias].zero_();
        context->saved_data.clear();
        torch::autograd::variable_list result{input_gradient};
        result.insert(result.end(), gradients.begin(), gradients.end());
        result.resize(result.size() + 2);
        return result;
    }
};

}  // namespace

ct_error ct_pack_layer(const ct_tensor *parameters, ct_layer_options options, ct_packed_layer *out) {
    return guard("pack_layer", {parameters[0]}, [&] {
        *out = new ct_packed_layer_s(list(parameters, layer_parameters), options, true);
    });
}

void ct_packed_layer_free(ct_packed_layer layer) { delete layer; }

ct_error ct_encoder_layer(ct_tensor input, ct_tensor offsets, const ct_tensor *parameters, ct_layer_options options,
                          ct_packed_layer packed, ct_tensor position_bias, ct_tensor *out) {
    return guard("encoder_layer", {input, offsets}, [&] {
        std::vector<at::Tensor> p = list(parameters, layer_parameters);
        const at::Tensor &x = input->value;
        check_layer(x, offsets->value, p, options);
        std::vector<at::Tensor> all = p;
        all.push_back(x);
        if (any_requires_grad(all)) {
            TORCH_CHECK(!position_bias, "a layer with a position bias has no backward pass; compute it without gradients");
            *out = wrap(PackedLayer::apply(x, at::TensorList(p), offsets->value, options));
            return;
        }
        at::NoGradGuard no_grad;
        options.hidden_dropout = options.output_dropout = options.attention_dropout = 0;
        PackedLayerState state(options, offsets->value, false);
        k::RelativePositions positions = relative_positions(position_bias, options, offsets->value);
        if (packed && packed->bfloat16 == options.bfloat16) {
            *out = wrap(forward(x, p, *packed, state, false, positions));
        } else {
            *out = wrap(forward(x, p, ct_packed_layer_s(p, options, true), state, false, positions));
        }
    });
}

int64_t ct_attention_mask_blocks(int64_t queries, int64_t length) { return k::attention_words(queries, length) / 8; }
