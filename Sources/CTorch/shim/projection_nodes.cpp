// Linear layers on many rows by the kernels, as decoders have them: connects them to tensors and autograd.

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "packed.h"

using namespace ctorch;
namespace k = ctorch::kernels;

// A weight as a packed right operand, and what it was packed from.
struct ct_packed_weight_s {
    at::Tensor packed;
    const void *source;
    uint32_t version;
    bool bfloat16;
};

namespace ctorch {

at::Tensor packed(const at::Tensor &weight, bool bfloat16, bool transposed, int64_t columns, int64_t length) {
    at::Tensor result = words(k::table().packed_words(bfloat16, columns, length));
    k::table().pack(bfloat16, transposed, data(weight), columns, length, word_data(result));
    return result;
}

const at::Tensor &kept_packed(const at::Tensor &weight, bool bfloat16, bool transposed, ct_packed_weight *kept) {
    uint32_t version = weight._version();
    if (!*kept || (*kept)->source != weight.const_data_ptr() || (*kept)->version != version || (*kept)->bfloat16 != bfloat16) {
        at::Tensor right = packed(weight, bfloat16, !transposed, weight.size(transposed ? 1 : 0), weight.size(transposed ? 0 : 1));
        ct_packed_weight_free(*kept);
        *kept = new ct_packed_weight_s{right, weight.const_data_ptr(), version, bfloat16};
    }
    return (*kept)->packed;
}

}  // namespace ctorch

namespace {

// A layer's packed weight, its bias or none, and the number of its outputs.
struct Multiplier {
    at::Tensor right, bias;
    int64_t outputs;
};

std::vector<at::Tensor> multiplied(const at::Tensor &input, const std::vector<Multiplier> &layers, bool float_output) {
    std::vector<at::Tensor> outputs;
    std::vector<k::ProjectionPart> parts;
    for (const Multiplier &layer : layers) {
        outputs.push_back(at::empty({input.size(0), layer.outputs}, float_output ? at::kFloat : input.scalar_type()));
        parts.push_back({.outputs = layer.outputs,
                         .right = {word_data(layer.right)},
                         .bias = layer.bias.defined() ? data(layer.bias) : nullptr,
                         .output = outputs.back().mutable_data_ptr()});
    }
    k::table().projection_forward(is_bfloat16(input), {.rows = input.size(0),
                                                       .inputs = input.size(1),
                                                       .input = input.const_data_ptr(),
                                                       .parts = parts.data(),
                                                       .count = static_cast<int64_t>(parts.size()),
                                                       .float_output = float_output});
    return outputs;
}

at::Tensor multiplied(const at::Tensor &input, const at::Tensor &right, const at::Tensor &bias, int64_t outputs) {
    return multiplied(input, {{right, bias, outputs}}, false)[0];
}

struct Projection : torch::autograd::Function<Projection> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &given, const at::Tensor &given_weight,
                              const std::optional<at::Tensor> &bias, bool transposed) {
        at::Tensor input = given.contiguous(), weight = given_weight.contiguous();
        int64_t outputs = weight.size(transposed ? 1 : 0);
        at::Tensor right = packed(weight, is_bfloat16(input), !transposed, outputs, input.size(1));
        context->save_for_backward({input, weight});
        context->saved_data["transposed"] = transposed;
        context->saved_data["has_bias"] = bias.has_value();
        return multiplied(input, right, bias.value_or(at::Tensor()), outputs);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        torch::autograd::variable_list saved = context->get_saved_variables();
        const at::Tensor &input = saved[0], &weight = saved[1];
        bool transposed = context->saved_data["transposed"].toBool(), bfloat16 = is_bfloat16(input);
        at::Tensor gradient = gradients[0].contiguous(), to_input, to_weight, to_bias;
        int64_t inputs = input.size(1), outputs = gradient.size(1);
        if (context->needs_input_grad(0))
            to_input = multiplied(gradient, packed(weight, bfloat16, transposed, inputs, outputs), at::Tensor(), inputs);
        if (context->needs_input_grad(1)) to_weight = at::empty_like(weight);
        if (context->saved_data["has_bias"].toBool() && context->needs_input_grad(2)) to_bias = floats({outputs});
        k::ProjectionGradient call{.rows = input.size(0), .left_columns = outputs, .right_columns = inputs,
                                   .left = gradient.const_data_ptr(), .right = input.const_data_ptr(),
                                   .to = transposed ? nullptr : optional_data(to_weight), .left_sums = optional_data(to_bias)};
        if (call.to || call.left_sums) k::training().projection_gradient(bfloat16, call);
        if (transposed && to_weight.defined())
            k::training().projection_gradient(bfloat16, {.rows = input.size(0), .left_columns = inputs, .right_columns = outputs,
                                                      .left = input.const_data_ptr(), .right = gradient.const_data_ptr(),
                                                      .to = mutable_data(to_weight), .left_sums = nullptr});
        return {to_input, to_weight, to_bias, at::Tensor()};
    }
};

// The number of outputs of a weight, which is checked to fit an input.
int64_t check_projection(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias, bool transposed) {
    check_element(x, "the input");
    TORCH_CHECK(x.dim() == 2 && weight.dim() == 2 && x.size(1) == weight.size(transposed ? 0 : 1),
                "the shapes do not fit: (rows, inputs) and a weight of as many inputs");
    check_float(weight, weight.sizes(), "the weight");
    int64_t outputs = weight.size(transposed ? 1 : 0);
    if (bias.defined()) check_float(bias, {outputs}, "the bias");
    return outputs;
}

}  // namespace

ct_error ct_projection(ct_tensor input, ct_tensor weight, ct_tensor bias, bool transposed, bool float_output,
                       ct_packed_weight *kept, ct_tensor *out) {
    return guard("linear", {input, weight, bias}, [&] {
        const at::Tensor &x = input->value, &w = weight->value;
        at::Tensor b = bias ? bias->value : at::Tensor();
        int64_t outputs = check_projection(x, w, b, transposed);
        if (any_requires_grad({x, w, b})) {
            TORCH_CHECK(!float_output, "an output of another type has no gradient; compute it where gradients are not recorded");
            *out = wrap(Projection::apply(x, w, optional(bias), transposed));
            return;
        }
        const at::Tensor &right = kept_packed(w, is_bfloat16(x), transposed, kept);
        *out = wrap(multiplied(x.contiguous(), {{right, b, outputs}}, float_output)[0]);
    });
}

ct_error ct_projections(ct_tensor input, const ct_tensor *weights, const ct_tensor *biases, size_t count, ct_packed_weight *kept,
                        ct_tensor *outs) {
    return guard("linear", {input}, [&] {
        std::vector<Multiplier> layers;
        for (size_t i = 0; i < count; ++i) {
            const at::Tensor &w = weights[i]->value;
            at::Tensor b = biases[i] ? biases[i]->value : at::Tensor();
            int64_t outputs = check_projection(input->value, w, b, false);
            TORCH_CHECK(!any_requires_grad({input->value, w, b}), "several layers at once are for inference");
            layers.push_back({kept_packed(w, is_bfloat16(input->value), false, kept + i), b, outputs});
        }
        std::vector<at::Tensor> made = multiplied(input->value.contiguous(), layers, false);
        for (size_t i = 0; i < count; ++i) outs[i] = wrap(made[i]);
    });
}

void ct_packed_weight_free(ct_packed_weight packed) { delete packed; }
