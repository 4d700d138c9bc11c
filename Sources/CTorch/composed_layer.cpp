// A transformer layer on packed sequences by libtorch's matrix products, on any device: one node of the graph, with a
// backward pass of its own, which keeps less than operations by themselves would and starts fewer kernels.

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "composed_attention.h"
#include "internal.h"

using namespace ctorch;

namespace {

// As a layer's parameters are given.
enum Parameter {
    query_weight, query_bias, key_weight, key_bias, value_weight, value_bias, output_weight, output_bias,
    norm1_weight, norm1_bias, inner_weight, inner_bias, outer_weight, outer_bias, norm2_weight, norm2_bias,
    parameter_count,
};

// left (rows, a) · right (a, columns) in float32: sums of bfloat16 products are not rounded before they are added up.
at::Tensor wide_product(const at::Tensor &left, const at::Tensor &right) {
    if (left.scalar_type() == at::kFloat) return at::mm(left, right);
    return left.is_cuda() ? at::mm(left, right, at::kFloat) : at::mm(left.to(at::kFloat), right.to(at::kFloat));
}

}  // namespace

// A layer's weights in the type they are multiplied in, those of query, key and value as one matrix.
struct ct_composed_layer_s {
    explicit ct_composed_layer_s(const std::vector<at::Tensor> &p, const ct_layer_options &o)
        : type(o.half ? at::kBFloat16 : at::kFloat) {
        at::NoGradGuard no_grad;
        int64_t h = o.hidden, i = o.intermediate;
        auto options = p[query_weight].options().dtype(type).requires_grad(false);
        joint = at::empty({3 * h, h}, options), joint_bias = at::empty({3 * h}, options);
        output = at::empty({h, h}, options), output_bias = at::empty({h}, options);
        inner = at::empty({i, h}, options), inner_bias = at::empty({i}, options);
        outer = at::empty({h, i}, options), outer_bias = at::empty({h}, options);
        for (int64_t part = 0; part < 3; ++part) {
            copies.push_back(joint.narrow(0, part * h, h));
            copies.push_back(joint_bias.narrow(0, part * h, h));
        }
        for (const at::Tensor &tensor : {output, output_bias, inner, inner_bias, outer, outer_bias}) copies.push_back(tensor);
        refresh(p);
    }

    // Takes the parameters' present values.
    void refresh(const std::vector<at::Tensor> &p) {
        at::NoGradGuard no_grad;
        std::vector<at::Tensor> sources(p.begin(), p.begin() + norm1_weight);
        sources.insert(sources.end(), p.begin() + inner_weight, p.begin() + norm2_weight);
        at::_foreach_copy_(copies, sources);
        ++generation;
    }

    at::ScalarType type;
    at::Tensor joint, joint_bias, output, output_bias, inner, inner_bias, outer, outer_bias;
    std::vector<at::Tensor> copies;
    uint64_t generation = 0;
};

struct ct_composed_handle_s {
    std::shared_ptr<ct_composed_layer_s> layer;
};

namespace {

using Weights = ct_composed_layer_s;

// What a layer's forward pass leaves for its backward pass.
struct State : torch::CustomClassHolder {
    ct_layer_options options;
    DeviceSequences sequences;
    std::shared_ptr<Weights> weights;
    uint64_t generation;
    at::Tensor input;  // in the weights' type
    AttentionState attention;
    NormForward norm1, norm2;
    at::Tensor inner;
    bool has_typed = false, used = false;

