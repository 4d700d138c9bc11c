// Automatic differentiation: gradient mode, the backward pass and the gradients it leaves at the parameters.

#include "internal.h"

using namespace ctorch;

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
        *out = gradient.defined() ? wrap(gradient.is_sparse() ? gradient.to_dense() : gradient) : nullptr;
    });
}

bool ct_has_grad(ct_tensor tensor) { return tensor->value.grad().defined(); }

ct_error ct_clear_grad(ct_tensor tensor) {
    return guard("clear_grad", {tensor}, [&] { tensor->value.mutable_grad().reset(); });
}
