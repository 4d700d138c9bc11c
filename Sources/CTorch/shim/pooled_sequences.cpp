// Weighted sums over the tokens of packed sequences: connects them to tensors and autograd.

#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "packed.h"

using namespace ctorch;

namespace {

struct PooledSequences : torch::autograd::Function<PooledSequences> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &given, const at::Tensor &weights,
                              const at::Tensor &offsets) {
        at::Tensor tokens = given.contiguous();
        int64_t width = tokens.size(1), count = offsets.numel() - 1;
        at::Tensor output = at::empty({count, width}, tokens.options());
        const float *x = data(tokens), *w = data(weights);
        const int64_t *places = offsets.const_data_ptr<int64_t>();
        float *out = mutable_data(output);
        int64_t cost = element_cost(tokens.numel() / std::max<int64_t>(1, count) + width);
        // Each sequence by itself and its tokens in their order, so that nothing depends on the threads or on the others.
        parallel_tasks(count, cost, [&](int64_t sequence) {
            float *row = out + sequence * width;
            std::fill(row, row + width, 0.0f);
            for (int64_t token = places[sequence]; token < places[sequence + 1]; ++token) {
                const float *from = x + token * width;
                float weight = w[token];
                for (int64_t column = 0; column < width; ++column) row[column] += weight * from[column];
            }
        });
        context->save_for_backward({weights, offsets});
        return output;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        torch::autograd::variable_list saved = context->get_saved_variables();
        at::Tensor gradient = gradients[0].contiguous();
        int64_t width = gradient.size(1), count = gradient.size(0);
        at::Tensor result = at::empty({saved[0].numel(), width}, gradient.options());
        const float *w = data(saved[0]), *from = data(gradient);
        const int64_t *places = saved[1].const_data_ptr<int64_t>();
        float *out = mutable_data(result);
        int64_t cost = element_cost(result.numel() / std::max<int64_t>(1, count) + width);
        parallel_tasks(count, cost, [&](int64_t sequence) {
            const float *row = from + sequence * width;
            for (int64_t token = places[sequence]; token < places[sequence + 1]; ++token) {
                float *to = out + token * width;
                for (int64_t column = 0; column < width; ++column) to[column] = w[token] * row[column];
            }
        });
        return {result, at::Tensor(), at::Tensor()};
    }
};

}  // namespace

ct_error ct_pool_sequences(ct_tensor tokens, ct_tensor weights, ct_tensor offsets, ct_tensor *out) {
    return guard("pool_sequences", {tokens, weights, offsets}, [&] {
        const at::Tensor &x = tokens->value, &w = weights->value, &o = offsets->value;
        auto suits = [](const at::Tensor &tensor) { return tensor.is_cpu() && tensor.scalar_type() == at::kFloat; };
        TORCH_CHECK(suits(x) && suits(w), "needs float32 on the CPU");
        TORCH_CHECK(x.dim() == 2 && w.dim() == 1 && w.size(0) == x.size(0), "there must be a weight for each token");
        TORCH_CHECK(o.is_cpu() && o.scalar_type() == at::kLong && o.dim() == 1 && o.numel() > 1, "the offsets must be int64");
        at::Tensor places = o.contiguous();
        const int64_t *place = places.const_data_ptr<int64_t>();
        TORCH_CHECK(place[0] == 0 && place[o.numel() - 1] == x.size(0) && std::is_sorted(place, place + o.numel()),
                    "the offsets do not divide ", x.size(0), " tokens into sequences");
        *out = wrap(PooledSequences::apply(x, w.contiguous(), places));
    });
}
