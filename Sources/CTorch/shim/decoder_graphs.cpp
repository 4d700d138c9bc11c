#include "decoder_graphs.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include "internal.h"

namespace ctorch {

namespace {

constexpr size_t most_decoder_shapes = 96;
// As for encoders, and of wider models less: from some size on the device takes longer than the launches of its kernels, and graphs
// only take memory (docs/gpu.md).
constexpr int64_t most_decoder_tokens = 1 << 13, most_decoder_numbers = 1 << 23;

at::Tensor rows_of(const at::Tensor &buffer, int64_t count) { return buffer.narrow(0, 0, count); }

void run_decoder_forward(ct_decoder_s &d, DecoderEntry &entry, const DecoderShape &s, const std::vector<at::Tensor> &p) {
    DecoderGraphs &g = *d.graphs;
    // A training step has changed them all.
    if (s.training) d.copy_parameters(p);
    rows_of(g.output, s.tokens).copy_(decoder_forward(entry.pass, rows_of(g.input, s.tokens), p, s.training));
}

void run_decoder_backward(ct_decoder_s &d, DecoderEntry &entry, const DecoderShape &s, const std::vector<at::Tensor> &p,
                          const std::vector<int64_t> &places) {
    DecoderGraphs &g = *d.graphs;
    std::vector<at::Tensor> found(p.size()), all;
    rows_of(g.input_gradient, s.tokens).copy_(decoder_backward(entry.pass, rows_of(g.gradient, s.tokens), p, found));
    for (int64_t place : places) all.push_back(found[static_cast<size_t>(place)]);
    at::_foreach_copy_(g.gradients, all);
}

// Copies a batch's numbers to the memory that the shape's graphs read.
void fill_numbers(DecoderEntry &entry, const DecoderShape &s, const int64_t *offsets) {
    int64_t tokens = offsets[s.texts];
    at::Tensor host = at::empty({entry.numbers.numel()}, at::TensorOptions(at::kInt).pinned_memory(entry.numbers.is_cuda()));
    int32_t *positions = host.mutable_data_ptr<int32_t>(), *starts = positions + s.tokens;
    for (int64_t i = 0; i < s.texts; ++i)
        for (int64_t t = offsets[i]; t < offsets[i + 1]; ++t) positions[t] = static_cast<int32_t>(t - offsets[i]);
    std::fill(positions + tokens, positions + s.tokens, 0);
    for (int64_t i = 0; i <= s.texts; ++i) starts[i] = static_cast<int32_t>(offsets[i]);
    fill_starts(starts, s.texts, s.fillers(), s.tokens, s.longest);
    entry.numbers.copy_(host, /*non_blocking=*/true);
    if (entry.padded_indices.defined()) entry.padded_indices.copy_(padded_tokens(starts, s.texts + s.fillers(), s.longest));
}

// Allocates what a shape's graphs read, and captures them; returns false if that fails.
bool capture_decoder(const std::shared_ptr<ct_decoder_s> &decoder, DecoderEntry &entry, const DecoderShape &s, const DecoderPass &batch,
                     const at::Tensor &hidden, const std::vector<at::Tensor> &p, const std::vector<at::Tensor> &list,
                     const std::vector<int64_t> &places) {
    at::NoGradGuard no_grad;
    at::AutoDispatchBelowADInplaceOrView below;
    ct_decoder_s &d = *decoder;
    DecoderGraphs &g = *d.graphs;
    int64_t most = std::min(most_decoder_tokens, most_decoder_numbers / hidden.size(1));
    auto buffer = [&] { return at::zeros({most, hidden.size(1)}, hidden.options().requires_grad(false)); };
    if (!g.input.defined()) g.input = buffer(), g.output = buffer();
    if (s.training && !g.gradient.defined()) {
        g.gradient = buffer(), g.input_gradient = buffer();
        for (const at::Tensor &parameter : list) g.gradients.push_back(at::empty_like(parameter));
    }
    int64_t texts = s.texts + s.fillers();
    entry.numbers = at::empty({s.tokens + texts + 1}, hidden.options().dtype(at::kInt).requires_grad(false));
    if (batch.sequences.padded_indices.defined())
        entry.padded_indices = at::empty({s.tokens}, batch.sequences.padded_indices.options());
    entry.pass.decoder = decoder;
    entry.pass.positions = entry.numbers.narrow(0, 0, s.tokens);
    entry.pass.sequences = {entry.numbers.narrow(0, s.tokens, texts + 1), entry.padded_indices, s.longest};
    // Longer tables have the same numbers: these stay.
    entry.pass.cosine = batch.cosine, entry.pass.sine = batch.sine;
    if (g.emulated) return true;
    bool done = g.pool->capture(hidden.device(), entry.forward, [&] { run_decoder_forward(d, entry, s, p); });
    if (done && s.training) done = g.pool->capture(hidden.device(), entry.backward, [&] { run_decoder_backward(d, entry, s, p, places); });
    // The graphs go on using this memory.
    entry.pass.layers.clear(), entry.pass.last_norm = {};
    // A decoder that keeps itself would never end.
    entry.pass.decoder.reset();
    return done;
}

struct DecoderGraphState : torch::CustomClassHolder {
    std::shared_ptr<ct_decoder_s> decoder;  // keeps the entry too
    DecoderEntry *entry;
    DecoderShape shape;
    int64_t tokens;
    std::vector<at::Tensor> parameters;
    std::vector<int64_t> places;
    std::shared_ptr<int> token = std::make_shared<int>(0);
    bool used = false;
};

void run_forward_graph(DecoderGraphState &state) {
    DecoderEntry &entry = *state.entry;
    if (!state.decoder->graphs->emulated) return replay(entry.forward);
    entry.pass.decoder = state.decoder;
    run_decoder_forward(*state.decoder, entry, state.shape, state.parameters);
}

struct DecoderByGraphs : torch::autograd::Function<DecoderByGraphs> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &, at::TensorList,
                              c10::intrusive_ptr<DecoderGraphState> state) {
        at::AutoDispatchBelowADInplaceOrView below;
        run_forward_graph(*state);
        context->saved_data["state"] = c10::IValue::make_capsule(state);
        return rows_of(state->decoder->graphs->output, state->tokens).clone();
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list output_gradients) {
        auto capsule = context->saved_data["state"].toCapsule();
        auto &state = static_cast<DecoderGraphState &>(*capsule);
        TORCH_CHECK(!state.used, "backward was called twice on the same graph; run the forward pass again");
        state.used = true;
        DecoderGraphs &g = *state.decoder->graphs;
        at::AutoDispatchBelowADInplaceOrView below;
        rows_of(g.gradient, state.tokens).copy_(output_gradients[0]);
        if (state.shape.tokens > state.tokens) g.gradient.narrow(0, state.tokens, state.shape.tokens - state.tokens).zero_();
        if (g.emulated) {
            run_decoder_backward(*state.decoder, *state.entry, state.shape, state.parameters, state.places);
            state.entry->pass.decoder.reset();
        } else {
            replay(state.entry->backward);
        }
        state.token.reset();
        torch::autograd::variable_list result{rows_of(g.input_gradient, state.tokens)};
        // New tensors over the same memory, which become the parameters' gradients as they are.
        for (const at::Tensor &gradient : g.gradients) result.push_back(gradient.detach());
        result.emplace_back();
        return result;
    }
};

