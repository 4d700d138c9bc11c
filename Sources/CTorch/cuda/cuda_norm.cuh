// Residual connections, layer norms and embeddings, forward and backward, and sums over columns.

#pragma once

#include "cuda_rows.cuh"

namespace {

// ---- Residual and norm: forward ----

struct ResidualNormForward {
    int64_t rows;
    int width;
    const void *y;
    const float *residual;
    ck_mask mask;
    Norm norm;
};

template <class S>
__global__ void __launch_bounds__(S::threads) residual_norm_forward_kernel(ResidualNormForward call) {
    using T = typename S::Element;
    Columns<S> columns(call.width);
    ck_mask mask = resolved(call.mask);
    int64_t step = static_cast<int64_t>(gridDim.x) * S::groups;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * S::groups + threadIdx.x / S::group; row < call.rows;
         row += step) {
        const T *y = static_cast<const T *>(call.y) + row * call.width;
        float values[S::pieces][piece], residual[S::pieces][piece];
#pragma unroll
        for (int p = 0; p < S::pieces; ++p)
            load_piece<S::vector>(y + columns.readable(p), columns.count(p), values[p]);
        if (call.residual) {
            const float *from = call.residual + row * call.width;
#pragma unroll
            for (int p = 0; p < S::pieces; ++p)
                load_piece<S::vector>(from + columns.readable(p), columns.count(p), residual[p]);
        } else {
#pragma unroll
            for (int p = 0; p < S::pieces; ++p)
#pragma unroll
                for (int i = 0; i < piece; ++i) residual[p][i] = 0.0f;
        }
        if (mask.threshold) {
#pragma unroll
            for (int p = 0; p < S::pieces; ++p)
                apply_mask(kept_bits(mask, columns.mask_block(row, p)), mask.scale, values[p]);
        }
#pragma unroll
        for (int p = 0; p < S::pieces; ++p)
#pragma unroll
            for (int i = 0; i < piece; ++i) values[p][i] += residual[p][i];
        normalize_row(call.norm, columns, row, values, mask, false);
    }
}

// ---- Embeddings ----

struct EmbeddingsForward {
    int64_t rows;
    int width;
    const int32_t *ids, *positions, *types;
    const float *word, *position, *token_type;
    ck_mask mask;
    Norm norm;
};

template <class S>
__global__ void __launch_bounds__(S::threads) embeddings_forward_kernel(EmbeddingsForward call) {
    Columns<S> columns(call.width);
    ck_mask mask = resolved(call.mask);
    int64_t step = static_cast<int64_t>(gridDim.x) * S::groups;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * S::groups + threadIdx.x / S::group; row < call.rows;
         row += step) {
        const float *word = call.word + static_cast<int64_t>(call.ids[row]) * call.width;
        const float *position = call.position + static_cast<int64_t>(call.positions[row]) * call.width;
        const float *type = call.token_type + static_cast<int64_t>(call.types ? call.types[row] : 0) * call.width;
        float values[S::pieces][piece];
#pragma unroll
        for (int p = 0; p < S::pieces; ++p) {
            int count = columns.count(p), from = columns.readable(p);
            float types[piece], positions[piece];
            load_piece<S::vector>(word + from, count, values[p]);
            load_piece<S::vector>(type + from, count, types);
            load_piece<S::vector>(position + from, count, positions);
#pragma unroll
            for (int i = 0; i < piece; ++i) values[p][i] = (values[p][i] + types[i]) + positions[i];
        }
        normalize_row(call.norm, columns, row, values, mask, mask.threshold != 0);
    }
}

// ---- Residual and norm: backward ----

struct ResidualNormBackward {
    int64_t rows;
    int width;
    const float *gradient;
    const void *gradient_typed, *normalized;
    const float *deviation, *gamma;
    ck_mask mask;
    bool mask_after_norm;
    float *gradient_residual;
    void *gradient_y;
    float *partials;
};

// The minimum number of thread blocks per multiprocessor: it limits the registers, of which the sums over rows take 24 per
// piece.
template <class S>
constexpr int resident_blocks = S::group > warp_size ? 1 : S::pieces == 4 ? 2 : 3;

