// A decoder's layer on packed sequences by the kernels, with or without kept keys and values: connects it to tensors and to autograd.

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include "attention_cache.h"

using namespace ctorch;
namespace k = ctorch::kernels;

namespace {

// The parameters in the order of the C interface, undefined where there are none.
using DecoderParameters = std::vector<at::Tensor>;

const float *parameter_data(const DecoderParameters &p, int index) {
    const at::Tensor &tensor = p[static_cast<size_t>(index)];
    return tensor.defined() ? data(tensor) : nullptr;
}

k::DecoderShape decoder_shape(const ct_decoder_layer_options &o, const DecoderParameters &p, const at::Tensor &cosine, const at::Tensor &sine) {
    const at::Tensor &down = p[CT_DECODER_LAYER_DOWN];
    auto epsilon = static_cast<float>(o.epsilon), offset = static_cast<float>(o.norm_offset);
    return {.attention = {.heads = o.heads, .key_value_heads = o.key_value_heads, .width = o.head_width, .scale = static_cast<float>(o.scale),
                          .window = o.window, .cosine = cosine.defined() ? data(cosine) : nullptr,
                          .sine = sine.defined() ? data(sine) : nullptr, .query_norm = parameter_data(p, CT_DECODER_LAYER_QUERY_NORM),
                          .key_norm = parameter_data(p, CT_DECODER_LAYER_KEY_NORM), .norm_epsilon = epsilon, .norm_offset = offset},
            .hidden = down.size(0), .intermediate = down.size(1), .activation = static_cast<k::Activation>(o.activation), .epsilon = epsilon,
            .offset = offset};
}

// The kernels' weights from packed right operands of the linear layers.
k::DecoderWeights decoder_weights(const DecoderParameters &p, const std::vector<at::Tensor> &packed) {
    auto linear = [&](int index) {
        return k::DecoderLinear{{packed.empty() ? nullptr : word_data(packed[static_cast<size_t>(index)])},
                                parameter_data(p, CT_DECODER_LAYER_BIASES + index)};
    };
    return {.query = linear(CT_DECODER_LAYER_QUERY), .key = linear(CT_DECODER_LAYER_KEY), .value = linear(CT_DECODER_LAYER_VALUE),
            .output = linear(CT_DECODER_LAYER_OUTPUT), .gate = linear(CT_DECODER_LAYER_GATE), .up = linear(CT_DECODER_LAYER_UP),
            .down = linear(CT_DECODER_LAYER_DOWN), .input_norm = parameter_data(p, CT_DECODER_LAYER_INPUT_NORM),
            .attention_norm = parameter_data(p, CT_DECODER_LAYER_ATTENTION_NORM), .inner_norm = parameter_data(p, CT_DECODER_LAYER_INNER_NORM),
            .outer_norm = parameter_data(p, CT_DECODER_LAYER_OUTER_NORM)};
}

// Packs the weights for the forward pass, or for the backward pass.
std::vector<at::Tensor> packed_linears(const DecoderParameters &p, bool bfloat16, bool forward) {
    std::vector<at::Tensor> all;
    for (size_t i = 0; i < CT_DECODER_LAYER_LINEARS; ++i) {
        int64_t outputs = p[i].size(0), inputs = p[i].size(1);
        all.push_back(packed(p[i], bfloat16, forward, forward ? outputs : inputs, forward ? inputs : outputs));
    }
    return all;
}

// What a layer's forward pass leaves: for its backward pass, or only what lies between its parts.
struct DecoderLayerState : torch::CustomClassHolder {
    ct_decoder_layer_options options;
    at::Tensor offsets, cosine, sine, query, key, value, context, log_sum, middle, gate, up, attended, fed;
    bool used = false;

    DecoderLayerState(const ct_decoder_layer_options &o, const DecoderParameters &p, int64_t tokens, bool training) : options(o) {
        allocate(p, tokens, training);
    }

