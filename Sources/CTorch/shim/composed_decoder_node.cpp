// A decoder's layers as one autograd node, and their C interface.

#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include "cuda_library.h"
#include "decoder_graphs.h"
#include "internal.h"

using namespace ctorch;

namespace {

struct DecoderState : torch::CustomClassHolder {
    DecoderPass pass;
    uint64_t generation;
    bool used = false;
};

// The parameters of ct_decoder_make: undefined where a layer has no bias, the last norm's weight at the end.
std::vector<at::Tensor> decoder_parameters(const ct_tensor *given, size_t layers) {
    std::vector<at::Tensor> all;
    for (size_t i = 0; i < layers * CT_DECODER_PARAMETERS + 1; ++i) all.push_back(given[i] ? given[i]->value : at::Tensor());
    return all;
}

struct Decoder : torch::autograd::Function<Decoder> {
    // `list`: the parameters that there are; `places`: where they belong.
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &hidden, at::TensorList list,
                              std::vector<int64_t> places, c10::intrusive_ptr<DecoderState> state) {
        at::AutoDispatchBelowADInplaceOrView below;
        context->save_for_backward(list.vec());
        context->saved_data["state"] = c10::IValue::make_capsule(state);
        context->saved_data["places"] = places;
        return decoder_forward(state->pass, hidden, placed(list.vec(), places, state->pass), true);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list output_gradients) {
        auto capsule = context->saved_data["state"].toCapsule();
        auto &state = static_cast<DecoderState &>(*capsule);
        TORCH_CHECK(!state.used, "backward was called twice on the same graph; run the forward pass again");
        state.used = true;
        TORCH_CHECK(state.generation == state.pass.decoder->generation, "the layers' weights have changed since the forward pass");
        std::vector<int64_t> places = context->saved_data["places"].toIntVector();
        std::vector<at::Tensor> p = placed(context->get_saved_variables(), places, state.pass);
        at::AutoDispatchBelowADInplaceOrView below;
        std::vector<at::Tensor> gradients(p.size());
        at::Tensor input = decoder_backward(state.pass, output_gradients[0].contiguous(), p, gradients);
        torch::autograd::variable_list result{input};
        for (int64_t place : places) result.push_back(gradients[static_cast<size_t>(place)]);
        result.resize(result.size() + 2);
        return result;
    }

  private:
    static std::vector<at::Tensor> placed(const std::vector<at::Tensor> &list, const std::vector<int64_t> &places, const DecoderPass &pass) {
        std::vector<at::Tensor> all(pass.decoder->layer_count() * CT_DECODER_PARAMETERS + 1);
        for (size_t i = 0; i < list.size(); ++i) all[static_cast<size_t>(places[i])] = list[i];
        return all;
    }
};

void check_decoder(const at::Tensor &x, const ct_decoder_s &d, ct_tensor positions, ct_tensor cosine, ct_tensor sine) {
    const ct_decoder_options &o = d.options;
    TORCH_CHECK(x.dim() == 2 && x.size(1) == o.hidden && x.scalar_type() == at::kFloat && x.is_contiguous(),
                "the input must be float32 of the shape (tokens, ", o.hidden, ")");
    TORCH_CHECK(positions->value.scalar_type() == at::kInt && positions->value.numel() == x.size(0), "needs the position of each token");
    for (const at::Tensor &table : {cosine->value, sine->value})
        TORCH_CHECK(table.dim() == 2 && table.size(1) == o.head_width / 2 && table.scalar_type() == at::kFloat && table.is_contiguous() &&
                        table.device() == x.device(),
                    "the rotary tables must be float32 of the shape (positions, ", o.head_width / 2, ") on the input's device");
}

}  // namespace

bool ct_has_decoder_kernels(ct_tensor tensor) { return cuda_kernels(tensor->value) != nullptr; }

ct_error ct_decoder_make(const ct_tensor *parameters, ct_decoder_options options, const int64_t *windows, size_t layers, bool emulates_graphs,
                         ct_decoder *out) {
    return guard("decoder", {parameters[0]}, [&] {
        TORCH_CHECK(options.heads > 0 && options.key_value_heads > 0 && options.heads % options.key_value_heads == 0, "the ", options.heads,
                    " heads must be a multiple of ", options.key_value_heads);
        auto made = std::make_shared<ct_decoder_s>(decoder_parameters(parameters, layers), options,
                                                   std::vector<int64_t>(windows, windows + layers));
        const at::Tensor &first = parameters[0]->value;
        if (emulates_graphs || first.is_cuda()) made->graphs = std::make_shared<DecoderGraphs>(emulates_graphs, first.device());
        *out = new ct_decoder_handle_s{std::move(made)};
    });
}

void ct_decoder_free(ct_decoder decoder) { delete decoder; }

ct_error ct_decoder_run(ct_decoder handle, const ct_tensor *parameters, ct_tensor input, ct_tensor positions, ct_tensor cosine,
                        ct_tensor sine, ct_device_sequences given, const int64_t *offsets, ct_tensor *out) {
    return guard("decoder", {input, positions, cosine, sine, given.starts}, [&] {
        ct_decoder_s &d = *handle->decoder;
        std::vector<at::Tensor> p = decoder_parameters(parameters, d.layer_count()), list;
        const at::Tensor &x = input->value;
        check_decoder(x, d, positions, cosine, sine);
        c10::OptionalDeviceGuard device;
        if (!x.is_cpu()) device.reset_device(x.device());
        std::vector<int64_t> places;
        for (size_t i = 0; i < p.size(); ++i)
            if (p[i].defined()) list.push_back(p[i]), places.push_back(static_cast<int64_t>(i));
        auto state = c10::make_intrusive<DecoderState>();
        state->pass.decoder = handle->decoder;
        state->pass.sequences = device_sequences(given);
        state->pass.positions = positions->value, state->pass.cosine = cosine->value, state->pass.sine = sine->value;
        if (at::Tensor result = run_by_graphs(handle->decoder, state->pass, x, p, list, places, offsets); result.defined()) {
            *out = wrap(result);
            return;
        }
        d.refresh(p);
        state->generation = d.generation;
        std::vector<at::Tensor> all = list;
        all.push_back(x);
        if (any_requires_grad(all)) {
            *out = wrap(Decoder::apply(x, at::TensorList(list), places, state));
            return;
        }
        at::NoGradGuard no_grad;
        *out = wrap(decoder_forward(state->pass, x, p, false));
    });
}