// The gradient of a row of the layer norm's output: the sum of the float32 and the typed one, either of which may be missing.
template <class S>
__device__ inline void load_gradient(const ResidualNormBackward &call, const Columns<S> &columns, int64_t start,
                                     float (&gradient)[S::pieces][piece]) {
    using T = typename S::Element;
    if (call.gradient) {
        const float *from = call.gradient + start;
#pragma unroll
        for (int p = 0; p < S::pieces; ++p)
            load_piece<S::vector>(from + columns.readable(p), columns.count(p), gradient[p]);
    } else {
#pragma unroll
        for (int p = 0; p < S::pieces; ++p)
#pragma unroll
            for (int i = 0; i < piece; ++i) gradient[p][i] = 0.0f;
    }
    if (call.gradient_typed) {
        const T *from = static_cast<const T *>(call.gradient_typed) + start;
#pragma unroll
        for (int p = 0; p < S::pieces; ++p) {
            float more[piece];
            load_piece<S::vector>(from + columns.readable(p), columns.count(p), more);
#pragma unroll
            for (int i = 0; i < piece; ++i) gradient[p][i] += more[i];
        }
    }
}

// The means over a row of h and h * normalized, where h = gamma * g is the gradient of `normalized`. Adds to the sums over rows,
// the gradients of gamma and beta, and leaves h in `gradient`. `masked` means dropout after the norm.
template <class S>
__device__ inline void gradient_means(const ResidualNormBackward &call, const Columns<S> &columns, int64_t row,
                                      const ck_mask &mask, bool masked, const float (&normalized)[S::pieces][piece],
                                      float (&gradient)[S::pieces][piece], float (&sums)[3][S::pieces][piece],
                                      float (&means)[2]) {
    means[0] = means[1] = 0.0f;
#pragma unroll
    for (int p = 0; p < S::pieces; ++p) {
        load_here();
        int count = columns.count(p);
        float gamma[piece];
        load_piece<S::vector>(call.gamma + columns.readable(p), count, gamma);
        if (masked) apply_mask(kept_bits(mask, columns.mask_block(row, p)), mask.scale, gradient[p]);
#pragma unroll
        for (int i = 0; i < piece; ++i) {
            float g = columns.has(p, i) ? gradient[p][i] : 0.0f, x = normalized[p][i];
            sums[0][p][i] += g * x;
            sums[1][p][i] += g;
            float h = g * gamma[i];
            means[0] += h;
            means[1] += h * x;
            gradient[p][i] = h;
        }
    }
    float width = static_cast<float>(call.width);
    group_sum<S::group>(means);
    means[0] /= width;
    means[1] /= width;
}

// The gradients of a row of the residual stream and, through dropout, of `y`, from h and its means. Adds to the sums over rows,
// the gradient of the bias below. `masked` means dropout before the norm.
template <class S>
__device__ inline void store_gradients(const ResidualNormBackward &call, const Columns<S> &columns, int64_t row,
                                       const ck_mask &mask, bool masked, const float (&normalized)[S::pieces][piece],
                                       const float (&means)[2], float deviation, float (&gradient)[S::pieces][piece],
                                       float (&sums)[3][S::pieces][piece]) {
    using T = typename S::Element;
#pragma unroll
    for (int p = 0; p < S::pieces; ++p) {
        int count = columns.count(p);
        int64_t at = row * call.width + columns.first(p);
#pragma unroll
        for (int i = 0; i < piece; ++i)
            gradient[p][i] = deviation * (gradient[p][i] - means[0] - normalized[p][i] * means[1]);
        if (call.gradient_residual) store_piece<S::vector>(call.gradient_residual + at, count, gradient[p]);
        if (masked) apply_mask(kept_bits(mask, columns.mask_block(row, p)), mask.scale, gradient[p]);
        // Sums beyond the row's end are never written.
#pragma unroll
        for (int i = 0; i < piece; ++i) sums[2][p][i] += gradient[p][i];
        if (call.gradient_y) store_piece<S::vector>(static_cast<T *>(call.gradient_y) + at, count, gradient[p]);
    }
}