    void allocate(const DecoderParameters &p, int64_t tokens, bool training) {
        const ct_decoder_layer_options &o = options;
        auto elements = [&](int64_t width) { return at::empty({tokens, width}, o.bfloat16 ? at::kBFloat16 : at::kFloat); };
        int64_t hidden = p[CT_DECODER_LAYER_DOWN].size(0), inner = p[CT_DECODER_LAYER_DOWN].size(1);
        query = elements(o.heads * o.head_width);
        key = elements(o.key_value_heads * o.head_width);
        value = elements(o.key_value_heads * o.head_width);
        context = elements(o.heads * o.head_width);
        if (!training) return;
        log_sum = floats({o.heads, tokens});
        middle = floats({tokens, hidden});
        gate = elements(inner);
        up = elements(inner);
        if (p[CT_DECODER_LAYER_ATTENTION_NORM].defined()) attended = elements(hidden);
        if (p[CT_DECODER_LAYER_OUTER_NORM].defined()) fed = elements(hidden);
    }

    // Frees what the backward pass will compute again.
    void forget() {
        for (at::Tensor *part : {&query, &key, &value, &context, &log_sum, &middle, &gate, &up, &attended, &fed}) part->reset();
    }

    k::DecoderMemory memory() const {
        auto part = [](const at::Tensor &tensor) { return tensor.defined() ? tensor.mutable_data_ptr() : nullptr; };
        return {.query = part(query), .key = part(key), .value = part(value), .context = part(context), .log_sum = optional_data(log_sum),
                .middle = optional_data(middle), .gate = part(gate), .up = part(up), .attended = part(attended), .fed = part(fed)};
    }
};

at::Tensor run_decoder_layer(const at::Tensor &input, const DecoderParameters &p, const std::vector<at::Tensor> &packed,
                             const DecoderLayerState &state, const std::vector<k::CachedText> &texts) {
    at::Tensor output = at::empty_like(input);
    k::table().decoder_forward(state.options.bfloat16, {.shape = decoder_shape(state.options, p, state.cosine, state.sine),
                                                        .sequences = sequences(state.offsets),
                                                        .weights = decoder_weights(p, packed),
                                                        .memory = state.memory(),
                                                        .texts = texts.empty() ? nullptr : texts.data(),
                                                        .input = data(input),
                                                        .output = mutable_data(output)});
    return output;
}

struct DecoderLayerNode : torch::autograd::Function<DecoderLayerNode> {
    // `list`: the parameters that there are; `places`: where they belong.
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &input, at::TensorList list,
                              std::vector<int64_t> places, c10::intrusive_ptr<DecoderLayerState> state) {
        std::vector<at::Tensor> saved = list.vec();
        DecoderParameters p = placed(saved, places);
        at::Tensor output = run_decoder_layer(input, p, packed_linears(p, state->options.bfloat16, true), *state, {});
        if (state->options.recompute) state->forget();
        saved.push_back(input);
        context->save_for_backward(saved);
        context->saved_data["state"] = c10::IValue::make_capsule(state);
        context->saved_data["places"] = places;
        return output;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list output_gradients) {
        auto capsule = context->saved_data["state"].toCapsule();
        auto &state = static_cast<DecoderLayerState &>(*capsule);
        TORCH_CHECK(!state.used, "backward was called twice on the same graph; run the forward pass again");
        state.used = true;
        std::vector<int64_t> places = context->saved_data["places"].toIntVector();
        std::vector<at::Tensor> saved = context->get_saved_variables();
        at::Tensor input = saved.back(), output_gradient = output_gradients[0].contiguous(), input_gradient = at::empty_like(input);
        saved.pop_back();
        DecoderParameters p = placed(saved, places), gradients(p.size());
        if (state.options.recompute) {
            state.allocate(p, input.size(0), true);
            run_decoder_layer(input, p, packed_linears(p, state.options.bfloat16, true), state, {});
        }
        for (size_t i = 0; i < places.size(); ++i)
            if (context->needs_input_grad(i + 1)) gradients[static_cast<size_t>(places[i])] = at::empty_like(saved[i]);
        std::vector<at::Tensor> back = packed_linears(p, state.options.bfloat16, false);
        auto right = [&](int index) { return word_data(back[static_cast<size_t>(index)]); };
        k::training().decoder_backward(state.options.bfloat16,
                                       {.shape = decoder_shape(state.options, p, state.cosine, state.sine),
                                        .sequences = sequences(state.offsets),
                                        .weights = decoder_weights(p, {}),
                                        .back = {.query = right(CT_DECODER_LAYER_QUERY), .key = right(CT_DECODER_LAYER_KEY),
                                                 .value = right(CT_DECODER_LAYER_VALUE), .output = right(CT_DECODER_LAYER_OUTPUT),
                                                 .gate = right(CT_DECODER_LAYER_GATE), .up = right(CT_DECODER_LAYER_UP),
                                                 .down = right(CT_DECODER_LAYER_DOWN)},
                                        .memory = state.memory(),
                                        .input = data(input),
                                        .output_gradient = data(output_gradient),
                                        .input_gradient = mutable_data(input_gradient),
                                        .gradients = wanted(gradients)});
        context->saved_data.clear();
        torch::autograd::variable_list result{input_gradient};
        for (int64_t place : places) result.push_back(gradients[static_cast<size_t>(place)]);
        result.resize(result.size() + 2);
        return result;
    }

