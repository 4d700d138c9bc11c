// Layer normalization with the operations before it (bias, dropout, residual), and dropout masks.

// The mask of one row: block b of 128 draws of the batch's row r is Philox group r * (blocks per row) + b.
inline void mask_row(const Mask &mask, int64_t row, int64_t blocks, uint16_t *bits) {
    alignas(64) uint16_t draws[128];
    for (int64_t block = 0; block < blocks; ++block) {
        philox_group(mask.seed, mask.offset, static_cast<uint64_t>((mask.first + row) * blocks + block), draws);
        for (int64_t word = 0; word < 8; ++word) {
            uint32_t kept = 0;
#if CT_AVX512
            kept = _mm256_cmpge_epu16_mask(_mm256_load_si256(reinterpret_cast<const __m256i *>(draws + word * 16)),
                                           _mm256_set1_epi16(static_cast<int16_t>(mask.threshold)));
#else
            for (int lane = 0; lane < 16; ++lane)
                kept |= static_cast<uint32_t>(draws[word * 16 + lane] >= mask.threshold) << lane;
#endif
            bits[block * 8 + word] = static_cast<uint16_t>(kept);
        }
    }
}

inline void mask_bits(const Mask &mask, int64_t rows, int64_t width, uint16_t *bits) {
    int64_t stride = mask_stride(width);
    parallel_tasks((rows + 63) / 64, element_cost(64 * width), [&](int64_t task) {
        for (int64_t row = task * 64; row < std::min(rows, task * 64 + 64); ++row)
            mask_row(mask, row, stride / 8, bits + row * stride);
    });
}

// Normalizes a row in place: first (row - mean) / deviation, which is written to `normalized` unless that is null, then weight
// and bias, which are written to `output`. Returns 1 / deviation.
CT_INLINE float normalize_row(const float *row, int64_t width, const float *weight, const float *bias, float epsilon,
                              float *normalized, float *output) {
    vf total = vf{};
    for (int64_t c = 0; c < width; c += 16) total += load_part(row + c, width - c);
    float mean = sum(total) / static_cast<float>(width);
    vf squares = vf{};
    for (int64_t c = 0; c < width; c += 16) {
        vf centered = load_part(row + c, width - c) - mean;
        if (width - c < 16) {
            float lanes[16];
            store(lanes, centered);
            for (int64_t i = width - c; i < 16; ++i) lanes[i] = 0;
            centered = load(lanes);
        }
        squares += centered * centered;
    }
    float deviation = 1.0f / __builtin_sqrtf(sum(squares) / static_cast<float>(width) + epsilon);
    for (int64_t c = 0; c < width; c += 16) {
        int64_t left = width - c;
        vf x = (load_part(row + c, left) - mean) * deviation;
        if (normalized) store_part(normalized + c, x, left);
        store_part(output + c, x * load_part(weight + c, left) + load_part(bias + c, left), left);
    }
    return deviation;
}

// The backward pass of `normalize_row`: from the gradient of its output to that of its input. Adds the row's contribution to
// the gradients of weight and bias.
CT_INLINE void normalize_row_backward(const float *gradient, const float *normalized, float deviation, const float *weight,
                                      int64_t width, float *input_gradient, float *weight_gradient, float *bias_gradient) {
    vf total = vf{}, product = vf{};
    for (int64_t c = 0; c < width; c += 16) {
        int64_t left = width - c;
        vf dy = load_part(gradient + c, left), x = load_part(normalized + c, left);
        vf dx = dy * load_part(weight + c, left);
        total += dx;
        product += dx * x;
        store_part(weight_gradient + c, load_part(weight_gradient + c, left) + dy * x, left);
        store_part(bias_gradient + c, load_part(bias_gradient + c, left) + dy, left);
    }
    float mean = sum(total) / static_cast<float>(width), mean_product = sum(product) / static_cast<float>(width);
    for (int64_t c = 0; c < width; c += 16) {
        int64_t left = width - c;
        vf dx = load_part(gradient + c, left) * load_part(weight + c, left);
        vf x = load_part(normalized + c, left);
        store_part(input_gradient + c, (dx - mean - x * mean_product) * deviation, left);
    }
}

// to[c] += from[c]
CT_INLINE void add_row(float *to, const float *from, int64_t width) {
    for (int64_t c = 0; c < width; c += 16)
        store_part(to + c, load_part(to + c, width - c) + load_part(from + c, width - c), width - c);
}

// Sums `count` rows of partial results, in their order, into `to`.
inline void add_partials(const float *partials, int64_t count, int64_t stride, int64_t width, float *to) {
    for (int64_t c = 0; c < width; ++c) to[c] = 0;
    for (int64_t p = 0; p < count; ++p) add_row(to, partials + p * stride, width);
}