// Trainable parameters whose gradients are clear, or none that is trainable.
bool suits_graphs(const std::vector<at::Tensor> &list, bool training) {
    return !training || std::all_of(list.begin(), list.end(), [](const at::Tensor &t) { return t.requires_grad() && !t.grad().defined(); });
}

}  // namespace

at::Tensor run_by_graphs(const std::shared_ptr<ct_decoder_s> &decoder, const DecoderPass &batch, const at::Tensor &hidden,
                         const std::vector<at::Tensor> &all, const std::vector<at::Tensor> &list, const std::vector<int64_t> &places,
                         const int64_t *offsets) {
    ct_decoder_s &d = *decoder;
    if (!d.graphs || d.graphs->pool->in_flight.lock()) return {};
    DecoderGraphs &g = *d.graphs;
    if (!g.emulated && (!cuda_graphs() || batch.sequences.padded_indices.defined())) return {};
    int64_t tokens = hidden.size(0);
    bool training = any_requires_grad(list);
    // Embeddings alone that are trained need a backward pass through layers that are not.
    if (!suits_graphs(list, training) || (!training && any_requires_grad({hidden}))) return {};
    DecoderShape shape = DecoderShape::of(tokens, batch.sequences.count(), batch.sequences.longest, training);
    if (tokens == 0 || shape.tokens > most_decoder_tokens || shape.tokens * hidden.size(1) > most_decoder_numbers) return {};
    if (!g.entries.count(shape) && g.entries.size() >= most_decoder_shapes) return {};
    auto &slot = g.entries[shape];
    if (!slot) slot = std::make_unique<DecoderEntry>();
    DecoderEntry &entry = *slot;
    if (entry.refused || ++entry.uses < 2) return {};
    if (!entry.numbers.defined()) {
        // If it throws, this shape is not tried again.
        entry.refused = true;
        if (!capture_decoder(decoder, entry, shape, batch, hidden, all, list, places)) return {};
        entry.refused = false;
    }
    auto state = c10::make_intrusive<DecoderGraphState>();
    state->decoder = decoder, state->entry = &entry, state->shape = shape, state->tokens = tokens;
    if (g.emulated) state->parameters = all;
    state->places = places;
    {
        at::NoGradGuard no_grad;
        fill_numbers(entry, shape, offsets);
        rows_of(g.input, tokens).copy_(hidden);
    }
    if (training) {
        g.pool->in_flight = state->token;
        at::Tensor result = DecoderByGraphs::apply(hidden, at::TensorList(list), state);
        d.note_copied(all);
        return result;
    }
    at::NoGradGuard no_grad;
    d.refresh(all);
    run_forward_graph(*state);
    entry.pass.decoder.reset();
    return rows_of(g.output, tokens).clone();
}

}  // namespace ctorch
