// Activations, forward and backward, and the factors of a dropout mask.

#pragma once

#include "cuda_rows.cuh"

namespace {

// ---- Activations ----

struct Activated {
    float value, derivative;
};

// exp and 1 / x to about 22 bits, enough for values that are rounded to bfloat16.
template <bool fast>
__device__ inline float exponential(float x) {
    return fast ? __expf(x) : expf(x);
}
template <bool fast>
__device__ inline float reciprocal(float x) {
    return fast ? __fdividef(1.0f, x) : 1.0f / x;
}

// The activation and its derivative. `fast`: for bfloat16.
template <int activation, bool fast>
__device__ inline Activated activate(float u) {
    if constexpr (activation == CK_GELU) {
        // The normal distribution's function and density.
        float density = exponential<fast>(-0.5f * u * u), below;
        if constexpr (fast) {
            // Abramowitz and Stegun, formula 7.1.26: within 1.5e-7, with the exponential that the density needs anyway.
            float t = reciprocal<true>(1.0f + 0.3275911f * 0.70710678f * fabsf(u));
            float tail =
                0.5f * density * t *
                (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
            below = u < 0.0f ? tail : 1.0f - tail;
        } else {
            below = 0.5f * (1.0f + erff(0.70710678f * u));
        }
        return {u * below, below + 0.39894228f * u * density};
    } else if constexpr (activation == CK_GELU_TANH) {
        // (1 + tanh(a)) / 2 is the logistic function of 2a, with a = sqrt(2 / pi) (u + 0.044715 u³).
        float square = u * u;
        float s = reciprocal<fast>(1.0f + exponential<fast>(-1.59576912f * u * (1.0f + 0.044715f * square)));
        return {u * s, s + u * s * (1.0f - s) * 1.59576912f * (1.0f + 0.134145f * square)};
    } else if constexpr (activation == CK_RELU) {
        // Comparisons that let NaN through.
        return {u <= 0.0f ? 0.0f : u, u <= 0.0f ? 0.0f : 1.0f};
    } else {
        float s = reciprocal<fast>(1.0f + exponential<fast>(-u));
        return {u * s, s + u * s * (1.0f - s)};
    }
}

constexpr int activation_threads = 256;
constexpr int activation_warps = activation_threads / warp_size;
constexpr int tile_columns = warp_size * piece;

// Shape of an activation kernel: element type, activation, 16-byte accesses.
template <class T, int activation_, bool vector_>
struct ActivationShape {
    using Element = T;
    static constexpr int activation = activation_;
    static constexpr bool vector = vector_, fast = sizeof(T) == 2;
};

struct ActivationForward {
    int64_t count;
    const void *u;
    void *out;
};

template <class S>
__global__ void __launch_bounds__(activation_threads) activation_forward_kernel(ActivationForward call) {
    using T = typename S::Element;
    const T *u = static_cast<const T *>(call.u);
    T *out = static_cast<T *>(call.out);
    int64_t step = static_cast<int64_t>(gridDim.x) * activation_threads * piece;
    for (int64_t at = (static_cast<int64_t>(blockIdx.x) * activation_threads + threadIdx.x) * piece; at < call.count;
         at += step) {
        float values[piece];
        int count = call.count - at < piece ? static_cast<int>(call.count - at) : piece;
        bool whole = S::vector && count == piece;
        if (whole)
            load_piece<S::vector>(u + at, count, values);
        else
            load_piece<false>(u + at, count, values);
#pragma unroll
        for (int i = 0; i < piece; ++i) values[i] = activate<S::activation, S::fast>(values[i]).value;
        if (whole)
            store_piece<S::vector>(out + at, count, values);
        else
            store_piece<false>(out + at, count, values);
    }
}

struct ActivationBackward {
    int64_t rows, width;
    const void *u, *gradient;
    void *gradient_u, *out;
    float *partials;
};

// A thread block has 256 columns and, with a fixed stride, groups of eight rows; a warp has two rows at a time.
template <class S>
__global__ void __launch_bounds__(activation_threads) activation_backward_kernel(ActivationBackward call) {
    using T = typename S::Element;
    constexpr int together = 2;
    const T *from = static_cast<const T *>(call.u), *gradient = static_cast<const T *>(call.gradient);
    T *gradient_u = static_cast<T *>(call.gradient_u), *out = static_cast<T *>(call.out);
    int lane = static_cast<int>(threadIdx.x) % warp_size, warp = static_cast<int>(threadIdx.x) / warp_size;
    int64_t tile = static_cast<int64_t>(blockIdx.y) * tile_columns, column = tile + lane * piece;
    int64_t left = call.width - column;
    int count = left <= 0 ? 0 : left < piece ? static_cast<int>(left) : piece;
    float sums[piece];
#pragma unroll
    for (int i = 0; i < piece; ++i) sums[i] = 0.0f;

    int64_t step = static_cast<int64_t>(gridDim.x) * activation_warps;
    int64_t first = static_cast<int64_t>(blockIdx.x) * activation_warps + warp;
    for (int64_t row = count > 0 ? first : call.rows; row < call.rows; row += together * step) {
        float u[together][piece], g[together][piece];
#pragma unroll
        for (int k = 0; k < together; ++k) {
            // Past the last row the first of the two is read again.
            int64_t at = (row + k * step < call.rows ? row + k * step : row) * call.width + column;
            load_piece<S::vector>(from + at, count, u[k]);
            load_piece<S::vector>(gradient + at, count, g[k]);
        }
#pragma unroll
        for (int k = 0; k < together; ++k) {
            if (row + k * step >= call.rows) continue;
            int64_t at = (row + k * step) * call.width + column;
#pragma unroll
            for (int i = 0; i < piece; ++i) {
                Activated activated = activate<S::activation, S::fast>(u[k][i]);
                u[k][i] = activated.value;
                g[k][i] *= activated.derivative;
                sums[i] += g[k][i];
            }
            store_piece<S::vector>(gradient_u + at, count, g[k]);
            if (out) store_piece<S::vector>(out + at, count, u[k]);
        }
    }

    if (!call.partials) return;
    __shared__ float totals[activation_warps][piece][warp_size];
#pragma unroll
    for (int i = 0; i < piece; ++i) totals[warp][i][lane] = sums[i];
    __syncthreads();
    int64_t c = tile + threadIdx.x;
    if (c >= call.width) return;
    float total = 0.0f;
#pragma unroll
    for (int w = 0; w < activation_warps; ++w) total += totals[w][threadIdx.x % piece][threadIdx.x / piece];
    call.partials[static_cast<int64_t>(blockIdx.x) * call.width + c] = total;
}

// ---- The mask's factors ----

__global__ void __launch_bounds__(256) mask_factors_kernel(int64_t rows, int64_t width, ck_mask given, float *out) {
    ck_mask mask = resolved(given);
    int64_t pieces = (width + piece - 1) / piece, step = static_cast<int64_t>(gridDim.x) * 256;
    for (int64_t block = static_cast<int64_t>(blockIdx.x) * 256 + threadIdx.x; block < rows * pieces; block += step) {
        int64_t row = block / pieces, column = block % pieces * piece;
        float values[piece] = {1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f};
        apply_mask(kept_bits(mask, static_cast<uint64_t>(block)), mask.threshold ? mask.scale : 1.0f, values);
        int count = width - column < piece ? static_cast<int>(width - column) : piece;
        store_piece<false>(out + row * width + column, count, values);
    }
}

}  // namespace
