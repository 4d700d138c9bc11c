// Gradients, and what uses them: clipping and AdamW.

#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>

#include "internal.h"

using namespace ctorch;

namespace {
std::vector<at::Tensor> gradients(const ct_tensor *parameters, size_t count) {
    std::vector<at::Tensor> result;
    result.reserve(count);
    for (size_t i = 0; i < count; ++i) {
        at::Tensor gradient = parameters[i]->value.grad();
        TORCH_CHECK(gradient.defined(), "parameter ", i, " of shape ", parameters[i]->value.sizes(),
                    " has no gradient; call backward first");
        result.push_back(std::move(gradient));
    }
    return result;
}
}  // namespace

bool ct_grad_enabled(void) { return at::GradMode::is_enabled(); }
void ct_set_grad_enabled(bool on) { at::GradMode::set_enabled(on); }
bool ct_requires_grad(ct_tensor tensor) { return tensor->value.requires_grad(); }

ct_error ct_set_requires_grad(ct_tensor tensor, bool on) {
    return guard("requires_grad_", {tensor}, [&] { tensor->value.requires_grad_(on); });
}

ct_error ct_detach(ct_tensor a, ct_tensor *out) {
    return guard("detach", {a}, [&] { *out = wrap(a->value.detach()); });
}

ct_error ct_backward(ct_tensor loss) {
    return guard("backward", {loss}, [&] { loss->value.backward(); });
}

ct_error ct_grad(ct_tensor tensor, ct_tensor *out) {
    return guard("grad", {tensor}, [&] {
        at::Tensor gradient = tensor->value.grad();
        *out = gradient.defined() ? wrap(gradient) : nullptr;
    });
}

ct_error ct_clear_grad(ct_tensor tensor) {
    return guard("clear_grad", {tensor}, [&] { tensor->value.mutable_grad().reset(); });
}

ct_error ct_clip_grad_norm_(const ct_tensor *parameters, size_t count, double max_norm, double *total_norm) {
    return guard("clip_grad_norm_", {}, [&] {
        at::NoGradGuard no_grad;
        TORCH_CHECK(max_norm > 0, "the largest norm must be positive, got ", max_norm);
        if (count == 0) {
            *total_norm = 0;
            return;
        }
        std::vector<at::Tensor> all = gradients(parameters, count);
        at::Tensor norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(all, 2)));
        double value = norm.item().toDouble();
        // As torch.nn.utils.clip_grad_norm_ does, epsilon included.
        if (value > max_norm) at::_foreach_mul_(all, at::Scalar(max_norm / (value + 1e-6)));
        *total_norm = value;
    });
}

ct_error ct_adamw_(const ct_tensor *parameters, const ct_tensor *first_moments, const ct_tensor *second_moments,
                   size_t count, ct_adamw_options options) {
    return guard("adamw_", {}, [&] {
        at::NoGradGuard no_grad;
        if (count == 0) return;
        // The fused kernel reads the number of this step from a tensor per parameter, and does not change it.
        at::Tensor step = at::scalar_tensor(static_cast<double>(options.step),
                                            parameters[0]->value.options().dtype(at::kFloat).requires_grad(false));
        std::vector<at::Tensor> steps(count, step);
        at::_fused_adamw_(list(parameters, count), gradients(parameters, count), list(first_moments, count),
                          list(second_moments, count), /*max_exp_avg_sqs=*/{}, steps, options.learning_rate,
                          options.beta1, options.beta2, options.weight_decay, options.epsilon, /*amsgrad=*/false,
                          /*maximize=*/false);
    });
}