    DropoutCall call(double probability, uint64_t place) const { return {probability, options.seed, options.offset + place}; }
    DropoutCall attention_call() const { return call(options.attention_dropout, 0); }
    DropoutCall call1() const { return call(options.hidden_dropout, 1); }
    DropoutCall call2() const { return call(options.output_dropout, 2); }
    at::Tensor firsts() const { return sequences.starts.narrow(0, 0, sequences.count()); }
};

struct Output {
    at::Tensor wide, typed;
};

Output forward(State &s, const at::Tensor &input, const at::Tensor &typed, const std::vector<at::Tensor> &p, bool training) {
    const Weights &w = *s.weights;
    const ct_layer_options &o = s.options;
    int64_t h = o.hidden;
    at::Tensor x = typed.defined() ? typed : input.to(w.type);
    at::Tensor residual = input, query, key, value;
    if (o.first_only) {
        at::Tensor firsts = s.firsts();
        residual = input.index_select(0, firsts);
        query = at::addmm(w.joint_bias.narrow(0, 0, h), x.index_select(0, firsts), w.joint.narrow(0, 0, h).t());
        at::Tensor rest = at::addmm(w.joint_bias.narrow(0, h, 2 * h), x, w.joint.narrow(0, h, 2 * h).t());
        key = rest.narrow(1, 0, h), value = rest.narrow(1, h, h);
    } else {
        at::Tensor all = at::addmm(w.joint_bias, x, w.joint.t());
        query = all.narrow(1, 0, h), key = all.narrow(1, h, h), value = all.narrow(1, 2 * h, h);
    }
    attend(s.attention, query, key, value, o.heads, o.first_only, s.sequences, s.attention_call());
    at::Tensor attended = at::addmm(w.output_bias, s.attention.output, w.output.t());
    NormForward norm1 =
        residual_norm(attended, residual, p[norm1_weight], p[norm1_bias], o.epsilon, s.call1(), training);
    if (!norm1.typed.defined()) norm1.typed = norm1.output;
    at::Tensor inner = at::addmm(w.inner_bias, norm1.typed, w.inner.t());
    at::Tensor outer = at::addmm(w.outer_bias, activation(o.activation, inner), w.outer.t());
    NormForward norm2 = residual_norm(outer, norm1.output, p[norm2_weight], p[norm2_bias], o.epsilon, s.call2(), training);
    Output result{norm2.output, norm2.typed};
    if (training) {
        s.input = x, s.inner = inner;
        // The backward pass reads the first norm's rows in the weights' type alone.
        norm1.output.reset();
        norm2.output.reset();
        norm2.typed.reset();
        s.norm1 = norm1, s.norm2 = norm2;
    }
    return result;
}

struct Layer : torch::autograd::Function<Layer> {
    static torch::autograd::variable_list forward(torch::autograd::AutogradContext *context, const at::Tensor &input,
                                                  const std::optional<at::Tensor> &typed, at::TensorList list,
                                                  c10::intrusive_ptr<State> state) {
        at::AutoDispatchBelowADInplaceOrView below;
        std::vector<at::Tensor> parameters = list.vec();
        Output output = ::forward(*state, input, typed.value_or(at::Tensor()), parameters, true);
        context->save_for_backward(parameters);
        context->saved_data["state"] = c10::IValue::make_capsule(state);
        context->set_materialize_grads(false);
        if (output.typed.defined()) return {output.wide, output.typed};
        return {output.wide};
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list slopes) {
        auto capsule = context->saved_data["state"].toCapsule();
        auto &s = static_cast<State &>(*capsule);
        TORCH_CHECK(!s.used, "backward was called twice on the same graph; run the forward pass again");
        s.used = true;
        const Weights &w = *s.weights;
        TORCH_CHECK(s.generation == w.generation, "the layer's weights have changed since the forward pass");
        std::vector<at::Tensor> p = context->get_saved_variables();
        at::AutoDispatchBelowADInplaceOrView below;
        const ct_layer_options &o = s.options;
        at::ScalarType type = w.type;
        int64_t h = o.hidden;
        std::vector<at::Tensor> gradients(parameter_count);
        at::Tensor typed_slope = slopes.size() > 1 ? slopes[1] : at::Tensor();

        NormBackward norm2 = residual_norm_backward(s.norm2, contiguous(slopes[0]), contiguous(typed_slope), type, p[norm2_weight],
                                                    p[norm2_bias], s.call2());
        s.norm2 = {};
        gradients[norm2_weight] = norm2.weight, gradients[norm2_bias] = norm2.bias, gradients[outer_bias] = norm2.y_bias;

        ActivationBackward inner = activation_backward(o.activation, s.inner, at::mm(norm2.y, w.outer));
        s.inner.reset();
        gradients[inner_bias] = inner.sums;
        gradients[outer_weight] = wide_product(norm2.y.t(), inner.output);
        gradients[inner_weight] = wide_product(inner.gradient.t(), s.norm1.typed);
        at::Tensor attended_slope = at::mm(inner.gradient, w.inner);
        inner = {};

        s.norm1.typed.reset();
        NormBackward norm1 =
            residual_norm_backward(s.norm1, norm2.residual, attended_slope, type, p[norm1_weight], p[norm1_bias], s.call1());
        s.norm1 = {};
        gradients[norm1_weight] = norm1.weight, gradients[norm1_bias] = norm1.bias, gradients[output_bias] = norm1.y_bias;

        gradients[output_weight] = wide_product(norm1.y.t(), s.attention.output);
        auto [query, key, value] =
            attend_backward(s.attention, at::mm(norm1.y, w.output), o.heads, o.first_only, s.sequences, s.attention_call());
        s.attention = {};

        at::Tensor input_slope, typed_input_slope;
        if (o.first_only) {
            at::Tensor firsts = s.firsts(), x = s.input;
            at::Tensor rest = at::cat({key, value}, 1);
            split(gradients, wide_product(rest.t(), x), rest.sum(at::IntArrayRef({0}), false, at::kFloat), h, 1);
            gradients[query_weight] = wide_product(query.t(), x.index_select(0, firsts));
            gradients[query_bias] = query.sum(at::IntArrayRef({0}), false, at::kFloat);
            typed_input_slope = at::mm(rest, w.joint.narrow(0, h, 2 * h));
            at::Tensor first = norm1.residual + at::mm(query, w.joint.narrow(0, 0, h));
            input_slope = at::zeros({x.size(0), h}, first.options());
            input_slope.index_copy_(0, firsts.to(at::kLong), first);
        } else {
            at::Tensor all = at::cat({query, key, value}, 1);
            split(gradients, wide_product(all.t(), s.input), all.sum(at::IntArrayRef({0}), false, at::kFloat), h, 0);
            input_slope = norm1.residual;
            typed_input_slope = at::mm(all, w.joint);
        }
        s.input.reset();
        if (!s.has_typed) {
            // Without a typed input both gradients are of the one there is.
            input_slope = input_slope + typed_input_slope;
            typed_input_slope.reset();
        }
        context->saved_data.clear();
        torch::autograd::variable_list result{input_slope, typed_input_slope};
        result.insert(result.end(), gradients.begin(), gradients.end());
        result.resize(result.size() + 1);
        return result;
    }

