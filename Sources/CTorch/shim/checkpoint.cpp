// Recomputation (Chen et al., arXiv 1604.06174): a part of a forward pass leaves its input alone, and runs again in the backward pass.

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include "internal.h"

using namespace ctorch;

namespace {

struct CheckpointBody : torch::CustomClassHolder {
    ct_checkpoint_body body;
    explicit CheckpointBody(const ct_checkpoint_body &b) : body(b) {}
    ~CheckpointBody() override { body.release(body.context); }

    at::Tensor run(const at::Tensor &input) const {
        ct_tensor_s given(input);
        ct_tensor out = nullptr;
        if (ct_error error = body.run(body.context, &given, &out)) {
            std::string message = error->message;
            ct_error_free(error);
            throw std::runtime_error(message);
        }
        at::Tensor result = out->value;
        ct_tensor_free(out);
        return result;
    }
};

struct CheckpointNode : torch::autograd::Function<CheckpointNode> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &input,
                              c10::intrusive_ptr<CheckpointBody> body) {
        at::NoGradGuard no_grad;
        at::Tensor output = body->run(input);
        context->save_for_backward({input});
        context->saved_data["body"] = c10::IValue::make_capsule(body);
        return output;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        auto capsule = context->saved_data["body"].toCapsule();
        auto &body = static_cast<CheckpointBody &>(*capsule);
        at::Tensor input = context->get_saved_variables()[0].detach().requires_grad_(true), output;
        {
            at::AutoGradMode recording(true);
            output = body.run(input);
        }
        torch::autograd::backward({output}, {gradients[0]});
        context->saved_data.clear();
        return {input.grad(), at::Tensor()};
    }
};

}  // namespace

ct_error ct_checkpoint(ct_tensor input, ct_checkpoint_body body, ct_tensor *out) {
    auto holder = c10::make_intrusive<CheckpointBody>(body);
    return guard("checkpoint", {input}, [&] {
        TORCH_CHECK(input->value.requires_grad(), "the input of a part that is computed again must require a gradient");
        *out = wrap(CheckpointNode::apply(input->value, holder));
    });
}

ct_error ct_alias(ct_tensor tensor, ct_tensor *out) {
    return guard("alias", {tensor}, [&] { *out = wrap(tensor->value); });
}

ct_error ct_make_error(const char *message) { return new ct_error_s{CT_ERROR_OPERATION, message}; }
