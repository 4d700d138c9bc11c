// Word, position and token type embeddings on packed sequences by the kernels: connects them to tensors and to autograd.

#include <ATen/ops/_sparse_coo_tensor_unsafe.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <algorithm>
#include <vector>

#include "packed.h"

using namespace ctorch;
namespace k = ctorch::kernels;

namespace {

struct EmbeddingsState : torch::CustomClassHolder {
    at::Tensor offsets, ids, types, normalized, deviation, bits;
    k::Mask mask;
    double epsilon;
    int64_t padding;
};

k::Embeddings tables(const std::vector<at::Tensor> &p, double epsilon) {
    return {.word = data(p[word_table]),
            .position = data(p[position_table]),
            .type = data(p[type_table]),
            .norm_weight = data(p[norm_weight]),
            .norm_bias = data(p[norm_bias]),
            .epsilon = static_cast<float>(epsilon),
            .hidden = p[word_table].size(1)};
}

const int32_t *optional_ids(const at::Tensor &tensor) { return tensor.defined() ? const_data<int32_t>(tensor) : nullptr; }

void check_ids(const at::Tensor &ids, int64_t rows, const char *what) {
    TORCH_CHECK(ids.is_cpu() && ids.scalar_type() == at::kInt && ids.dim() == 1 && ids.is_contiguous(), what,
                " must be a vector of int32 on the CPU");
    const int32_t *values = const_data<int32_t>(ids);
    for (int64_t t = 0; t < ids.numel(); ++t)
        TORCH_CHECK_INDEX(values[t] >= 0 && values[t] < rows, what, ": index out of range: token ", t, " has ", values[t],
                          ", the table has ", rows, " rows");
}

at::Tensor embed(const std::vector<at::Tensor> &p, EmbeddingsState &state, bool training) {
    k::Sequences s = sequences(state.offsets);
    int64_t hidden = p[word_table].size(1);
    at::Tensor output = floats({s.tokens(), hidden});
    if (training) {
        state.normalized = floats({s.tokens(), hidden});
        state.deviation = floats({s.tokens()});
        if (state.mask.on()) state.bits = at::empty({s.tokens() * k::mask_stride(hidden)}, at::kShort);
    }
    k::table().embeddings_forward({.tables = tables(p, state.epsilon),
                                   .sequences = s,
                                   .ids = const_data<int32_t>(state.ids),
                                   .types = optional_ids(state.types),
                                   .mask = state.mask,
                                   .output = mutable_data(output),
                                   .normalized = optional_data(state.normalized),
                                   .deviation = optional_data(state.deviation),
                                   .bits = optional_bits(state.bits)});
    return output;
}

struct PackedEmbeddings : torch::autograd::Function<PackedEmbeddings> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, at::TensorList list,
                              c10::intrusive_ptr<EmbeddingsState> state) {
        std::vector<at::Tensor> parameters = list.vec();
        at::Tensor output = embed(parameters, *state, true);
        context->save_for_backward(parameters);
        context->saved_data["state"] = c10::IValue::make_capsule(state);
        return output;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list output_gradients) {
        auto capsule = context->saved_data["state"].toCapsule();
        auto &state = static_cast<EmbeddingsState &>(*capsule);
        std::vector<at::Tensor> p = context->get_saved_variables();
        int64_t hidden = p[word_table].size(1);
        at::Tensor output_gradient = output_gradients[0].contiguous();

        // Tokens by id, without padding, whose row is never trained.
        const int32_t *ids = const_data<int32_t>(state.ids);
        std::vector<int32_t> order;
        order.reserve(static_cast<size_t>(state.ids.numel()));
        for (int32_t t = 0; t < state.ids.numel(); ++t)
            if (ids[t] != state.padding) order.push_back(t);
        std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return ids[a] < ids[b]; });
        std::vector<int64_t> rows, starts;
        for (size_t i = 0; i < order.size(); ++i)
            if (i == 0 || ids[order[i]] != ids[order[i - 1]]) {
                rows.push_back(ids[order[i]]);
                starts.push_back(static_cast<int64_t>(i));
            }
        starts.push_back(static_cast<int64_t>(order.size()));

        auto count = static_cast<int64_t>(rows.size());
        at::Tensor values = floats({count, hidden});
        at::Tensor position = at::zeros_like(p[position_table]), type = at::zeros_like(p[type_table]);
        at::Tensor weight = at::empty_like(p[norm_weight]), bias = at::empty_like(p[norm_bias]);
        k::training().embeddings_backward({.tables = tables(p, state.epsilon),
                                        .sequences = sequences(state.offsets),
                                        .ids = ids,
                                        .types = optional_ids(state.types),
                                        .mask = state.mask,
                                        .normalized = data(state.normalized),
                                        .deviation = data(state.deviation),
                                        .bits = optional_bits(state.bits),
                                        .output_gradient = data(output_gradient),
                                        .order = order.data(),
                                        .row_starts = starts.data(),
                                        .rows = count,
                                        .word = mutable_data(values),
                                        .position = mutable_data(position),
                                        .type = mutable_data(type),
                                        .type_rows = type.size(0),
                                        .norm_weight = mutable_data(weight),
                                        .norm_bias = mutable_data(bias)});
        at::Tensor index = at::tensor(rows, at::kLong).reshape({1, count});
        at::Tensor word = at::_sparse_coo_tensor_unsafe(index, values, p[word_table].sizes(), values.options().layout(at::kSparse),
                                                        /*is_coalesced=*/true);
        return {word, position, type, weight, bias, at::Tensor()};
    }
};

}  // namespace

ct_error ct_packed_embeddings(const ct_tensor *parameters, ct_tensor ids, ct_tensor types_or_null, ct_tensor offsets,
                              int64_t padding_index, double epsilon, double dropout, uint64_t seed, uint64_t offset,
                              int64_t tokens_before,
                              ct_tensor *out) {
    return guard("packed_embeddings", {ids, offsets}, [&] {
        std::vector<at::Tensor> p = list(parameters, embedding_parameters);
        for (const at::Tensor &table : p) check_float(table, table.sizes(), "a table");
        check_ids(ids->value, p[word_table].size(0), "input_ids");
        if (types_or_null) {
            check_ids(types_or_null->value, p[type_table].size(0), "token_type_ids");
            TORCH_CHECK(types_or_null->value.sizes() == ids->value.sizes(), "token_type_ids and input_ids differ in shape");
        }
        check_offsets(offsets->value, ids->value.numel());
        const int64_t *at = const_data<int64_t>(offsets->value);
        for (int64_t i = 0; i + 1 < offsets->value.numel(); ++i)
            TORCH_CHECK(at[i + 1] - at[i] <= p[position_table].size(0), "example ", i, " has ", at[i + 1] - at[i],
                        " tokens, the model ", p[position_table].size(0), " positions");
        auto state = c10::make_intrusive<EmbeddingsState>();
        state->offsets = offsets->value;
        state->ids = ids->value;
        if (types_or_null) state->types = types_or_null->value;
        state->mask = kernel_mask(dropout, seed, offset, tokens_before);
        state->epsilon = epsilon;
        state->padding = padding_index;
        if (any_requires_grad(p)) {
            *out = wrap(PackedEmbeddings::apply(at::TensorList(p), state));
        } else {
            // Frozen tables have dropout all the same where a graph is recorded of what follows.
            bool training = at::GradMode::is_enabled() && dropout > 0;
            at::NoGradGuard no_grad;
            if (!training) state->mask = {};
            *out = wrap(embed(p, *state, training));
        }
    });
}
