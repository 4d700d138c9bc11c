// Low-rank adapters of weights (LoRA): a weight is its base plus scale · B · A, and its gradient becomes those of A and B at once.

#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/matmul.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include "packed.h"

using namespace ctorch;
namespace k = ctorch::kernels;

namespace {

bool suits_products(const at::Tensor &x) { return x.is_cpu() && x.scalar_type() == at::kFloat && x.is_contiguous(); }

// B (outputs, rank) · A (rank, inputs)
at::Tensor product(const at::Tensor &b, const at::Tensor &a, bool kernels) {
    if (!kernels || !suits_products(a) || !suits_products(b)) return at::matmul(b, a);
    at::Tensor result = at::empty({b.size(0), a.size(1)}, b.options().requires_grad(false));
    k::training().linear_backward({.rows = b.size(0),
                                   .inputs = a.size(1),
                                   .outputs = a.size(0),
                                   .weight = data(a),
                                   .output_gradient = data(b),
                                   .input_gradient = mutable_data(result)});
    return result;
}

// G (outputs, inputs) · Aᵀ: (outputs, rank)
at::Tensor gradient_of_b(const at::Tensor &g, const at::Tensor &a, bool kernels) {
    if (!kernels || !suits_products(a) || !suits_products(g)) return at::matmul(g, a.t());
    at::Tensor result = at::empty({g.size(0), a.size(0)}, g.options().requires_grad(false));
    std::vector<float> none(static_cast<size_t>(a.size(0)));
    k::table().linear_forward({.rows = g.size(0),
                               .inputs = g.size(1),
                               .outputs = a.size(0),
                               .input = data(g),
                               .weight = data(a),
                               .bias = none.data(),
                               .output = mutable_data(result)});
    return result;
}

// Bᵀ · G (outputs, inputs): (rank, inputs)
at::Tensor gradient_of_a(const at::Tensor &g, const at::Tensor &b, bool kernels) {
    if (!kernels || !suits_products(b) || !suits_products(g)) return at::matmul(b.t(), g);
    at::Tensor result = at::empty({b.size(1), g.size(1)}, g.options().requires_grad(false));
    k::training().linear_backward({.rows = g.size(0),
                                   .inputs = g.size(1),
                                   .outputs = b.size(1),
                                   .input = data(g),
                                   .output_gradient = data(b),
                                   .weight_gradient = mutable_data(result)});
    return result;
}

void accumulate(const at::Tensor &parameter, const at::Tensor &gradient) {
    at::Tensor &sum = parameter.mutable_grad();
    if (sum.defined()) sum.add_(gradient);
    else sum = gradient;
}

// Turns a weight's gradient into those of its adapter as soon as it is there, and frees it.
struct LowRankHook : torch::autograd::PostAccumulateGradHook {
    at::Tensor a, b;
    double scale;
    bool transposed, kernels;
    LowRankHook(at::Tensor a, at::Tensor b, double scale, bool transposed, bool kernels)
        : a(std::move(a)), b(std::move(b)), scale(scale), transposed(transposed), kernels(kernels) {}

    void operator()(const at::Tensor &weight) override {
        at::NoGradGuard no_grad;
        at::Tensor &held = weight.mutable_grad();
        if (!held.defined()) return;
        at::Tensor gradient = (transposed ? held.t() : held).contiguous();
        held.reset();
        at::Tensor to_a = gradient_of_a(gradient, b.detach(), kernels), to_b = gradient_of_b(gradient, a.detach(), kernels);
        accumulate(a, to_a.mul_(scale));
        accumulate(b, to_b.mul_(scale));
    }
};

void check_low_rank(const at::Tensor &weight, const at::Tensor &a, const at::Tensor &b, bool transposed) {
    TORCH_CHECK(weight.dim() == 2 && a.dim() == 2 && b.dim() == 2 && a.size(0) == b.size(1) &&
                    weight.size(transposed ? 1 : 0) == b.size(0) && weight.size(transposed ? 0 : 1) == a.size(1),
                "the factors ", b.sizes(), " and ", a.sizes(), " are not of a weight ", weight.sizes());
}

}  // namespace

ct_error ct_low_rank_attach(ct_tensor weight, ct_tensor a, ct_tensor b, double scale, bool transposed, bool kernels) {
    return guard("low_rank_attach", {weight, a, b}, [&] {
        check_low_rank(weight->value, a->value, b->value, transposed);
        torch::autograd::impl::set_post_acc_grad_hooks(
            weight->value, std::make_unique<LowRankHook>(a->value, b->value, scale, transposed, kernels));
    });
}

void ct_low_rank_detach(ct_tensor weight) { torch::autograd::impl::set_post_acc_grad_hooks(weight->value, nullptr); }

ct_error ct_low_rank_merge_(ct_tensor weight, ct_tensor base, ct_tensor a, ct_tensor b, double scale, bool transposed, bool kernels) {
    return guard("low_rank_merge_", {weight, base, a, b}, [&] {
        at::NoGradGuard no_grad;
        check_low_rank(weight->value, a->value, b->value, transposed);
        at::Tensor change = product(b->value.detach(), a->value.detach(), kernels);
        weight->value.copy_(base->value);
        weight->value.add_(transposed ? change.t() : change, scale);
    });
}

ct_error ct_compact_copy(ct_tensor tensor, ct_tensor *out) {
    return guard("compact_copy", {tensor}, [&] {
        at::NoGradGuard no_grad;
        at::Tensor whole = tensor->value.detach();
        for (at::ScalarType type : {at::kBFloat16, at::kHalf}) {
            at::Tensor small = whole.to(type);
            if (!at::equal(small.to(whole.scalar_type()), whole)) continue;
            *out = wrap(small);
            return;
        }
        *out = wrap(whole.clone());
    });
}
