// The kernels of decoders' layers but for the linear ones: connects them to tensors and autograd.

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "packed.h"

using namespace ctorch;
namespace k = ctorch::kernels;

namespace {

struct CausalAttention : torch::autograd::Function<CausalAttention> {
    static k::CausalShape shape(torch::autograd::AutogradContext *context, const at::Tensor &cosine, const at::Tensor &sine,
                                int64_t width) {
        auto &data = context->saved_data;
        return {.heads = data["heads"].toInt(), .key_value_heads = data["key_value_heads"].toInt(), .width = width,
                .scale = static_cast<float>(data["scale"].toDouble()), .window = data["window"].toInt(),
                .cosine = cosine.defined() ? ctorch::data(cosine) : nullptr,
                .sine = sine.defined() ? ctorch::data(sine) : nullptr};
    }

    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &query, const at::Tensor &key,
                              const at::Tensor &value, const std::optional<at::Tensor> &cosines,
                              const std::optional<at::Tensor> &sines, const at::Tensor &offsets,
                              int64_t heads, int64_t key_value_heads, int64_t window, double scale, bool training) {
        at::Tensor q = query.contiguous(), keys = key.contiguous(), values = value.contiguous();
        at::Tensor cosine = cosines.value_or(at::Tensor()), sine = sines.value_or(at::Tensor());
        auto &saved = context->saved_data;
        saved["heads"] = heads;
        saved["key_value_heads"] = key_value_heads;
        saved["window"] = window;
        saved["scale"] = scale;
        at::Tensor output = at::empty_like(q), log_sum;
        if (training) log_sum = floats({heads, q.size(0)});
        k::table().causal_forward(is_bfloat16(q), {.shape = shape(context, cosine, sine, q.size(1) / heads),
                                                   .sequences = sequences(offsets),
                                                   .query = q.const_data_ptr(),
                                                   .key = keys.const_data_ptr(),
                                                   .value = values.const_data_ptr(),
                                                   .context = output.mutable_data_ptr(),
                                                   .log_sum = optional_data(log_sum)});
        context->save_for_backward({q, keys, values, cosine, sine, offsets, log_sum});
        return output;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        torch::autograd::variable_list saved = context->get_saved_variables();
        const at::Tensor &q = saved[0], &keys = saved[1], &values = saved[2];
        at::Tensor gradient = gradients[0].contiguous();
        at::Tensor to_query = at::empty_like(q), to_key = at::empty_like(keys), to_value = at::empty_like(values);
        int64_t width = q.size(1) / context->saved_data["heads"].toInt();
        k::training().causal_backward(is_bfloat16(q), {.shape = shape(context, saved[3], saved[4], width),
                                                    .sequences = sequences(saved[5]),
                                                    .query = q.const_data_ptr(),
                                                    .key = keys.const_data_ptr(),
                                                    .value = values.const_data_ptr(),
                                                    .context_gradient = gradient.const_data_ptr(),
                                                    .log_sum = data(saved[6]),
                                                    .query_gradient = to_query.mutable_data_ptr(),
                                                    .key_gradient = to_key.mutable_data_ptr(),
                                                    .value_gradient = to_value.mutable_data_ptr()});
        at::Tensor none;
        return {to_query, to_key, to_value, none, none, none, none, none, none, none, none};
    }
};

struct RootMeanSquareNorm : torch::autograd::Function<RootMeanSquareNorm> {
    static k::RootMeanSquare call(const at::Tensor &input, const at::Tensor &weight, double epsilon, double offset) {
        return {.rows = input.numel() / input.size(-1), .width = input.size(-1), .epsilon = static_cast<float>(epsilon),
                .offset = static_cast<float>(offset), .input = data(input), .weight = data(weight)};
    }

    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &given, const at::Tensor &weight,
                              double epsilon, double offset, bool bfloat16) {
        at::Tensor input = given.contiguous();
        at::Tensor output = at::empty(input.sizes(), bfloat16 ? at::kBFloat16 : at::kFloat);
        k::table().rms_norm_forward(bfloat16, call(input, weight, epsilon, offset), output.mutable_data_ptr());
        context->save_for_backward({input, weight});
        context->saved_data["epsilon"] = epsilon;
        context->saved_data["offset"] = offset;
        return output;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        torch::autograd::variable_list saved = context->get_saved_variables();
        const at::Tensor &input = saved[0], &weight = saved[1];
        at::Tensor gradient = gradients[0].contiguous(), to_input = at::empty_like(input), to_weight;
        if (context->needs_input_grad(1)) to_weight = at::empty_like(weight);
        auto &data = context->saved_data;
        k::training().rms_norm_backward(is_bfloat16(gradient),
                                     {.call = call(input, weight, data["epsilon"].toDouble(), data["offset"].toDouble()),
                                      .output_gradient = gradient.const_data_ptr(),
                                      .input_gradient = mutable_data(to_input),
                                      .weight_gradient = optional_data(to_weight)});
        return {to_input, to_weight, at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

struct GatedActivation : torch::autograd::Function<GatedActivation> {
    static k::Gated call(const at::Tensor &gate, const at::Tensor &up, int64_t activation) {
        return {.count = gate.numel(), .activation = static_cast<k::Activation>(activation), .gate = gate.const_data_ptr(),
                .up = up.const_data_ptr()};
    }

    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &given, const at::Tensor &given_up,
                              int64_t activation) {
        at::Tensor gate = given.contiguous(), up = given_up.contiguous(), output = at::empty_like(gate);
        k::table().gated_forward(is_bfloat16(gate), call(gate, up, activation), output.mutable_data_ptr());
        context->save_for_backward({gate, up});
        context->saved_data["activation"] = activation;
        return output;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        torch::autograd::variable_list saved = context->get_saved_variables();
        const at::Tensor &gate = saved[0], &up = saved[1];
        at::Tensor gradient = gradients[0].contiguous(), to_gate = at::empty_like(gate), to_up = at::empty_like(up);
        k::training().gated_backward(is_bfloat16(gate), call(gate, up, context->saved_data["activation"].toInt()),
                                  gradient.const_data_ptr(), to_gate.mutable_data_ptr(), to_up.mutable_data_ptr());
        return {to_gate, to_up, at::Tensor()};
    }
};

}  // namespace

