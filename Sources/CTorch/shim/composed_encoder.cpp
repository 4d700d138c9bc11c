// A whole encoder on packed sequences as one autograd node, whose kernels a CUDA graph launches together: launching them one by
// one takes longer than the device needs for a small batch.
//
// Batches are padded to a few shapes: the number of tokens is rounded up by additional examples that nothing attends to and no
// gradient reaches. The second batch of a shape is captured, forward and backward, and from then on the graphs are replayed
// with each batch's numbers copied into their input. All graphs of a device, a teacher's and a student's, share one memory
// pool: none may run while a backward pass still needs the activations of another's forward pass, so a second forward pass
// before that is computed without graphs.

#include "composed_encoder.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include "internal.h"

using namespace ctorch;

struct ct_encoder_handle_s {
    std::shared_ptr<ct_encoder_s> encoder;
};

namespace {

constexpr size_t most_shapes = 96;
// From this size on the device takes longer than the launches of its kernels: measured, docs/gpu.md.
constexpr int64_t most_tokens = 1 << 13;

int64_t rounded_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

void run_forward(ct_encoder_s &e, Entry &entry, const Shape &s) {
    // A training step has changed them all.
    if (s.training)
        for (size_t i = 0; i < e.weights.size(); ++i) e.weights[i]->refresh(e.parameters[i]);
    Hidden hidden = embeddings_forward(entry.embedding, e.tables, s.training);
    for (size_t i = 0; i < entry.layers.size(); ++i)
        hidden = layer_forward(entry.layers[i], hidden, e.parameters[i], s.training);
    // The last examples are those that fill the batch up.
    entry.output.copy_(hidden.wide.narrow(0, 0, s.examples));
}

void run_backward(ct_encoder_s &e, Entry &entry, const Shape &s) {
    at::Tensor whole = at::zeros({s.examples + s.fillers(), entry.gradient.size(1)}, entry.gradient.options());
    whole.narrow(0, 0, s.examples).copy_(entry.gradient);
    Hidden gradient{whole, {}};
    std::vector<std::vector<at::Tensor>> found(entry.layers.size());
    for (size_t i = entry.layers.size(); i-- > 0;) {
        found[i].resize(layer_parameters);
        gradient = layer_backward(entry.layers[i], gradient, e.parameters[i], found[i]);
    }
    std::vector<at::Tensor> all = embeddings_backward(entry.embedding, gradient, e.tables);
    for (auto &layer : found) all.insert(all.end(), layer.begin(), layer.end());
    at::_foreach_copy_(e.gradients, all);
}

// Releases the tensors that the forward and backward passes have kept; a captured graph goes on using the memory.
void forget(Entry &entry) {
    entry.embedding.norm = {};
    for (LayerPass &layer : entry.layers) layer.input.reset(), layer.inner.reset(), layer.attention = {}, layer.norm1 = layer.norm2 = {};
}

struct EncoderState : torch::CustomClassHolder {
    std::shared_ptr<ct_encoder_s> encoder;  // keeps the entry too
    Entry *entry;
    Shape shape;
    std::shared_ptr<int> token = std::make_shared<int>(0);
    bool used = false;
};

void forward(EncoderState &state) {
    ct_encoder_s &e = *state.encoder;
    Entry &entry = *state.entry;
    if (e.emulated) {
        run_forward(e, entry, state.shape);
    } else {
        replay(entry.forward);
    }
}

struct Encoder : torch::autograd::Function<Encoder> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, at::TensorList, c10::intrusive_ptr<EncoderState> state) {
        at::AutoDispatchBelowADInplaceOrView below;
        ::forward(*state);
        context->saved_data["state"] = c10::IValue::make_capsule(state);
        return state->entry->output.detach();
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list output_gradients) {
        auto capsule = context->saved_data["state"].toCapsule();
        auto &state = static_cast<EncoderState &>(*capsule);
        TORCH_CHECK(!state.used, "backward was called twice on the same graph; run the forward pass again");
        state.used = true;
        ct_encoder_s &e = *state.encoder;
        Entry &entry = *state.entry;
        at::AutoDispatchBelowADInplaceOrView below;
        entry.gradient.copy_(output_gradients[0]);
        if (e.emulated) {
            run_backward(e, entry, state.shape);
        } else {
            replay(entry.backward);
        }
        state.token.reset();
        // New tensors over the same memory, which become the parameters' gradients as they are.
        torch::autograd::variable_list result;
        for (const at::Tensor &gradient : e.gradients) result.push_back(gradient.detach());
        result.emplace_back();
        return result;
    }
};

// Captures a shape's graphs; returns false if that fails.
bool capture(ct_encoder_s &e, Entry &entry, const Shape &s) {
    at::NoGradGuard no_grad;
    at::AutoDispatchBelowADInplaceOrView below;
    prepare(e, entry, s);
    if (s.training && e.gradients.empty()) {
        std::vector<at::Tensor> made;
        for (const at::Tensor &parameter : e.all_parameters()) made.push_back(at::empty_like(parameter));
        e.gradients = std::move(made);
    }
    if (e.emulated) return true;
    const at::Device device = e.tables[word_table].device();
    bool done = e.shared->capture(device, entry.forward, [&] { run_forward(e, entry, s); });
    if (done && s.training) done = e.shared->capture(device, entry.backward, [&] { run_backward(e, entry, s); });
    forget(entry);
    return done;
}

