// Normalization by the root mean square (Zhang and Sennrich, arXiv 1910.07467).

template <class From>
CT_INLINE float inverse_root_mean_square(const From *row, int64_t width, float epsilon) {
    vf squares = vf{};
    for (int64_t c = 0; c < width; c += 16) {
        vf x = load_part(row + c, width - c);
        squares += x * x;
    }
    return 1.0f / __builtin_sqrtf(sum(squares) / static_cast<float>(width) + epsilon);
}

// A row normalized: row · inverse · (weight + offset).
template <class From, class To>
CT_INLINE void rms_row(const From *row, int64_t width, const float *weight, float epsilon, float offset, To *to) {
    float inverse = inverse_root_mean_square(row, width, epsilon);
    for (int64_t c = 0; c < width; c += 16) {
        int64_t left = width - c;
        vf gain = load_part(weight + c, left) + offset;
        store_part(to + c, load_part(row + c, left) * inverse * gain, left);
    }
}

// With y = x / rms: dx = (g · gain − y · mean(g · gain · y)) / rms, plus the row of `residual` where there is one. Adds the row's g · y to
// `partial`, the gradient of the gain. `to` may be `gradient` or `residual`.
template <class Gradient, class From, class To>
CT_INLINE void rms_row_backward(const Gradient *gradient, const From *row, int64_t width, const float *weight, float epsilon, float offset,
                                const float *residual, To *to, float *partial) {
    float inverse = inverse_root_mean_square(row, width, epsilon);
    vf dot = vf{};
    for (int64_t c = 0; c < width; c += 16) {
        int64_t left = width - c;
        vf y = load_part(row + c, left) * inverse, g = load_part(gradient + c, left);
        store_part(partial + c, load_part(partial + c, left) + g * y, left);
        dot += g * (load_part(weight + c, left) + offset) * y;
    }
    float mean = sum(dot) / static_cast<float>(width);
    for (int64_t c = 0; c < width; c += 16) {
        int64_t left = width - c;
        vf y = load_part(row + c, left) * inverse;
        vf g = load_part(gradient + c, left) * (load_part(weight + c, left) + offset);
        vf dx = (g - y * mean) * inverse;
        store_part(to + c, residual ? load_part(residual + c, left) + dx : dx, left);
    }
}

template <class S>
void rms_norm_forward(const RootMeanSquare &call, S *output) {
    constexpr int64_t block = 16;
    parallel_tasks((call.rows + block - 1) / block, element_cost(2 * block * call.width), [&](int64_t task) {
        for (int64_t r = task * block; r < std::min(call.rows, (task + 1) * block); ++r)
            rms_row(call.input + r * call.width, call.width, call.weight, call.epsilon, call.offset, output + r * call.width);
    });
}

template <class S>
void rms_norm_backward(const RootMeanSquareBackward &backward) {
    const RootMeanSquare &call = backward.call;
    const S *gradients = static_cast<const S *>(backward.output_gradient);
    int64_t width = call.width;
    // A function of the rows alone, so that sums over blocks do not depend on the number of threads.
    int64_t block = std::max<int64_t>(16, (call.rows + 63) / 64), blocks = (call.rows + block - 1) / block;
    float *partials = scratch<float>(Slot::call_partials, std::max<int64_t>(1, blocks) * width);
    parallel_tasks(blocks, element_cost(4 * block * width), [&](int64_t task) {
        float *partial = partials + task * width;
        std::fill(partial, partial + width, 0.0f);
        for (int64_t r = task * block; r < std::min(call.rows, (task + 1) * block); ++r)
            rms_row_backward<S, float, float>(gradients + r * width, call.input + r * width, width, call.weight, call.epsilon, call.offset,
                                              nullptr, backward.input_gradient + r * width, partial);
    });
    if (backward.weight_gradient) add_partials(partials, blocks, width, width, backward.weight_gradient);
}
