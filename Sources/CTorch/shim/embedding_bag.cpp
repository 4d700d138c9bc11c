// The mean of each packed text's rows of a table, with weights by token: connects it to tensors and to autograd.

#include <ATen/ops/_sparse_coo_tensor_unsafe.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "packed.h"

using namespace ctorch;

namespace {

// Tokens by their ids, without padding: order[starts[r]] to order[starts[r + 1] - 1] are the tokens with the id rows[r].
struct TokensByID {
    std::vector<int32_t> order;
    std::vector<int64_t> rows, starts;

    TokensByID(const int32_t *ids, int64_t count, int64_t padding) {
        order.reserve(static_cast<size_t>(count));
        for (int32_t t = 0; t < count; ++t)
            if (ids[t] != padding) order.push_back(t);
        std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return ids[a] < ids[b]; });
        for (size_t i = 0; i < order.size(); ++i)
            if (i == 0 || ids[order[i]] != ids[order[i - 1]]) {
                rows.push_back(ids[order[i]]);
                starts.push_back(static_cast<int64_t>(i));
            }
        starts.push_back(static_cast<int64_t>(order.size()));
    }
};

// What each token of a text counts for in its text's mean: 1 / (the tokens that are no padding).
std::vector<float> shares(const at::Tensor &ids, const at::Tensor &offsets, int64_t padding) {
    const int32_t *id = const_data<int32_t>(ids);
    const int64_t *place = const_data<int64_t>(offsets);
    std::vector<float> result(static_cast<size_t>(offsets.numel() - 1), 0.0f);
    for (size_t text = 0; text < result.size(); ++text) {
        int64_t count = 0;
        for (int64_t t = place[text]; t < place[text + 1]; ++t) count += id[t] != padding;
        if (count > 0) result[text] = 1.0f / static_cast<float>(count);
    }
    return result;
}

struct EmbeddingBag : torch::autograd::Function<EmbeddingBag> {
    // `weights` has no element where tokens have none.
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &table, const at::Tensor &weights,
                              const at::Tensor &ids, const at::Tensor &offsets, int64_t padding) {
        int64_t width = table.size(1), count = offsets.numel() - 1;
        at::Tensor output = at::empty({count, width}, table.options());
        const float *x = data(table), *w = weights.numel() > 0 ? data(weights) : nullptr;
        const int32_t *id = const_data<int32_t>(ids);
        const int64_t *place = const_data<int64_t>(offsets);
        std::vector<float> share = shares(ids, offsets, padding);
        float *out = mutable_data(output);
        int64_t cost = element_cost((ids.numel() / std::max<int64_t>(1, count) + 1) * width);
        // Each text by itself and its tokens in their order, so that nothing depends on the threads or on the other texts.
        parallel_tasks(count, cost, [&](int64_t text) {
            float *row = out + text * width;
            std::fill(row, row + width, 0.0f);
            for (int64_t t = place[text]; t < place[text + 1]; ++t) {
                if (id[t] == padding) continue;
                const float *from = x + id[t] * width;
                float weight = w ? w[id[t]] : 1.0f;
                for (int64_t column = 0; column < width; ++column) row[column] += weight * from[column];
            }
            for (int64_t column = 0; column < width; ++column) row[column] *= share[static_cast<size_t>(text)];
        });
        context->save_for_backward({table, weights, ids, offsets});
        context->saved_data["padding"] = padding;
        return output;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        torch::autograd::variable_list saved = context->get_saved_variables();
        const at::Tensor &table = saved[0], &weights = saved[1], &ids = saved[2], &offsets = saved[3];
        int64_t padding = context->saved_data["padding"].toInt();
        at::Tensor gradient = gradients[0].contiguous();
        int64_t width = table.size(1);
        const float *from = data(gradient), *x = data(table), *w = weights.numel() > 0 ? data(weights) : nullptr;
        std::vector<float> share = shares(ids, offsets, padding);
        std::vector<int32_t> text(static_cast<size_t>(ids.numel()));
        const int64_t *place = const_data<int64_t>(offsets);
        for (int32_t b = 0; b + 1 < offsets.numel(); ++b) std::fill(text.begin() + place[b], text.begin() + place[b + 1], b);

        TokensByID tokens(const_data<int32_t>(ids), ids.numel(), padding);
        auto count = static_cast<int64_t>(tokens.rows.size());
        at::Tensor values = floats({count, width});
        at::Tensor weight_gradient = w ? at::zeros_like(weights) : at::Tensor();
        float *to = mutable_data(values), *to_weight = w ? mutable_data(weight_gradient) : nullptr;
        int64_t cost = element_cost((ids.numel() / std::max<int64_t>(1, count) + 1) * width);
        parallel_tasks(count, cost, [&](int64_t r) {
            float *row = to + r * width;
            std::fill(row, row + width, 0.0f);
            for (int64_t i = tokens.starts[static_cast<size_t>(r)]; i < tokens.starts[static_cast<size_t>(r) + 1]; ++i) {
                auto b = static_cast<size_t>(text[static_cast<size_t>(tokens.order[static_cast<size_t>(i)])]);
                const float *g = from + static_cast<int64_t>(b) * width;
                for (int64_t column = 0; column < width; ++column) row[column] += share[b] * g[column];
            }
            if (!w) return;
            int64_t id = tokens.rows[static_cast<size_t>(r)];
            float product = 0;
            for (int64_t column = 0; column < width; ++column) {
                product += row[column] * x[id * width + column];
                row[column] *= w[id];
            }
            to_weight[id] = product;
        });
        at::Tensor index = at::tensor(tokens.rows, at::kLong).reshape({1, count});
        at::Tensor rows = at::_sparse_coo_tensor_unsafe(index, values, table.sizes(), values.options().layout(at::kSparse),
                                                        /*is_coalesced=*/true);
        return {rows, weight_gradient, at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

}  // namespace

ct_error ct_embedding_bag(ct_tensor table, ct_tensor weights_or_null, ct_tensor ids, ct_tensor offsets, int64_t padding_index,
                          ct_tensor *out) {
    return guard("embedding_bag", {table, ids, offsets}, [&] {
        const at::Tensor &x = table->value, &i = ids->value, &o = offsets->value;
        TORCH_CHECK(x.dim() == 2, "the table must be of rows and columns");
        check_float(x, x.sizes(), "the table");
        at::Tensor w = at::empty({0}, x.options());
        if (weights_or_null) {
            w = weights_or_null->value;
            check_float(w, {x.size(0)}, "the weights");
        }
        TORCH_CHECK(i.is_cpu() && i.scalar_type() == at::kInt && i.dim() == 1 && i.is_contiguous(),
                    "input_ids must be a vector of int32 on the CPU");
        const int32_t *id = const_data<int32_t>(i);
        for (int64_t t = 0; t < i.numel(); ++t)
            TORCH_CHECK_INDEX(id[t] >= 0 && id[t] < x.size(0), "input_ids: index out of range: token ", t, " has ", id[t],
                              ", the table has ", x.size(0), " rows");
        TORCH_CHECK(o.is_cpu() && o.scalar_type() == at::kLong && o.dim() == 1 && o.is_contiguous() && o.numel() > 1,
                    "the offsets must be a vector of at least two int64 on the CPU");
        const int64_t *place = const_data<int64_t>(o);
        TORCH_CHECK(place[0] == 0 && place[o.numel() - 1] == i.numel() && std::is_sorted(place, place + o.numel()),
                    "the offsets do not divide ", i.numel(), " tokens into texts");
        *out = wrap(EmbeddingBag::apply(x, w, i, o, padding_index));
    });
}
