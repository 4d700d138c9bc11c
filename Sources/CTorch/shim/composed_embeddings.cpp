#include <ATen/ops/arange.h>
#include <ATen/ops/embedding_dense_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include <vector>

#include "composed_layer.h"
#include "cuda_library.h"

namespace ctorch {

namespace {

at::Tensor rows_gradient(const at::Tensor &gradient, const at::Tensor &ids, const at::Tensor &table, int64_t padding) {
    return at::embedding_dense_backward(gradient, ids, table.size(0), padding, /*scale_grad_by_freq=*/false);
}

}  // namespace

Hidden embeddings_forward(EmbeddingPass &s, const std::vector<at::Tensor> &p, bool training) {
    NormForward norm = embedding_norm(s.rows, p[norm_weight], p[norm_bias], s.epsilon, s.call, s.type, training);
    Hidden result{norm.output, norm.typed};
    norm.output.reset();
    norm.typed.reset();
    s.norm = norm;
    return result;
}

std::vector<at::Tensor> embeddings_backward(EmbeddingPass &s, const Hidden &gradient, const std::vector<at::Tensor> &p) {
    NormBackward norm =
        embedding_norm_backward(s.norm, gradient.wide, gradient.typed, s.type, p[norm_weight], p[norm_bias], s.call);
    const at::Tensor &sum = norm.residual;
    at::Tensor word, position, type;
    const CudaKernels *k = cuda_kernels(sum);
    if (k && s.groups.defined()) {
        void *stream = cuda_stream(sum);
        auto numbers = [](const at::Tensor &t) { return const_data<int32_t>(t); };
        int64_t width = sum.size(1);
        word = at::zeros(p[word_table].sizes(), sum.options());
        check_cuda(*k,
                   k->rows_gradient(stream, width, const_data<float>(sum), numbers(s.groups.order), numbers(s.groups.starts),
                                    numbers(s.groups.rows), numbers(s.groups.count), s.groups.most, word.mutable_data_ptr<float>()),
                   "rows_gradient");
        position = at::empty(p[position_table].sizes(), sum.options());
        check_cuda(*k,
                   k->position_gradient(stream, width, const_data<float>(sum), numbers(s.sequence_starts),
                                        s.sequence_starts.numel() - 1, s.first_position, position.size(0),
                                        position.mutable_data_ptr<float>()),
                   "position_gradient");
    } else {
        word = rows_gradient(sum, s.rows.ids, p[word_table], s.padding);
        position = rows_gradient(sum, s.rows.positions, p[position_table], -1);
    }
    if (s.rows.types.defined()) {
        // Few rows: by a matrix product, whose order of sums is fixed.
        at::Tensor numbers = at::arange(p[type_table].size(0), s.rows.types.options()).unsqueeze(1);
        type = at::mm(numbers.eq(s.rows.types).to(at::kFloat), sum);
    } else {
        type = at::zeros(p[type_table].sizes(), sum.options());
        type.select(0, 0).copy_(norm.y_bias.defined() ? norm.y_bias : sum.sum(0));
    }
    return {word, position, type, norm.weight, norm.bias};
}

int64_t group_tokens(const int32_t *ids, int64_t count, int64_t table_rows, int64_t padding, int32_t *order, int32_t *starts,
                     int32_t *rows) {
    // Counting sort: the beginning of each row's tokens, then the tokens in order.
    std::vector<int32_t> offsets(static_cast<size_t>(table_rows) + 1);
    for (int64_t t = 0; t < count; ++t)
        if (ids[t] != padding) ++offsets[static_cast<size_t>(ids[t]) + 1];
    int64_t groups = 0;
    starts[0] = 0;
    for (int64_t row = 0; row < table_rows; ++row) {
        int32_t size = offsets[static_cast<size_t>(row) + 1];
        offsets[static_cast<size_t>(row) + 1] += offsets[static_cast<size_t>(row)];
        if (size == 0) continue;
        rows[groups++] = static_cast<int32_t>(row);
        starts[groups] = offsets[static_cast<size_t>(row) + 1];
    }
    for (int64_t t = 0; t < count; ++t)
        if (ids[t] != padding) order[offsets[static_cast<size_t>(ids[t])]++] = static_cast<int32_t>(t);
    return groups;
}

}  // namespace ctorch