  private:
    static at::Tensor contiguous(const at::Tensor &tensor) { return tensor.defined() ? tensor.contiguous() : tensor; }

    // Gradients of the joint matrix from part `first` on, to the parameters they belong to.
    static void split(std::vector<at::Tensor> &gradients, const at::Tensor &weight, const at::Tensor &bias, int64_t h, int64_t first) {
        for (int64_t part = first; part < 3; ++part) {
            gradients[static_cast<size_t>(query_weight + 2 * part)] = weight.narrow(0, (part - first) * h, h);
            gradients[static_cast<size_t>(query_bias + 2 * part)] = bias.narrow(0, (part - first) * h, h);
        }
    }
};

DeviceSequences sequences(const ct_device_sequences &given) {
    DeviceSequences result;
    result.starts = given.starts->value;
    if (given.places) result.places = given.places->value;
    result.longest = given.longest;
    return result;
}

bool needs_gradient(const std::vector<at::Tensor> &tensors) {
    return at::GradMode::is_enabled() &&
           std::any_of(tensors.begin(), tensors.end(), [](const at::Tensor &t) { return t.defined() && t.requires_grad(); });
}

// MARK: Embeddings

enum Table { word_table, position_table, type_table, norm_weight, norm_bias, table_count };

struct EmbeddingState : torch::CustomClassHolder {
    EmbeddingRows rows;
    NormForward norm;
    DropoutCall call;
    double epsilon;
    int64_t padding;
    at::ScalarType type;
};

at::Tensor rows_gradient(const at::Tensor &slope, const at::Tensor &ids, const at::Tensor &table, int64_t padding) {
    return at::embedding_dense_backward(slope, ids, table.size(0), padding, /*scale_grad_by_freq=*/false);
}

struct Embeddings : torch::autograd::Function<Embeddings> {
    static torch::autograd::variable_list forward(torch::autograd::AutogradContext *context, at::TensorList list,
                                                  c10::intrusive_ptr<EmbeddingState> s) {
        at::AutoDispatchBelowADInplaceOrView below;
        std::vector<at::Tensor> p = list.vec();
        s->norm = embedding_norm(s->rows, p[norm_weight], p[norm_bias], s->epsilon, s->call, s->type, true);
        at::Tensor output = s->norm.output, typed = s->norm.typed;
        s->norm.output.reset();
        s->norm.typed.reset();
        context->save_for_backward(p);
        context->saved_data["state"] = c10::IValue::make_capsule(s);
        context->set_materialize_grads(false);
        if (typed.defined()) return {output, typed};
        return {output};
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list slopes) {
        auto capsule = context->saved_data["state"].toCapsule();
        auto &s = static_cast<EmbeddingState &>(*capsule);
        std::vector<at::Tensor> p = context->get_saved_variables();
        at::AutoDispatchBelowADInplaceOrView below;
        auto contiguous = [](const at::Tensor &tensor) { return tensor.defined() ? tensor.contiguous() : tensor; };
        NormBackward norm =
            embedding_norm_backward(s.norm, contiguous(slopes[0]), slopes.size() > 1 ? contiguous(slopes[1]) : at::Tensor(),
                                    s.type, p[norm_weight], p[norm_bias], s.call);
        const at::Tensor &sum = norm.residual;
        at::Tensor word = rows_gradient(sum, s.rows.ids, p[word_table], s.padding);
        at::Tensor position = rows_gradient(sum, s.rows.positions, p[position_table], -1);
        at::Tensor type;
        if (s.rows.types.defined()) {
            type = rows_gradient(sum, s.rows.types, p[type_table], -1);
        } else {
            type = at::zeros_like(p[type_table]);
            type.select(0, 0).copy_(sum.sum(0));
        }
        return {word, position, type, norm.weight, norm.bias, at::Tensor()};
    }
};

}  // namespace

