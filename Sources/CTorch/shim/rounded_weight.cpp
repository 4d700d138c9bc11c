// Weights that are rounded to the blocks of a GGUF file, while the numbers behind them are trained: a gradient of the one is that of
// the other, as if nothing were rounded (the straight-through estimator; Bengio et al., arXiv 1308.3432).

#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include "packed.h"

using namespace ctorch;
namespace k = ctorch::kernels;

namespace {

// Hands a weight's gradient to the numbers as soon as it is there.
struct RoundedWeightHook : torch::autograd::PostAccumulateGradHook {
    at::Tensor numbers;
    explicit RoundedWeightHook(at::Tensor numbers) : numbers(std::move(numbers)) {}

    void operator()(const at::Tensor &weight) override {
        at::NoGradGuard no_grad;
        at::Tensor &held = weight.mutable_grad();
        if (!held.defined()) return;
        at::Tensor &sum = numbers.mutable_grad();
        if (sum.defined()) sum.add_(held);
        else sum = held;
        held.reset();
    }
};

}  // namespace

ct_error ct_rounded_weight_attach(ct_tensor weight, ct_tensor numbers) {
    return guard("rounded_weight_attach", {weight, numbers}, [&] {
        TORCH_CHECK(weight->value.sizes() == numbers->value.sizes(), "the numbers ", numbers->value.sizes(), " are not those of a weight ",
                    weight->value.sizes());
        torch::autograd::impl::set_post_acc_grad_hooks(weight->value, std::make_unique<RoundedWeightHook>(numbers->value));
    });
}

void ct_rounded_weight_detach(ct_tensor weight) { torch::autograd::impl::set_post_acc_grad_hooks(weight->value, nullptr); }

ct_error ct_round_weight_(ct_tensor weight, ct_tensor numbers, int32_t type, bool transposed) {
    return guard("round_weight_", {weight, numbers}, [&] {
        at::NoGradGuard no_grad;
        at::Tensor to = weight->value.detach(), from = numbers->value.detach();
        TORCH_CHECK(from.dim() == 2 && from.sizes() == to.sizes() && from.scalar_type() == at::kFloat && to.scalar_type() == at::kFloat,
                    "a weight ", to.sizes(), " is not rounded from numbers ", from.sizes());
        from = from.cpu().contiguous();
        bool in_place = to.is_cpu() && to.is_contiguous();
        at::Tensor values = in_place ? to : at::empty_like(from);
        int64_t rows = from.size(transposed ? 1 : 0), columns = from.size(transposed ? 0 : 1);
        bool known = k::table().round_rows({.type = type,
                                            .rows = rows,
                                            .columns = columns,
                                            .row_stride = transposed ? 1 : columns,
                                            .column_stride = transposed ? rows : 1,
                                            .source = data(from),
                                            .values = mutable_data(values),
                                            .blocks = nullptr});
        TORCH_CHECK(known, "rows of ", columns, " numbers are not rounded to GGUF's type ", type);
        if (!in_place) to.copy_(values);
        weight->value.unsafeGetTensorImpl()->bump_version();
    });
}
