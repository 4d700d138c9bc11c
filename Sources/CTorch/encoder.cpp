// Transformer encoders on packed sequences: the examples' tokens stand one after another, without padding. Ties the
// kernels to tensors and to automatic differentiation.

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include "internal.h"
#include "kernels/parallel.h"
#include "kernels/table.h"

using namespace ctorch;
namespace k = ctorch::kernels;

namespace {

// As a layer's parameters are given.
enum Parameter {
    query_weight, query_bias, key_weight, key_bias, value_weight, value_bias, output_weight, output_bias,
    norm1_weight, norm1_bias, inner_weight, inner_bias, outer_weight, outer_bias, norm2_weight, norm2_bias,
    parameter_count,
};

const float *data(const at::Tensor &tensor) { return ctorch::const_data<float>(tensor); }
float *mutable_data(const at::Tensor &tensor) { return tensor.mutable_data_ptr<float>(); }

at::Tensor floats(std::initializer_list<int64_t> shape) { return at::empty(shape, at::kFloat); }
at::Tensor elements(bool half, std::initializer_list<int64_t> shape) {
    return at::empty(shape, half ? at::kBFloat16 : at::kFloat);
}
at::Tensor words(int64_t count) { return at::empty({count}, at::kInt); }
uint32_t *word_data(const at::Tensor &tensor) { return static_cast<uint32_t *>(tensor.mutable_data_ptr()); }

k::Mask mask(double probability, uint64_t seed, uint64_t offset) {
    auto threshold = static_cast<uint32_t>(std::lround(probability * 65536.0));
    float scale = threshold >= 65536 ? 0.0f : static_cast<float>(65536.0 / (65536.0 - threshold));
    return {seed, offset, std::min<uint32_t>(threshold, 65535), scale};
}

k::Shape shape(const ct_layer_options &options) {
    return {options.hidden, options.intermediate, options.heads, static_cast<k::Activation>(options.activation),
            static_cast<float>(options.epsilon), options.first_only};
}

k::Sequences sequences(const at::Tensor &offsets) { return {ctorch::const_data<int64_t>(offsets), offsets.numel() - 1}; }

void check_offsets(const at::Tensor &offsets, int64_t tokens) {
    TORCH_CHECK(offsets.is_cpu() && offsets.scalar_type() == at::kLong && offsets.dim() == 1 && offsets.is_contiguous() &&
                    offsets.numel() >= 2,
                "the offsets must be a vector of at least two int64 on the CPU");
    const int64_t *at = ctorch::const_data<int64_t>(offsets);
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

void check_layer(const at::Tensor &input, const at::Tensor &offsets, const std::vector<at::Tensor> &p,
                 const ct_layer_options &o) {
    TORCH_CHECK(o.hidden > 0 && o.intermediate > 0 && o.heads > 0 && o.hidden % o.heads == 0,
                "the hidden size ", o.hidden, " must be a multiple of the ", o.heads, " heads");
    TORCH_CHECK(o.activation >= 0 && o.activation <= CT_LAYER_SILU, "unknown activation ", o.activation);
    TORCH_CHECK(input.dim() == 2, "the input must have the shape (tokens, hidden size)");
    check_float(input, {input.size(0), o.hidden}, "the input");
    check_offsets(offsets, input.size(0));
    int64_t h = o.hidden, i = o.intermediate;
    for (int place = 0; place < parameter_count; ++place) {
        switch (place) {
        case query_weight: case key_weight: case value_weight: case output_weight: check_float(p[place], {h, h}, "a weight"); break;
        case inner_weight: check_float(p[place], {i, h}, "the intermediate weight"); break;
        case outer_weight: check_float(p[place], {h, i}, "the output weight"); break;
        case inner_bias: check_float(p[place], {i}, "the intermediate bias"); break;
        default: check_float(p[place], {h}, "a bias or norm");
        }
    }
}

}  // namespace

// A layer's weights as right operands, with what must live as long.
struct ct_packed_layer_s {
    ct_packed_layer_s(const std::vector<at::Tensor> &p, const ct_layer_options &o, bool forward) : half(o.half) {
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
        return {word_data(query), word_data(key_value), word_data(output), word_data(inner), word_data(outer),
                data(p[query_bias]), data(key_value_bias), data(p[output_bias]), data(p[inner_bias]), data(p[outer_bias]),
                data(p[norm1_weight]), data(p[norm1_bias]), data(p[norm2_weight]), data(p[norm2_bias])};
    }

