// Layers and embeddings by libtorch's operations as single autograd nodes, and their C interface.

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <memory>
#include <vector>

#include "composed_layer.h"
#include "internal.h"

using namespace ctorch;

namespace {

torch::autograd::variable_list outputs(const Hidden &hidden) {
    if (hidden.typed.defined()) return {hidden.wide, hidden.typed};
    return {hidden.wide};
}

Hidden gradient_of(const torch::autograd::variable_list &output_gradients) {
    return {contiguous(output_gradients[0]), output_gradients.size() > 1 ? contiguous(output_gradients[1]) : at::Tensor()};
}

struct ComposedLayerState : torch::CustomClassHolder {
    LayerPass pass;
    uint64_t generation;
    bool used = false;
};

struct ComposedLayer : torch::autograd::Function<ComposedLayer> {
    static torch::autograd::variable_list forward(torch::autograd::AutogradContext *context, const at::Tensor &input,
                                                  const std::optional<at::Tensor> &typed, at::TensorList list,
                                                  c10::intrusive_ptr<ComposedLayerState> state) {
        at::AutoDispatchBelowADInplaceOrView below;
        std::vector<at::Tensor> parameters = list.vec();
        Hidden output = layer_forward(state->pass, {input, typed.value_or(at::Tensor())}, parameters, true);
        context->save_for_backward(parameters);
        context->saved_data["state"] = c10::IValue::make_capsule(state);
        context->set_materialize_grads(false);
        return outputs(output);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list output_gradients) {
        auto capsule = context->saved_data["state"].toCapsule();
        auto &state = static_cast<ComposedLayerState &>(*capsule);
        TORCH_CHECK(!state.used, "backward was called twice on the same graph; run the forward pass again");
        state.used = true;
        TORCH_CHECK(state.generation == state.pass.weights->generation, "the layer's weights have changed since the forward pass");
        std::vector<at::Tensor> p = context->get_saved_variables();
        at::AutoDispatchBelowADInplaceOrView below;
        std::vector<at::Tensor> gradients(layer_parameters);
        bool has_typed = state.pass.has_typed;
        Hidden input = layer_backward(state.pass, gradient_of(output_gradients), p, gradients);
        torch::autograd::variable_list result{input.wide, has_typed ? input.typed : at::Tensor()};
        result.insert(result.end(), gradients.begin(), gradients.end());
        result.resize(result.size() + 1);
        return result;
    }
};

struct EmbeddingState : torch::CustomClassHolder {
    EmbeddingPass pass;
    bool used = false;
};

struct Embeddings : torch::autograd::Function<Embeddings> {
    static torch::autograd::variable_list forward(torch::autograd::AutogradContext *context, at::TensorList list,
                                                  c10::intrusive_ptr<EmbeddingState> state) {
        at::AutoDispatchBelowADInplaceOrView below;
        std::vector<at::Tensor> p = list.vec();
        Hidden output = embeddings_forward(state->pass, p, true);
        context->save_for_backward(p);
        context->saved_data["state"] = c10::IValue::make_capsule(state);
        context->set_materialize_grads(false);
        return outputs(output);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list output_gradients) {
        auto capsule = context->saved_data["state"].toCapsule();
        auto &state = static_cast<EmbeddingState &>(*capsule);
        TORCH_CHECK(!state.used, "backward was called twice on the same graph; run the forward pass again");
        state.used = true;
        std::vector<at::Tensor> p = context->get_saved_variables();
        at::AutoDispatchBelowADInplaceOrView below;
        std::vector<at::Tensor> gradients = embeddings_backward(state.pass, gradient_of(output_gradients), p);
        state.pass = {};
        torch::autograd::variable_list result(gradients.begin(), gradients.end());
        result.emplace_back();
        return result;
    }
};

void hand_out(const torch::autograd::variable_list &outputs, ct_tensor *out, ct_tensor *typed_out) {
    *out = wrap(outputs[0]);
    *typed_out = outputs.size() > 1 ? wrap(outputs[1]) : nullptr;
}

// Kernels are launched on the current device; autograd has a thread for each device.
void make_current(c10::OptionalDeviceGuard &guard, const at::Tensor &tensor) {
    if (!tensor.is_cpu()) guard.reset_device(tensor.device());
}

// The token groups that the backward pass of a word embedding table needs, copied to the device in one transfer.
TokenGroups grouped(const int32_t *ids, int64_t count, const at::Tensor &table, int64_t padding) {
    at::Tensor host = at::empty({3 * count + 2}, at::TensorOptions(at::kInt).pinned_memory(table.is_cuda()));
    int32_t *numbers = host.mutable_data_ptr<int32_t>();
    int64_t groups =
        group_tokens(ids, count, table.size(0), padding, numbers, numbers + count, numbers + 2 * count + 1);
    numbers[3 * count + 1] = static_cast<int32_t>(groups);
    at::Tensor all = host.to(table.device(), /*non_blocking=*/true);
    return {all.narrow(0, 0, count), all.narrow(0, count, groups + 1), all.narrow(0, 2 * count + 1, groups),
            all.narrow(0, 3 * count + 1, 1), groups};
}

}  // namespace