// The batch as passed by the caller, with its number of tokens and its longest sequence.
Batch batch_of(const int32_t *ids, const int32_t *types_or_null, const int64_t *offsets, size_t offset_count, uint64_t seed,
               uint64_t offset) {
    Batch b{ids, types_or_null, offsets, static_cast<int64_t>(offset_count) - 1, offsets[offset_count - 1], 0, seed, offset};
    for (int64_t i = 0; i < b.examples; ++i) b.longest = std::max(b.longest, offsets[i + 1] - offsets[i]);
    return b;
}

// Trainable parameters whose gradients are clear: true if one backward graph computes the gradients of them all.
bool suits_training(const std::vector<at::Tensor> &all) {
    // If some are frozen, the layers below them need neither gradients nor dropout: that is left to the single layers. The
    // token type table is a placeholder in models without token types.
    for (size_t i = 0; i < all.size(); ++i)
        if (i != type_table && !all[i].requires_grad()) return false;
    // Gradients that have not been accumulated yet are stored where the next ones would be written.
    return std::none_of(all.begin(), all.end(), [](const at::Tensor &t) { return t.grad().defined(); });
}

}  // namespace

ct_error ct_encoder_make(const ct_tensor *tables, const ct_tensor *parameters, const ct_layer_options *options, size_t layers,
                         int64_t padding_index, int64_t first_position, double epsilon, double dropout, bool emulated,
                         ct_encoder *out) {
    return guard("encoder", {tables[0]}, [&] {
        *out = nullptr;
        // The graphs' memory is read through pointers that only this package's kernels take.
        if (!emulated && !(tables[0]->value.is_cuda() && cuda_graphs() && *ct_cuda_kernels_path())) return;
        auto made = std::make_shared<ct_encoder_s>();
        made->tables = list(tables, embedding_parameters);
        for (size_t i = 0; i < layers; ++i) {
            made->parameters.push_back(list(parameters + i * layer_parameters, layer_parameters));
            made->options.push_back(options[i]);
        }
        made->padding = padding_index, made->first_position = first_position, made->epsilon = epsilon, made->dropout = dropout;
        made->emulated = emulated;
        made->shared = emulated ? std::make_shared<GraphPool>() : graph_pool_of(tables[0]->value.device());
        *out = new ct_encoder_handle_s{std::move(made)};
    });
}

void ct_encoder_free(ct_encoder encoder) { delete encoder; }

ct_error ct_encoder_run(ct_encoder encoder, const int32_t *ids, const int32_t *types_or_null, const int64_t *offsets,
                        size_t offset_count, const ct_composed_layer *layers, bool bfloat16, bool dropout, uint64_t seed, uint64_t offset,
                        ct_tensor *out) {
    return guard("encoder", {}, [&] {
        ct_encoder_s &e = *encoder->encoder;
        *out = nullptr;
        if (e.shared->in_flight.lock()) return;
        Batch b = batch_of(ids, types_or_null, offsets, offset_count, seed, offset);
        std::vector<at::Tensor> all = e.all_parameters();
        bool with_gradients = at::GradMode::is_enabled(), training = any_requires_grad(all);
        if (training && !suits_training(all)) return;
        // The filling examples have at least one token, at which the empty ones begin.
        int64_t tokens = rounded_up(b.tokens + 1, Shape::step(b.tokens + 1));
        if (tokens > most_tokens) return;
        Shape shape{tokens, b.examples, rounded_up(b.longest, 64), types_or_null != nullptr, training, dropout && training};
        at::ScalarType type = bfloat16 ? at::kBFloat16 : at::kFloat;
        // Graphs are of one type; a second one, which few use in one run, is computed layer by layer.
        if (e.weights.empty()) {
            for (size_t i = 0; i < e.options.size(); ++i) e.weights.push_back(shared_weights(layers[i]));
        }
        if (e.weights.front()->type != type) return;
        if (!e.emulated && !has_variable_length_attention(true, type, e.options.front().hidden / e.options.front().heads)) return;
        if (!e.entries.count(shape) && e.entries.size() >= most_shapes) return;
        auto &slot = e.entries[shape];
        if (!slot) slot = std::make_unique<Entry>();
        Entry &entry = *slot;
        if (entry.refused || ++entry.uses < 2) return;
        c10::OptionalDeviceGuard device;
        if (!e.tables[word_table].is_cpu()) device.reset_device(e.tables[word_table].device());
        if (!entry.numbers.defined()) {
            // If it throws, this shape is not tried again.
            entry.refused = true;
            if (!capture(e, entry, shape)) return;
            entry.refused = false;
        }
        {
            at::NoGradGuard no_grad;
            fill(e, entry, shape, b);
            for (size_t i = 0; !training && i < e.weights.size(); ++i) e.weights[i]->refresh_if_changed(e.parameters[i]);
            if (shape.dropout && entry.numbers.is_cuda()) seed_generator(entry.numbers.device(), seed, offset);
        }
        auto state = c10::make_intrusive<EncoderState>();
        state->encoder = encoder->encoder, state->entry = &entry, state->shape = shape;
        if (training) {
            e.shared->in_flight = state->token;
            *out = wrap(Encoder::apply(at::TensorList(all), state));
            for (size_t i = 0; i < e.weights.size(); ++i) e.weights[i]->note_refreshed(e.parameters[i]);
            return;
        }
        at::NoGradGuard no_grad;
        forward(*state);
        // A trained head keeps its input for its backward pass.
        *out = wrap(with_gradients ? entry.output.clone() : entry.output.detach());
    });
}
