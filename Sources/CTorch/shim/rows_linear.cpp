// A linear layer on rows by the kernels: connects them to tensors and autograd.

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "packed.h"

using namespace ctorch;
namespace k = ctorch::kernels;

namespace {

struct RowsLinear : torch::autograd::Function<RowsLinear> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &given, const at::Tensor &given_weight,
                              const at::Tensor &bias) {
        at::Tensor input = given.contiguous(), weight = given_weight.contiguous();
        at::Tensor output = at::empty({input.size(0), weight.size(0)}, input.options());
        k::table().linear_forward({.rows = input.size(0),
                                   .inputs = input.size(1),
                                   .outputs = weight.size(0),
                                   .input = data(input),
                                   .weight = data(weight),
                                   .bias = data(bias),
                                   .output = mutable_data(output)});
        context->save_for_backward({input, weight, bias});
        return output;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        torch::autograd::variable_list saved = context->get_saved_variables();
        const at::Tensor &input = saved[0], &weight = saved[1];
        at::Tensor gradient = gradients[0].contiguous();
        at::Tensor to_input, to_weight, to_bias;
        if (context->needs_input_grad(0)) to_input = at::empty_like(input);
        if (context->needs_input_grad(1)) to_weight = at::empty_like(weight);
        if (context->needs_input_grad(2)) to_bias = at::empty_like(saved[2]);
        k::training().linear_backward({.rows = input.size(0),
                                    .inputs = input.size(1),
                                    .outputs = weight.size(0),
                                    .input = data(input),
                                    .weight = data(weight),
                                    .output_gradient = data(gradient),
                                    .input_gradient = optional_data(to_input),
                                    .weight_gradient = optional_data(to_weight),
                                    .bias_gradient = optional_data(to_bias)});
        return {to_input, to_weight, to_bias};
    }
};

}  // namespace

ct_error ct_rows_linear(ct_tensor input, ct_tensor weight, ct_tensor bias, ct_tensor *out) {
    return guard("linear", {input, weight, bias}, [&] {
        const at::Tensor &x = input->value, &w = weight->value;
        at::Tensor b = bias ? bias->value.contiguous() : at::zeros({w.dim() == 2 ? w.size(0) : 0});
        auto suits = [](const at::Tensor &tensor) { return tensor.is_cpu() && tensor.scalar_type() == at::kFloat; };
        TORCH_CHECK(suits(x) && suits(w) && suits(b), "needs float32 on the CPU");
        TORCH_CHECK(x.dim() == 2 && w.dim() == 2 && x.size(1) == w.size(1), "the shapes do not fit: (rows, inputs) and (outputs, inputs)");
        TORCH_CHECK(b.dim() == 1 && b.size(0) == w.size(0), "the bias has ", b.numel(), " elements for ", w.size(0), " outputs");
        *out = wrap(RowsLinear::apply(x, w, b));
    });
}