ct_error ct_composed_layer_make(const ct_tensor *parameters, ct_layer_options options, ct_composed_layer *out) {
    return guard("composed_layer", {parameters[0]}, [&] {
        *out = new ct_composed_handle_s{std::make_shared<Weights>(list(parameters, parameter_count), options)};
    });
}

ct_error ct_composed_layer_refresh(ct_composed_layer layer, const ct_tensor *parameters) {
    return guard("composed_layer", {parameters[0]}, [&] { layer->layer->refresh(list(parameters, parameter_count)); });
}

void ct_composed_layer_free(ct_composed_layer layer) { delete layer; }

ct_error ct_composed_layer_run(ct_composed_layer layer, const ct_tensor *parameters, ct_layer_options options, ct_tensor input,
                               ct_tensor typed_or_null, ct_device_sequences given, ct_tensor *out, ct_tensor *typed_out) {
    return guard("encoder_layer", {input, typed_or_null, given.starts}, [&] {
        std::vector<at::Tensor> p = list(parameters, parameter_count);
        const at::Tensor &x = input->value;
        at::Tensor typed = typed_or_null ? typed_or_null->value : at::Tensor();
        // Kernels are started on the current device; the backward pass has a thread for each device.
        c10::OptionalDeviceGuard device;
        if (!x.is_cpu()) device.reset_device(x.device());
        TORCH_CHECK(x.dim() == 2 && x.size(1) == options.hidden && x.scalar_type() == at::kFloat,
                    "the input must be float32 of the shape (tokens, ", options.hidden, ")");
        auto state = c10::make_intrusive<State>();
        state->options = options;
        state->sequences = sequences(given);
        state->weights = layer->layer;
        state->generation = layer->layer->generation;
        TORCH_CHECK((options.half ? at::kBFloat16 : at::kFloat) == state->weights->type, "the weights are of another type");
        std::vector<at::Tensor> all = p;
        all.push_back(x);
        if (needs_gradient(all)) {
            state->has_typed = typed.defined();
            auto outputs = Layer::apply(x, typed.defined() ? std::optional<at::Tensor>(typed) : std::nullopt, at::TensorList(p), state);
            *out = wrap(outputs[0]);
            *typed_out = outputs.size() > 1 ? wrap(outputs[1]) : nullptr;
            return;
        }
        at::NoGradGuard no_grad;
        state->options.hidden_dropout = state->options.output_dropout = state->options.attention_dropout = 0;
        Output output = forward(*state, x, typed, p, false);
        *out = wrap(output.wide);
        *typed_out = output.typed.defined() ? wrap(output.typed) : nullptr;
    });
}

ct_error ct_composed_embeddings(const ct_tensor *parameters, ct_tensor ids, ct_tensor positions, ct_tensor types_or_null,
                                int64_t padding_index, double epsilon, double dropout, uint64_t seed, uint64_t offset, bool half,
                                ct_tensor *out, ct_tensor *typed_out) {
    return guard("packed_embeddings", {ids, positions}, [&] {
        std::vector<at::Tensor> p = list(parameters, table_count);
        c10::OptionalDeviceGuard device;
        if (!p[word_table].is_cpu()) device.reset_device(p[word_table].device());
        auto state = c10::make_intrusive<EmbeddingState>();
        state->rows = {p[word_table].detach(), p[position_table].detach(), p[type_table].detach(), ids->value,
                       positions->value, types_or_null ? types_or_null->value : at::Tensor()};
        state->call = {dropout, seed, offset};
        state->epsilon = epsilon;
        state->padding = padding_index;
        state->type = half ? at::kBFloat16 : at::kFloat;
        if (needs_gradient(p)) {
            auto outputs = Embeddings::apply(at::TensorList(p), state);
            *out = wrap(outputs[0]);
            *typed_out = outputs.size() > 1 ? wrap(outputs[1]) : nullptr;
            return;
        }
        at::NoGradGuard no_grad;
        NormForward norm = embedding_norm(state->rows, p[norm_weight], p[norm_bias], epsilon, {}, state->type, false);
        *out = wrap(norm.output);
        *typed_out = norm.typed.defined() ? wrap(norm.typed) : nullptr;
    });
}