// A thread block's partial sums over its rows, three rows of the width of one. All threads must call it.
template <class S>
__device__ inline void store_partials(const Columns<S> &columns, const float (&sums)[3][S::pieces][piece], int group,
                                      float *partials) {
    if constexpr (S::groups == 1) {
#pragma unroll
        for (int k = 0; k < 3; ++k)
#pragma unroll
            for (int p = 0; p < S::pieces; ++p)
                store_piece<S::vector>(partials + k * columns.width + columns.first(p), columns.count(p), sums[k][p]);
    } else {
        // One warp after the other adds its sums, in an order that is free of bank conflicts.
        __shared__ float totals[3][S::pieces][piece][warp_size];
        for (int turn = 0; turn < S::groups; ++turn) {
            if (group == turn) {
#pragma unroll
                for (int k = 0; k < 3; ++k)
#pragma unroll
                    for (int p = 0; p < S::pieces; ++p)
#pragma unroll
                        for (int i = 0; i < piece; ++i) {
                            float &total = totals[k][p][i][columns.lane];
                            total = turn == 0 ? sums[k][p][i] : total + sums[k][p][i];
                        }
            }
            __syncthreads();
        }
        for (int k = 0; k < 3; ++k)
            for (int c = static_cast<int>(threadIdx.x); c < columns.width; c += S::threads)
                partials[k * columns.width + c] =
                    totals[k][c / (piece * warp_size)][c % piece][c / piece % warp_size];
    }
}

template <class S>
__global__ void __launch_bounds__(S::threads, resident_blocks<S>)
    residual_norm_backward_kernel(ResidualNormBackward call) {
    using T = typename S::Element;
    Columns<S> columns(call.width);
    ck_mask mask = resolved(call.mask);
    bool before = mask.threshold && !call.mask_after_norm, after = mask.threshold && call.mask_after_norm;
    float sums[3][S::pieces][piece];
#pragma unroll
    for (int k = 0; k < 3; ++k)
#pragma unroll
        for (int p = 0; p < S::pieces; ++p)
#pragma unroll
            for (int i = 0; i < piece; ++i) sums[k][p][i] = 0.0f;

    int group = static_cast<int>(threadIdx.x) / S::group;
    int64_t step = static_cast<int64_t>(gridDim.x) * S::groups;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * S::groups + group; row < call.rows; row += step) {
        int64_t start = row * call.width;
        float deviation = call.deviation[row];
        float gradient[S::pieces][piece], normalized[S::pieces][piece], means[2];
        const T *from = static_cast<const T *>(call.normalized) + start;
#pragma unroll
        for (int p = 0; p < S::pieces; ++p)
            load_piece<S::vector>(from + columns.readable(p), columns.count(p), normalized[p]);
        load_gradient(call, columns, start, gradient);
        gradient_means(call, columns, row, mask, after, normalized, gradient, sums, means);
        store_gradients(call, columns, row, mask, before, normalized, means, deviation, gradient, sums);
    }
    if (call.partials)
        store_partials(columns, sums, group, call.partials + static_cast<int64_t>(blockIdx.x) * 3 * call.width);
}

// ---- Column sums ----

constexpr int sum_warps = 32;

// One thread block for 32 columns: warp w sums rows w, w + 32, …, then the warps' sums are added column by column.
__global__ void __launch_bounds__(sum_warps *warp_size)
    column_sums_kernel(const float *partials, int64_t blocks, int64_t columns, float *out) {
    __shared__ float parts[sum_warps][warp_size + 1];
    int lane = static_cast<int>(threadIdx.x) % warp_size, warp = static_cast<int>(threadIdx.x) / warp_size;
    int64_t first = static_cast<int64_t>(blockIdx.x) * warp_size;
    float sum = 0.0f;
    if (first + lane < columns) {
#pragma unroll 4
        for (int64_t b = warp; b < blocks; b += sum_warps) sum += partials[b * columns + first + lane];
    }
    parts[warp][lane] = sum;
    __syncthreads();
    float total[1] = {parts[lane][warp]};
    group_sum<warp_size>(total);
    if (lane == 0 && first + warp < columns) out[first + warp] = total[0];
}

}  // namespace