  private:
    static DecoderParameters placed(const std::vector<at::Tensor> &list, const std::vector<int64_t> &places) {
        DecoderParameters all(CT_DECODER_LAYER_PARAMETERS);
        for (size_t i = 0; i < places.size(); ++i) all[static_cast<size_t>(places[i])] = list[i];
        return all;
    }

    static k::DecoderGradients wanted(const DecoderParameters &gradients) {
        auto to = [&](int index) { return optional_data(gradients[static_cast<size_t>(index)]); };
        auto bias = [&](int index) { return to(CT_DECODER_LAYER_BIASES + index); };
        return {.query = to(CT_DECODER_LAYER_QUERY), .key = to(CT_DECODER_LAYER_KEY), .value = to(CT_DECODER_LAYER_VALUE),
                .output = to(CT_DECODER_LAYER_OUTPUT), .gate = to(CT_DECODER_LAYER_GATE), .up = to(CT_DECODER_LAYER_UP),
                .down = to(CT_DECODER_LAYER_DOWN), .query_bias = bias(CT_DECODER_LAYER_QUERY), .key_bias = bias(CT_DECODER_LAYER_KEY),
                .value_bias = bias(CT_DECODER_LAYER_VALUE), .output_bias = bias(CT_DECODER_LAYER_OUTPUT),
                .gate_bias = bias(CT_DECODER_LAYER_GATE), .up_bias = bias(CT_DECODER_LAYER_UP), .down_bias = bias(CT_DECODER_LAYER_DOWN),
                .input_norm = to(CT_DECODER_LAYER_INPUT_NORM), .attention_norm = to(CT_DECODER_LAYER_ATTENTION_NORM),
                .inner_norm = to(CT_DECODER_LAYER_INNER_NORM), .outer_norm = to(CT_DECODER_LAYER_OUTER_NORM),
                .query_norm = to(CT_DECODER_LAYER_QUERY_NORM), .key_norm = to(CT_DECODER_LAYER_KEY_NORM)};
    }
};

void check_decoder_layer(const at::Tensor &x, const DecoderParameters &p, const ct_decoder_layer_options &o) {
    TORCH_CHECK(o.heads > 0 && o.key_value_heads > 0 && o.heads % o.key_value_heads == 0 && o.head_width > 0, "the ", o.heads,
                " heads must be a multiple of ", o.key_value_heads);
    TORCH_CHECK(o.activation >= 0 && o.activation <= CT_LAYER_SILU, "unknown activation ", o.activation);
    TORCH_CHECK(p[CT_DECODER_LAYER_DOWN].defined() && p[CT_DECODER_LAYER_DOWN].dim() == 2 && x.dim() == 2,
                "the input must have the shape (tokens, hidden size), the last weight (hidden size, intermediate size)");
    int64_t hidden = p[CT_DECODER_LAYER_DOWN].size(0), inner = p[CT_DECODER_LAYER_DOWN].size(1), queries = o.heads * o.head_width,
            keys = o.key_value_heads * o.head_width;
    check_float(x, {x.size(0), hidden}, "the input");
    const int64_t outputs[] = {queries, keys, keys, hidden, inner, inner, hidden}, inputs[] = {hidden, hidden, hidden, queries, hidden, hidden, inner};
    for (int i = 0; i < CT_DECODER_LAYER_LINEARS; ++i) {
        const at::Tensor &weight = p[static_cast<size_t>(i)], &bias = p[static_cast<size_t>(CT_DECODER_LAYER_BIASES + i)];
        TORCH_CHECK(weight.defined(), "weight ", i, " is missing");
        check_float(weight, {outputs[i], inputs[i]}, "a weight");
        if (bias.defined()) check_float(bias, {outputs[i]}, "a bias");
    }
    for (int i = CT_DECODER_LAYER_INPUT_NORM; i < CT_DECODER_LAYER_PARAMETERS; ++i) {
        const at::Tensor &norm = p[static_cast<size_t>(i)];
        TORCH_CHECK(norm.defined() || i > CT_DECODER_LAYER_INNER_NORM, "a norm of the layer's inputs is missing");
        if (norm.defined()) check_float(norm, {i < CT_DECODER_LAYER_QUERY_NORM ? hidden : o.head_width}, "a norm's weight");
    }
}

