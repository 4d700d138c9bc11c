#include "composed_attention.h"

#include <ATen/Context.h>
#include <ATen/ops/_flash_attention_backward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/_softmax_backward_data.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>

#include <limits>

namespace ctorch {

namespace {

// Makes libtorch's kernels with a nondeterministic order of summation use a deterministic one while this lives. Their memory is
// not filled first, which would take longer than the order costs: each writes all that it reads.
class Deterministic {
  public:
    Deterministic()
        : on(at::globalContext().deterministicAlgorithms()), warn(at::globalContext().deterministicAlgorithmsWarnOnly()),
          fills(at::globalContext().deterministicFillUninitializedMemory()) {
        at::globalContext().setDeterministicAlgorithms(true, false);
        at::globalContext().setDeterministicFillUninitializedMemory(false);
    }
    ~Deterministic() {
        at::globalContext().setDeterministicAlgorithms(on, warn);
        at::globalContext().setDeterministicFillUninitializedMemory(fills);
    }
    Deterministic(const Deterministic &) = delete;

  private:
    bool on, warn, fills;
};

// (tokens, heads, width) → (B, heads, L, width), zeros at padding.
at::Tensor padded(const at::Tensor &x, const DeviceSequences &s) {
    int64_t heads = x.size(1), width = x.size(2);
    at::Tensor whole = at::zeros({s.count() * s.longest, heads * width}, x.options());
    whole.index_copy_(0, s.padded_indices, x.reshape({x.size(0), heads * width}));
    return whole.view({s.count(), s.longest, heads, width}).transpose(1, 2);
}

at::Tensor unpadded(const at::Tensor &x, const DeviceSequences &s) {
    return x.transpose(1, 2).reshape({s.count() * s.longest, -1}).index_select(0, s.padded_indices);
}

// Queries of every token, or of each example's first: (B, heads, L or 1, width).
at::Tensor padded_queries(const at::Tensor &x, bool first_only, const DeviceSequences &s) {
    return first_only ? x.unsqueeze(2) : padded(x, s);
}
at::Tensor unpadded_queries(const at::Tensor &x, bool first_only, const DeviceSequences &s) {
    return first_only ? x.reshape({x.size(0), -1}) : unpadded(x, s);
}

// (B, K, L, width) → (B, heads, L, width): each head for all that it serves.
at::Tensor repeated(const at::Tensor &x, int64_t heads) {
    int64_t groups = heads / x.size(1);
    return groups == 1 ? x : x.unsqueeze(2).expand({-1, -1, groups, -1, -1}).flatten(1, 2);
}
// The gradient of `repeated`.
at::Tensor unrepeated(const at::Tensor &gradient, int64_t key_value_heads) {
    int64_t groups = gradient.size(1) / key_value_heads;
    return groups == 1 ? gradient : gradient.unflatten(1, {key_value_heads, groups}).sum(2);
}

// (L, L), true where a token does not attend: to those after it, and to those before its window.
at::Tensor hidden(const AttentionForm &form, const DeviceSequences &s) {
    at::Tensor numbers = at::arange(s.longest, s.starts.options()), distance = numbers.unsqueeze(1) - numbers.unsqueeze(0);
    at::Tensor result = distance.lt(0);
    return form.window > 0 ? result.logical_or(distance.ge(form.window)) : result;
}

// (B, 1, 1, L), true at padding.
at::Tensor padding(const DeviceSequences &s) {
    at::Tensor lengths = s.starts.narrow(0, 1, s.count()) - s.starts.narrow(0, 0, s.count());
    at::Tensor numbers = at::arange(s.longest, s.starts.options());
    return numbers.unsqueeze(0).ge(lengths.unsqueeze(1)).unsqueeze(1).unsqueeze(1);
}

// A window's tokens before and after a token, as libtorch takes them.
std::optional<int64_t> left_of(const AttentionForm &form) {
    return form.window > 0 ? std::optional<int64_t>(form.window - 1) : std::nullopt;
}
std::optional<int64_t> right_of(const AttentionForm &form) { return form.window > 0 ? std::optional<int64_t>(0) : std::nullopt; }

}  // namespace

bool has_variable_length_attention(bool is_cuda, at::ScalarType type, int64_t head_width) {
    return is_cuda && type == at::kBFloat16 && head_width % 8 == 0 && head_width <= 256 && is_ampere();
}

void attend(AttentionState &state, const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, const AttentionForm &form,
            const DeviceSequences &s, const DropoutCall &call) {
    int64_t width = key.size(1) / form.key_value_heads;
    state.query = query.unflatten(1, {form.heads, width});
    state.key = key.unflatten(1, {form.key_value_heads, width}), state.value = value.unflatten(1, {form.key_value_heads, width});
    if (has_variable_length_attention(query.is_cuda(), query.scalar_type(), width)) {
        // The kernel has a row of thread blocks for each example.
        TORCH_CHECK(s.count() <= 65535, "a batch of ", s.count(), " texts, of which attention on CUDA takes 65535 at most; use a smaller batch size");
        state.query_starts = form.first_only ? at::arange(s.count() + 1, s.starts.options()) : s.starts;
        // A captured graph draws from the generator's state at each replay.
        if (call.on() && !call.state) seed_generator(query.device(), call.seed, call.offset);
        at::Tensor output, debug;
        std::tie(output, state.log_sum, state.random, state.unused, debug) = at::_flash_attention_forward(
            state.query, state.key, state.value, state.query_starts, s.starts, form.first_only ? 1 : s.longest, s.longest,
            call.probability, form.causal, /*return_debug_mask=*/false, form.scale, left_of(form), right_of(form));
        state.output = output.reshape({query.size(0), form.heads * width});
        return;
    }
    TORCH_CHECK(s.padded_indices.defined(), "attention of padded batches needs the indices of the tokens");
    at::Tensor q = padded_queries(state.query, form.first_only, s), k = repeated(padded(state.key, s), form.heads);
    at::Tensor scores = at::matmul(q * form.scale, k.transpose(2, 3));
    scores.masked_fill_(padding(s), std::numeric_limits<float>::lowest() / 2);
    if (form.causal) scores.masked_fill_(hidden(form, s), std::numeric_limits<float>::lowest() / 2);
    state.probabilities = scores.softmax(-1);
    at::Tensor weights = call.on() ? dropout(state.probabilities, call) : state.probabilities;
    state.output = unpadded_queries(at::matmul(weights, repeated(padded(state.value, s), form.heads)), form.first_only, s);
}

std::array<at::Tensor, 3> attend_backward(const AttentionState &state, const at::Tensor &gradient, const AttentionForm &form,
                                          const DeviceSequences &s, const DropoutCall &call) {
    at::Tensor output_gradient = gradient.unflatten(1, {form.heads, gradient.size(1) / form.heads});
    if (!state.probabilities.defined()) {
        Deterministic deterministic;
        at::Tensor output = state.output.unflatten(1, {form.heads, gradient.size(1) / form.heads});
        auto [q, k, v] = at::_flash_attention_backward(
            output_gradient, state.query, state.key, state.value, output, state.log_sum, state.query_starts, s.starts,
            form.first_only ? 1 : s.longest, s.longest, call.probability, form.causal, state.random, state.unused, form.scale,
            left_of(form), right_of(form));
        return {q.flatten(1), k.flatten(1), v.flatten(1)};
    }
    at::Tensor q = padded_queries(state.query, form.first_only, s);
    at::Tensor k = repeated(padded(state.key, s), form.heads), v = repeated(padded(state.value, s), form.heads);
    const at::Tensor &p = state.probabilities;
    at::Tensor weights = call.on() ? dropout(p, call) : p;
    at::Tensor wide = padded_queries(output_gradient, form.first_only, s);
    at::Tensor value = at::matmul(weights.transpose(2, 3), wide);
    at::Tensor of_weights = at::matmul(wide, v.transpose(2, 3));
    if (call.on()) of_weights = dropout(of_weights, call);
    at::Tensor scores = at::_softmax_backward_data(of_weights, p, -1, p.scalar_type());
    at::Tensor query = at::matmul(scores, k) * form.scale, key = at::matmul(scores.transpose(2, 3), q * form.scale);
    return {unpadded_queries(query, form.first_only, s), unpadded(unrepeated(key, form.key_value_heads), s),
            unpadded(unrepeated(value, form.key_value_heads), s)};
}

}  // namespace ctorch

bool ct_has_variable_length_attention(ct_device target, bool bfloat16, int64_t head_width) {
    return ctorch::has_variable_length_attention(target.type == CT_CUDA, bfloat16 ? at::kBFloat16 : at::kFloat, head_width);
}