ct_error ct_packed_causal_attention(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor cosine, ct_tensor sine,
                                    ct_tensor offsets, int64_t heads, int64_t key_value_heads, int64_t window, double scale,
                                    ct_tensor *out) {
    return guard("causal_attention", {query, key, value}, [&] {
        const at::Tensor &q = query->value, &keys = key->value, &values = value->value;
        for (const at::Tensor &tensor : {q, keys, values}) check_element(tensor, "an input");
        TORCH_CHECK(heads > 0 && key_value_heads > 0 && heads % key_value_heads == 0, "the ", heads, " heads must be a multiple of ",
                    key_value_heads);
        TORCH_CHECK(q.dim() == 2 && keys.dim() == 2 && keys.sizes() == values.sizes() && q.size(0) == keys.size(0) &&
                        q.size(1) % heads == 0 && keys.size(1) == q.size(1) / heads * key_value_heads &&
                        q.scalar_type() == keys.scalar_type() && q.scalar_type() == values.scalar_type(),
                    "the shapes and types of queries, keys and values do not fit");
        check_offsets(offsets->value, q.size(0));
        at::Tensor c = cosine ? cosine->value : at::Tensor(), s = sine ? sine->value : at::Tensor();
        TORCH_CHECK(c.defined() == s.defined(), "cosines and sines belong together");
        if (c.defined()) {
            int64_t width = q.size(1) / heads, longest = 0;
            const int64_t *at = const_data<int64_t>(offsets->value);
            for (int64_t i = 0; i + 1 < offsets->value.numel(); ++i) longest = std::max(longest, at[i + 1] - at[i]);
            check_float(c, {c.size(0), width / 2}, "the cosines");
            check_float(s, c.sizes(), "the sines");
            TORCH_CHECK(width % 2 == 0 && c.size(0) >= longest, "the rotary tables are too small");
        }
        *out = wrap(CausalAttention::apply(q, keys, values, optional(cosine), optional(sine), offsets->value, heads, key_value_heads, window, scale,
                                           any_requires_grad({q, keys, values})));
    });
}

ct_error ct_packed_rms_norm(ct_tensor input, ct_tensor weight, double epsilon, double offset, bool bfloat16, ct_tensor *out) {
    return guard("rms_norm", {input, weight}, [&] {
        const at::Tensor &x = input->value, &w = weight->value;
        TORCH_CHECK(x.is_cpu() && x.scalar_type() == at::kFloat && x.dim() > 0, "the input must be float32 on the CPU");
        check_float(w, {x.size(-1)}, "the weight");
        *out = wrap(RootMeanSquareNorm::apply(x, w, epsilon, offset, bfloat16));
    });
}

ct_error ct_gated(ct_tensor gate, ct_tensor up, int32_t activation, ct_tensor *out) {
    return guard("gated", {gate, up}, [&] {
        check_element(gate->value, "the gate");
        if (!up) {
            TORCH_CHECK(!any_requires_grad({gate->value}), "needs what is gated where a gradient is wanted");
            at::Tensor from = gate->value.contiguous(), output = at::empty_like(from);
            k::Gated call{.count = from.numel(), .activation = static_cast<k::Activation>(activation), .gate = from.const_data_ptr(),
                          .up = nullptr};
            k::table().gated_forward(is_bfloat16(from), call, output.mutable_data_ptr());
            *out = wrap(output);
            return;
        }
        TORCH_CHECK(gate->value.sizes() == up->value.sizes() && gate->value.scalar_type() == up->value.scalar_type(),
                    "the gate and what it gates must have one shape and type");
        *out = wrap(GatedActivation::apply(gate->value, up->value, static_cast<int64_t>(activation)));
    });
}