void check_rotary_tables(ct_tensor cosine, ct_tensor sine, int64_t width, int64_t longest) {
    TORCH_CHECK(!cosine == !sine, "cosines and sines belong together");
    if (!cosine) return;
    const at::Tensor &c = cosine->value;
    check_float(c, {c.size(0), width / 2}, "the cosines");
    check_float(sine->value, c.sizes(), "the sines");
    TORCH_CHECK(width % 2 == 0 && c.size(0) >= longest, "the rotary tables are too small");
}

void check_caches(const at::Tensor &offsets, const ct_attention_cache *caches, const ct_decoder_layer_options &o) {
    for (int64_t i = 0; i + 1 < offsets.numel(); ++i)
        TORCH_CHECK(caches[i]->heads == o.key_value_heads && caches[i]->width == o.head_width && caches[i]->bfloat16 == o.bfloat16, "the cache of text ",
                    i, " is of another model or type");
}

int64_t longest_of(const at::Tensor &offsets) {
    k::Sequences s = sequences(offsets);
    int64_t longest = 0;
    for (int64_t i = 0; i < s.count; ++i) longest = std::max(longest, s.offsets[i + 1] - s.offsets[i]);
    return longest;
}

}  // namespace

ct_error ct_decoder_layer(ct_tensor input, ct_tensor offsets, const ct_tensor *parameters, ct_decoder_layer_options options,
                          ct_tensor cosine, ct_tensor sine, ct_packed_weight *kept, const ct_attention_cache *caches,
                          const int64_t *past, ct_tensor *out) {
    return guard("decoder_layer", {input, offsets}, [&] {
        const at::Tensor &x = input->value;
        DecoderParameters p(CT_DECODER_LAYER_PARAMETERS);
        std::vector<at::Tensor> list;
        std::vector<int64_t> places;
        for (size_t i = 0; i < p.size(); ++i) {
            if (!parameters[i]) continue;
            p[i] = parameters[i]->value;
            list.push_back(p[i]);
            places.push_back(static_cast<int64_t>(i));
        }
        check_decoder_layer(x, p, options);
        check_offsets(offsets->value, x.size(0));
        std::vector<at::Tensor> all = list;
        all.push_back(x);
        bool training = any_requires_grad(all);
        TORCH_CHECK(!training || !caches, "kept keys and values have no gradient; compute where gradients are not recorded");
        std::vector<k::CachedText> texts;
        if (caches) check_caches(offsets->value, caches, options);
        int64_t longest = caches ? make_room(offsets->value, caches, past, texts) : longest_of(offsets->value);
        check_rotary_tables(cosine, sine, options.head_width, longest);
        auto state = c10::make_intrusive<DecoderLayerState>(options, p, x.size(0), training);
        state->offsets = offsets->value;
        if (cosine) state->cosine = cosine->value, state->sine = sine->value;
        if (training) {
            *out = wrap(DecoderLayerNode::apply(x, at::TensorList(list), places, state));
            return;
        }
        at::NoGradGuard no_grad;
        std::vector<at::Tensor> packed;
        for (size_t i = 0; i < CT_DECODER_LAYER_LINEARS; ++i) packed.push_back(kept_packed(p[i], options.bfloat16, false, kept + i));
        *out = wrap(run_decoder_layer(x, p, packed, *state, texts));
    });
}
