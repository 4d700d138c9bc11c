#include "composed_attention.h"

#include <ATen/Context.h>
#include <ATen/ops/_flash_attention_backward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/_softmax_backward_data.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>

namespace ctorch {

namespace {

// Makes libtorch's kernels with a nondeterministic order of summation use a deterministic one while this lives.
class Deterministic {
  public:
    Deterministic()
        : on(at::globalContext().deterministicAlgorithms()), warn(at::globalContext().deterministicAlgorithmsWarnOnly()) {
        at::globalContext().setDeterministicAlgorithms(true, false);
    }
    ~Deterministic() { at::globalContext().setDeterministicAlgorithms(on, warn); }
    Deterministic(const Deterministic &) = delete;

  private:
    bool on, warn;
};

double scale_of(const at::Tensor &query) { return 1 / std::sqrt(static_cast<double>(query.size(2))); }

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

// (B, 1, 1, L), true at padding.
at::Tensor padding(const DeviceSequences &s) {
    at::Tensor lengths = s.starts.narrow(0, 1, s.count()) - s.starts.narrow(0, 0, s.count());
    at::Tensor numbers = at::arange(s.longest, s.starts.options());
    return numbers.unsqueeze(0).ge(lengths.unsqueeze(1)).unsqueeze(1).unsqueeze(1);
}

}  // namespace

bool has_variable_length_attention(bool is_cuda, at::ScalarType type, int64_t head_width) {
    return is_cuda && type == at::kBFloat16 && head_width % 8 == 0 && head_width <= 256 && is_ampere();
}

void attend(AttentionState &state, const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, int64_t heads,
            bool first_only, const DeviceSequences &s, const DropoutCall &call) {
    int64_t width = key.size(1) / heads;
    auto split = [&](const at::Tensor &x) { return x.unflatten(1, {heads, width}); };
    state.query = split(query), state.key = split(key), state.value = split(value);
    double scale = scale_of(state.query);
    if (has_variable_length_attention(query.is_cuda(), query.scalar_type(), width)) {
        state.query_starts = first_only ? at::arange(s.count() + 1, s.starts.options()) : s.starts;
        // A captured graph draws from the generator's state at each replay.
        if (call.on() && !call.state) seed_generator(query.device(), call.seed, call.offset);
        at::Tensor output, debug;
        std::tie(output, state.log_sum, state.random, state.unused, debug) = at::_flash_attention_forward(
            state.query, state.key, state.value, state.query_starts, s.starts, first_only ? 1 : s.longest, s.longest,
            call.probability, /*is_causal=*/false, /*return_debug_mask=*/false, scale);
        state.output = output.reshape({query.size(0), heads * width});
        return;
    }
    TORCH_CHECK(s.padded_indices.defined(), "attention of padded batches needs the indices of the tokens");
    at::Tensor q = padded_queries(state.query, first_only, s), k = padded(state.key, s), v = padded(state.value, s);
    at::Tensor scores = at::matmul(q * scale, k.transpose(2, 3));
    scores.masked_fill_(padding(s), std::numeric_limits<float>::lowest() / 2);
    state.probabilities = scores.softmax(-1);
    at::Tensor weights = call.on() ? dropout(state.probabilities, call) : state.probabilities;
    state.output = unpadded_queries(at::matmul(weights, v), first_only, s);
}

std::array<at::Tensor, 3> attend_backward(const AttentionState &state, const at::Tensor &gradient, int64_t heads,
                                          bool first_only, const DeviceSequences &s, const DropoutCall &call) {
    double scale = scale_of(state.query);
    at::Tensor output_gradient = gradient.unflatten(1, {heads, gradient.size(1) / heads});
    if (!state.probabilities.defined()) {
        Deterministic deterministic;
        at::Tensor output = state.output.unflatten(1, {heads, gradient.size(1) / heads});
        auto [q, k, v] = at::_flash_attention_backward(
            output_gradient, state.query, state.key, state.value, output, state.log_sum, state.query_starts, s.starts,
            first_only ? 1 : s.longest, s.longest, call.probability, /*is_causal=*/false, state.random, state.unused, scale);
        return {q.flatten(1), k.flatten(1), v.flatten(1)};
    }
    at::Tensor q = padded_queries(state.query, first_only, s), k = padded(state.key, s), v = padded(state.value, s);
    const at::Tensor &p = state.probabilities;
    at::Tensor weights = call.on() ? dropout(p, call) : p;
    at::Tensor wide = padded_queries(output_gradient, first_only, s);
    at::Tensor value = at::matmul(weights.transpose(2, 3), wide);
    at::Tensor of_weights = at::matmul(wide, v.transpose(2, 3));
    if (call.on()) of_weights = dropout(of_weights, call);
    at::Tensor scores = at::_softmax_backward_data(of_weights, p, -1, p.scalar_type());
    at::Tensor query = at::matmul(scores, k) * scale, key = at::matmul(scores.transpose(2, 3), q * scale);
    return {unpadded_queries(query, first_only, s), unpadded(key, s), unpadded(value, s)};
}

}  // namespace ctorch

bool ct_has_variable_length_attention(ct_device target, bool bfloat16, int64_t head_width) {
    return ctorch::has_variable_length_attention(target.type == CT_CUDA, bfloat16 ? at::kBFloat16 : at::kFloat, head_width);
}