ct_error ct_composed_layer_make(const ct_tensor *parameters, ct_layer_options options, ct_composed_layer *out) {
    return guard("composed_layer", {parameters[0]}, [&] {
        *out = new ct_composed_handle_s{std::make_shared<ct_composed_layer_s>(list(parameters, layer_parameters), options)};
    });
}

ct_error ct_composed_layer_refresh(ct_composed_layer layer, const ct_tensor *parameters) {
    return guard("composed_layer", {parameters[0]}, [&] { layer->layer->refresh_if_changed(list(parameters, layer_parameters)); });
}

void ct_composed_layer_free(ct_composed_layer layer) { delete layer; }

ct_error ct_composed_layer_run(ct_composed_layer layer, const ct_tensor *parameters, ct_layer_options options, ct_tensor input,
                               ct_tensor typed_or_null, ct_device_sequences given, ct_tensor *out, ct_tensor *typed_out) {
    return guard("encoder_layer", {input, typed_or_null, given.starts}, [&] {
        std::vector<at::Tensor> p = list(parameters, layer_parameters);
        const at::Tensor &x = input->value;
        at::Tensor typed = typed_or_null ? typed_or_null->value : at::Tensor();
        c10::OptionalDeviceGuard device;
        make_current(device, x);
        TORCH_CHECK(x.dim() == 2 && x.size(1) == options.hidden && x.scalar_type() == at::kFloat,
                    "the input must be float32 of the shape (tokens, ", options.hidden, ")");
        auto state = c10::make_intrusive<ComposedLayerState>();
        state->pass.options = options;
        state->pass.sequences = device_sequences(given);
        state->pass.weights = layer->layer;
        state->generation = layer->layer->generation;
        TORCH_CHECK((options.bfloat16 ? at::kBFloat16 : at::kFloat) == layer->layer->type, "the weights are of another type");
        std::vector<at::Tensor> all = p;
        all.push_back(x);
        if (any_requires_grad(all)) {
            std::optional<at::Tensor> second;
            if (typed.defined()) second = typed;
            hand_out(ComposedLayer::apply(x, second, at::TensorList(p), state), out, typed_out);
            return;
        }
        at::NoGradGuard no_grad;
        ct_layer_options &own = state->pass.options;
        own.hidden_dropout = own.output_dropout = own.attention_dropout = 0;
        hand_out(outputs(layer_forward(state->pass, {x, typed}, p, false)), out, typed_out);
    });
}

ct_error ct_composed_embeddings(const ct_tensor *parameters, const int32_t *ids, ct_tensor device_ids, ct_tensor positions,
                                ct_tensor types_or_null, ct_tensor starts, int64_t padding_index, double epsilon, double dropout,
                                uint64_t seed, uint64_t offset, bool bfloat16, ct_tensor *out, ct_tensor *typed_out) {
    return guard("packed_embeddings", {device_ids, positions}, [&] {
        std::vector<at::Tensor> p = list(parameters, embedding_parameters);
        c10::OptionalDeviceGuard device;
        make_current(device, p[word_table]);
        auto state = c10::make_intrusive<EmbeddingState>();
        EmbeddingPass &pass = state->pass;
        pass.rows = {p[word_table].detach(), p[position_table].detach(), p[type_table].detach(), device_ids->value,
                     positions->value, types_or_null ? types_or_null->value : at::Tensor()};
        pass.sequence_starts = starts->value;
        pass.epsilon = epsilon;
        pass.padding = padding_index;
        pass.type = bfloat16 ? at::kBFloat16 : at::kFloat;
        if (any_requires_grad(p)) {
            pass.call = {dropout, seed, offset};
            if (p[word_table].is_cuda()) pass.groups = grouped(ids, device_ids->value.numel(), p[word_table], padding_index);
            hand_out(Embeddings::apply(at::TensorList(p), state), out, typed_out);
            return;
        }
        at::NoGradGuard no_grad;
        hand_out(outputs(embeddings_forward(pass, p, false)), out, typed_out);
    });
}