    at::Tensor query, key_value, output, inner, outer, key_value_bias;
    bool half;

  private:
    at::Tensor pack(const at::Tensor &weight, int64_t columns, int64_t length, bool forward) const {
        at::Tensor packed = words(k::table().packed_words(half, columns, length));
        k::table().pack(half, forward, data(weight), columns, length, word_data(packed));
        return packed;
    }
};

namespace {

// What a layer's forward pass leaves for its way back.
struct LayerState : torch::CustomClassHolder {
    ct_layer_options options;
    at::Tensor offsets, query, key_value, context, normalized1, normalized2, deviation1, deviation2, log_sum, inner;
    at::Tensor attention_bits, bits1, bits2;
    bool used = false;

    LayerState(const ct_layer_options &o, at::Tensor starts, bool training) : options(o), offsets(std::move(starts)) {
        k::Sequences s = sequences(offsets);
        int64_t tokens = s.tokens(), queries = o.first_only ? s.count : tokens, h = o.hidden;
        query = elements(o.half, {queries, h});
        key_value = elements(o.half, {tokens, 2 * h});
        context = elements(o.half, {queries, h});
        if (!training) return;
        normalized1 = floats({queries, h});
        normalized2 = floats({queries, h});
        deviation1 = floats({queries});
        deviation2 = floats({queries});
        log_sum = floats({o.heads, queries});
        inner = elements(o.half, {queries, o.intermediate});
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

    k::LayerMemory memory() const {
        auto floats = [](const at::Tensor &t) { return t.defined() ? mutable_data(t) : nullptr; };
        auto bits = [](const at::Tensor &t) { return t.defined() ? static_cast<uint16_t *>(t.mutable_data_ptr()) : nullptr; };
        return {query.mutable_data_ptr(), key_value.mutable_data_ptr(), context.mutable_data_ptr(),
                floats(normalized1), floats(normalized2), floats(deviation1), floats(deviation2), floats(log_sum),
                inner.defined() ? inner.mutable_data_ptr() : nullptr, bits(attention_bits), bits(bits1), bits(bits2)};
    }

    k::Mask attention_mask() const { return mask(options.attention_dropout, options.seed, options.offset); }
    k::Mask mask1() const { return mask(options.hidden_dropout, options.seed, options.offset + 1); }
    k::Mask mask2() const { return mask(options.output_dropout, options.seed, options.offset + 2); }
};

at::Tensor forward(const at::Tensor &input, const std::vector<at::Tensor> &p, const ct_packed_layer_s &packed,
                   const LayerState &state, bool training) {
    k::Shape shape = ::shape(state.options);
    k::Sequences s = sequences(state.offsets);
    at::Tensor output = floats({shape.first_only ? s.count : s.tokens(), shape.hidden});
    k::LayerForward call{shape, s, packed.weights(p), state.memory(), {}, {}, {}, training, data(input), mutable_data(output)};
    if (training) {
        call.attention_mask = state.attention_mask();
        call.mask1 = state.mask1();
        call.mask2 = state.mask2();
    }
    k::table().layer_forward(state.options.half, call);
    return output;
}

struct Layer : torch::autograd::Function<Layer> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &input,
                              at::TensorList list, const at::Tensor &offsets, const ct_layer_options &options) {
        std::vector<at::Tensor> parameters = list.vec();
        auto state = c10::make_intrusive<LayerState>(options, offsets, true);
        ct_packed_layer_s packed(parameters, options, true);
        at::Tensor output = ::forward(input, parameters, packed, *state, true);
        std::vector<at::Tensor> saved = parameters;
        saved.push_back(input);
        context->save_for_backward(saved);
        context->saved_data["state"] = c10::IValue::make_capsule(state);
        return output;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list slopes) {
        auto capsule = context->saved_data["state"].toCapsule();
        auto &state = static_cast<LayerState &>(*capsule);
        TORCH_CHECK(!state.used, "backward was called twice on the same graph; run the forward pass again");
        state.used = true;
        std::vector<at::Tensor> p = context->get_saved_variables();
        at::Tensor input = p.back();
        p.pop_back();
        const ct_layer_options &o = state.options;
        int64_t h = o.hidden;
        at::Tensor slope = slopes[0].contiguous();
        ct_packed_layer_s back(p, o, false);
        at::Tensor key_value = floats({2 * h, h}), key_value_bias = floats({2 * h});
        std::vector<at::Tensor> gradients(parameter_count);
        for (int place = 0; place < parameter_count; ++place)
            if (place < key_weight || place > value_bias) gradients[place] = at::empty_like(p[place]);
        gradients[key_weight] = key_value.narrow(0, 0, h);
        gradients[value_weight] = key_value.narrow(0, h, h);
        gradients[key_bias] = key_value_bias.narrow(0, 0, h);
        gradients[value_bias] = key_value_bias.narrow(0, h, h);
        at::Tensor input_slope = at::empty_like(input);
        auto to = [&](Parameter place) { return mutable_data(gradients[place]); };
        k::LayerBackward call{
            ::shape(o), sequences(state.offsets), {}, 
            {word_data(back.query), word_data(back.key_value), word_data(back.output), word_data(back.inner), word_data(back.outer)},
            state.memory(), state.attention_mask(), state.mask1(), state.mask2(), data(input), data(slope),
            mutable_data(input_slope),
            {to(query_weight), mutable_data(key_value), to(output_weight), to(inner_weight), to(outer_weight),
             to(query_bias), mutable_data(key_value_bias), to(output_bias), to(inner_bias), to(outer_bias),
             to(norm1_weight), to(norm1_bias), to(norm2_weight), to(norm2_bias)}};
        call.weights = back.weights(p);
        k::table().layer_backward(o.half, call);
        context->saved_data.clear();
        torch::autograd::variable_list result{input_slope};
        result.insert(result.end(), gradients.begin(), gradients.end());
        result.resize(result.size() + 2);
        return result;
    }
};

// MARK: Embeddings

enum Table { word_table, position_table, type_table, norm_weight, norm_bias, table_count };

struct EmbeddingsState : torch::CustomClassHolder {
    at::Tensor offsets, ids, types, normalized, deviation, bits;
    k::Mask mask;
    double epsilon;
    int64_t padding;
};

k::Embeddings tables(const std::vector<at::Tensor> &p, double epsilon) {
    return {data(p[word_table]), data(p[position_table]), data(p[type_table]), data(p[norm_weight]), data(p[norm_bias]),
            static_cast<float>(epsilon), p[word_table].size(1)};
}

const int32_t *optional_ids(const at::Tensor &tensor) { return tensor.defined() ? ctorch::const_data<int32_t>(tensor) : nullptr; }

void check_ids(const at::Tensor &ids, int64_t rows, const char *what) {
    TORCH_CHECK(ids.is_cpu() && ids.scalar_type() == at::kInt && ids.dim() == 1 && ids.is_contiguous(), what,
                " must be a vector of int32 on the CPU");
    const int32_t *values = ctorch::const_data<int32_t>(ids);
    for (int64_t t = 0; t < ids.numel(); ++t)
        TORCH_CHECK_INDEX(values[t] >= 0 && values[t] < rows, what, ": index out of range: token ", t, " has ", values[t],
                          ", the table has ", rows, " rows");
}

at::Tensor embed(const std::vector<at::Tensor> &p, EmbeddingsState &state, bool training) {
    k::Sequences s = sequences(state.offsets);
    int64_t hidden = p[word_table].size(1);
    at::Tensor output = floats({s.tokens(), hidden});
    if (training) {
        state.normalized = floats({s.tokens(), hidden});
        state.deviation = floats({s.tokens()});
        if (state.mask.on()) state.bits = at::empty({s.tokens() * k::mask_stride(hidden)}, at::kShort);
    }
    k::table().embeddings_forward({tables(p, state.epsilon), s, ctorch::const_data<int32_t>(state.ids), optional_ids(state.types),
                                   state.mask, mutable_data(output), training ? mutable_data(state.normalized) : nullptr,
                                   training ? mutable_data(state.deviation) : nullptr,
                                   state.bits.defined() ? static_cast<uint16_t *>(state.bits.mutable_data_ptr()) : nullptr});
    return output;
}

struct PackedEmbeddings : torch::autograd::Function<PackedEmbeddings> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, at::TensorList list,
                              c10::intrusive_ptr<EmbeddingsState> state) {
        std::vector<at::Tensor> parameters = list.vec();
        at::Tensor output = embed(parameters, *state, true);
        context->save_for_backward(parameters);
        context->saved_data["state"] = c10::IValue::make_capsule(state);
        return output;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list slopes) {
        auto capsule = context->saved_data["state"].toCapsule();
        auto &state = static_cast<EmbeddingsState &>(*capsule);
        std::vector<at::Tensor> p = context->get_saved_variables();
        int64_t hidden = p[word_table].size(1);
        at::Tensor slope = slopes[0].contiguous();

        // Tokens by id, without those of padding, whose row is never trained.
        const int32_t *ids = ctorch::const_data<int32_t>(state.ids);
        std::vector<int32_t> order;
        order.reserve(static_cast<size_t>(state.ids.numel()));
        for (int32_t t = 0; t < state.ids.numel(); ++t)
            if (ids[t] != state.padding) order.push_back(t);
        std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return ids[a] < ids[b]; });
        std::vector<int64_t> rows, starts;
        for (size_t i = 0; i < order.size(); ++i)
            if (i == 0 || ids[order[i]] != ids[order[i - 1]]) {
                rows.push_back(ids[order[i]]);
                starts.push_back(static_cast<int64_t>(i));
            }
        starts.push_back(static_cast<int64_t>(order.size()));

        auto count = static_cast<int64_t>(rows.size());
        at::Tensor values = floats({count, hidden});
        at::Tensor position = at::zeros_like(p[position_table]), type = at::zeros_like(p[type_table]);
        at::Tensor weight = at::empty_like(p[norm_weight]), bias = at::empty_like(p[norm_bias]);
        k::table().embeddings_backward(
            {tables(p, state.epsilon), sequences(state.offsets), ids, optional_ids(state.types), state.mask,
             data(state.normalized), data(state.deviation),
             state.bits.defined() ? static_cast<const uint16_t *>(state.bits.const_data_ptr()) : nullptr, data(slope),
             order.data(), starts.data(), count, mutable_data(values), mutable_data(position), mutable_data(type),
             type.size(0), mutable_data(weight), mutable_data(bias)});
        at::Tensor index = at::tensor(rows, at::kLong).reshape({1, count});
        at::Tensor word = at::_sparse_coo_tensor_unsafe(index, values, p[word_table].sizes(), values.options().layout(at::kSparse),
                                                        /*is_coalesced=*/true);
        return {word, position, type, weight, bias, at::Tensor()};
    }
};

