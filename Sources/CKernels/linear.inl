// A linear layer on a few rows, such as a classification head: float32, with the weight as stored.
//
// Each element is one sum in one order, whatever the other rows and the number of threads.

#if CT_AVX512
constexpr int64_t linear_tile = 4;
#else
constexpr int64_t linear_tile = 2;
#endif

// Rows and outputs of one task.
constexpr int64_t linear_rows = 16, linear_columns = 64;

// output (rows, outputs) = input (rows, inputs) · weightᵀ + bias
inline void linear_forward(const LinearForward &call) {
    constexpr int64_t t = linear_tile;
    int64_t row_blocks = (call.rows + linear_rows - 1) / linear_rows;
    int64_t column_blocks = (call.outputs + linear_columns - 1) / linear_columns;
    auto tile = [&](int64_t row, int64_t column) {
        int64_t height = std::min(t, call.rows - row), width = std::min(t, call.outputs - column);
        const float *x[t], *w[t];
        vf sums[t][t];
        for (int64_t i = 0; i < t; ++i) {
            // Rows beyond the last repeat it, and are not stored.
            x[i] = call.input + (row + std::min(i, height - 1)) * call.inputs;
            w[i] = call.weight + (column + std::min(i, width - 1)) * call.inputs;
            for (int64_t j = 0; j < t; ++j) sums[i][j] = vf{};
        }
        for (int64_t c = 0; c < call.inputs; c += 16) {
            int64_t left = call.inputs - c;
            vf b[t];
            for (int64_t j = 0; j < t; ++j) b[j] = load_part(w[j] + c, left);
            for (int64_t i = 0; i < t; ++i) {
                vf a = load_part(x[i] + c, left);
                for (int64_t j = 0; j < t; ++j) sums[i][j] = a * b[j] + sums[i][j];
            }
        }
        for (int64_t i = 0; i < height; ++i)
            for (int64_t j = 0; j < width; ++j)
                call.output[(row + i) * call.outputs + column + j] =
                    sum(sums[i][j]) + call.bias[column + j];
    };
    parallel_tasks(row_blocks * column_blocks, 2 * product_cost(linear_rows, call.inputs, linear_columns), [&](int64_t task) {
        int64_t first = task / column_blocks * linear_rows, begin = task % column_blocks * linear_columns;
        int64_t last = std::min(call.rows, first + linear_rows), end = std::min(call.outputs, begin + linear_columns);
        for (int64_t column = begin; column < end; column += t)
            for (int64_t row = first; row < last; row += t) tile(row, column);
    });
}

// to (m, n) = Σ over k of left(m, k) · right (k, n), with left(i, k) = left[i * row + k * column].
CT_INLINE void sum_products_of_rows(const float *left, int64_t row, int64_t column, const float *right, int64_t m, int64_t k,
                                    int64_t n, float *to) {
    constexpr int64_t t = linear_tile;
    int64_t row_blocks = (m + linear_rows - 1) / linear_rows, column_blocks = (n + 16 * t - 1) / (16 * t);
    parallel_tasks(row_blocks * column_blocks, 2 * product_cost(linear_rows, k, 16 * t), [&](int64_t task) {
        int64_t first = task / column_blocks * linear_rows, begin = task % column_blocks * 16 * t;
        for (int64_t i0 = first; i0 < std::min(m, first + linear_rows); i0 += t) {
            int64_t height = std::min(t, m - i0);
            vf sums[t][t];
            for (auto &line : sums)
                for (vf &value : line) value = vf{};
            for (int64_t s = 0; s < k; ++s) {
                const float *from = right + s * n + begin;
                vf b[t];
                for (int64_t j = 0; j < t; ++j) b[j] = load_part(from + 16 * j, n - begin - 16 * j);
                for (int64_t i = 0; i < t; ++i) {
                    vf a = splat(left[(i0 + std::min(i, height - 1)) * row + s * column]);
                    for (int64_t j = 0; j < t; ++j) sums[i][j] = a * b[j] + sums[i][j];
                }
            }
            for (int64_t i = 0; i < height; ++i)
                for (int64_t j = 0; j < t; ++j) {
                    int64_t left_over = n - begin - 16 * j;
                    if (left_over > 0) store_part(to + (i0 + i) * n + begin + 16 * j, sums[i][j], left_over);
                }
        }
    });
}

inline void linear_backward(const LinearBackward &call) {
    if (call.input_gradient)
        sum_products_of_rows(call.output_gradient, call.outputs, 1, call.weight, call.rows, call.outputs, call.inputs,
                             call.input_gradient);
    if (call.weight_gradient)
        sum_products_of_rows(call.output_gradient, 1, call.outputs, call.input, call.outputs, call.rows, call.inputs,
                             call.weight_gradient);
    if (call.bias_gradient) add_partials(call.output_gradient, call.rows, call.outputs, call.outputs, call.bias_gradient);
}