bool needs_gradient(const std::vector<at::Tensor> &tensors) {
    return at::GradMode::is_enabled() &&
           std::any_of(tensors.begin(), tensors.end(), [](const at::Tensor &t) { return t.requires_grad(); });
}

}  // namespace

const char *ct_kernels_name(void) { return k::table().name; }

double ct_kernels_peak(bool half) {
    // All threads at once, as the kernels run; each measures itself.
    std::vector<double> rates(static_cast<size_t>(thread_count()));
    constexpr int64_t cost = 1'000'000'000;
    parallel_tasks(static_cast<int64_t>(rates.size()), cost,
                   [&](int64_t task) { rates[static_cast<size_t>(task)] = k::table().peak(half); });
    return std::accumulate(rates.begin(), rates.end(), 0.0);
}

ct_error ct_pack_layer(const ct_tensor *parameters, ct_layer_options options, ct_packed_layer *out) {
    return guard("pack_layer", {parameters[0]}, [&] {
        *out = new ct_packed_layer_s(list(parameters, parameter_count), options, true);
    });
}

void ct_packed_layer_free(ct_packed_layer layer) { delete layer; }

ct_error ct_encoder_layer(ct_tensor input, ct_tensor offsets, const ct_tensor *parameters, ct_layer_options options,
                          ct_packed_layer packed, ct_tensor *out) {
    return guard("encoder_layer", {input, offsets}, [&] {
        std::vector<at::Tensor> p = list(parameters, parameter_count);
        const at::Tensor &x = input->value;
        check_layer(x, offsets->value, p, options);
        std::vector<at::Tensor> all = p;
        all.push_back(x);
        if (needs_gradient(all)) {
            *out = wrap(Layer::apply(x, at::TensorList(p), offsets->value, options));
            return;
        }
        at::NoGradGuard no_grad;
        options.hidden_dropout = options.output_dropout = options.attention_dropout = 0;
        LayerState state(options, offsets->value, false);
        if (packed && packed->half == options.half) {
            *out = wrap(forward(x, p, *packed, state, false));
        } else {
            *out = wrap(forward(x, p, ct_packed_layer_s(p, options, true), state, false));
        }
    });
}

ct_error ct_packed_embeddings(const ct_tensor *parameters, ct_tensor ids, ct_tensor types_or_null, ct_tensor offsets,
                              int64_t padding_index, double epsilon, double dropout, uint64_t seed, uint64_t offset,
                              ct_tensor *out) {
    return guard("packed_embeddings", {ids, offsets}, [&] {
        std::vector<at::Tensor> p = list(parameters, table_count);
        for (const at::Tensor &table : p) check_float(table, table.sizes(), "a table");
        check_ids(ids->value, p[word_table].size(0), "input_ids");
        if (types_or_null) {
            check_ids(types_or_null->value, p[type_table].size(0), "token_type_ids");
            TORCH_CHECK(types_or_null->value.sizes() == ids->value.sizes(), "token_type_ids and input_ids differ in shape");
        }
        check_offsets(offsets->value, ids->value.numel());
        const int64_t *at = ctorch::const_data<int64_t>(offsets->value);
        for (int64_t i = 0; i + 1 < offsets->value.numel(); ++i)
            TORCH_CHECK(at[i + 1] - at[i] <= p[position_table].size(0), "example ", i, " has ", at[i + 1] - at[i],
                        " tokens, the model ", p[position_table].size(0), " positions");
        auto state = c10::make_intrusive<EmbeddingsState>();
        state->offsets = offsets->value;
        state->ids = ids->value;
        if (types_or_null) state->types = types_or_null->value;
        state->mask = mask(dropout, seed, offset);
        state->epsilon = epsilon;
        state->padding = padding_index;
        if (needs_gradient(p)) {
            *out = wrap(PackedEmbeddings::apply(at::TensorList(p), state));
        } else {
            at::NoGradGuard no_grad;
            state->mask = {};
            *out = wrap(embed(p, *state, false));
        }
    });
}

ct_error ct_dropout_bits(int64_t rows, int64_t width, double probability, uint64_t seed, uint64_t offset, ct_tensor *out) {
    return guard("dropout_bits", {}, [&] {
        TORCH_CHECK(rows >= 0 && width > 0, "the shape must be positive");
        std::vector<uint16_t> bits(static_cast<size_t>(rows * k::mask_stride(width)));
        k::Mask m = mask(probability, seed, offset);
        k::table().mask_bits(m, rows, width, bits.data());
        at::Tensor keep = at::empty({rows, width}, at::kFloat);
        float *to = mutable_data(keep);
        for (int64_t r = 0; r < rows; ++r)
            for (int64_t c = 0; c < width; ++c)
                to[r * width + c] = bits[static_cast<size_t>(r * k::mask_stride(width) + c / 16)] >> (c % 16) & 1 ? m.scale : 0.0f;
        *out = wrap(keep);
    });
}
