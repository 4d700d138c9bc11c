// The row kernels of a decoder's layer: residual and root mean square norm, rotary positions, gated activations.

#pragma once

#include "cuda_activation.cuh"

namespace {

// ---- Residual and root mean square norm: forward ----

struct RmsForward {
    int64_t rows;
    int width;
    const float *x;
    const void *branch;
    const float *weight;
    float epsilon, offset;
    float *sum, *out;
    void *out_typed;
    float *deviation;
};

template <class S>
__global__ void __launch_bounds__(S::threads) rms_forward_kernel(RmsForward call) {
    using T = typename S::Element;
    Columns<S> columns(call.width);
    int64_t step = static_cast<int64_t>(gridDim.x) * S::groups;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * S::groups + threadIdx.x / S::group; row < call.rows;
         row += step) {
        int64_t start = row * call.width;
        float values[S::pieces][piece], squares[1] = {0.0f};
#pragma unroll
        for (int p = 0; p < S::pieces; ++p)
            load_piece<S::vector>(call.x + start + columns.readable(p), columns.count(p), values[p]);
        if (call.branch) {
            const T *branch = static_cast<const T *>(call.branch) + start;
#pragma unroll
            for (int p = 0; p < S::pieces; ++p) {
                float more[piece];
                load_piece<S::vector>(branch + columns.readable(p), columns.count(p), more);
#pragma unroll
                for (int i = 0; i < piece; ++i) values[p][i] += more[i];
            }
        }
#pragma unroll
        for (int p = 0; p < S::pieces; ++p) {
            if (call.sum) store_piece<S::vector>(call.sum + start + columns.first(p), columns.count(p), values[p]);
#pragma unroll
            for (int i = 0; i < piece; ++i) squares[0] += columns.has(p, i) ? values[p][i] * values[p][i] : 0.0f;
        }
        group_sum<S::group>(squares);
        float deviation = 1.0f / sqrtf(squares[0] / static_cast<float>(call.width) + call.epsilon);
        if (call.deviation && columns.lane == 0) call.deviation[row] = deviation;
#pragma unroll
        for (int p = 0; p < S::pieces; ++p) {
            int count = columns.count(p);
            int64_t at = start + columns.first(p);
            float weight[piece];
            load_piece<S::vector>(call.weight + columns.readable(p), count, weight);
#pragma unroll
            for (int i = 0; i < piece; ++i) values[p][i] = values[p][i] * deviation * (weight[i] + call.offset);
            if (call.out) store_piece<S::vector>(call.out + at, count, values[p]);
            if (call.out_typed) store_piece<S::vector>(static_cast<T *>(call.out_typed) + at, count, values[p]);
        }
    }
}

// ---- Residual and root mean square norm: backward ----

struct RmsBackward {
    int64_t rows;
    int width;
    const float *gradient;
    const void *gradient_typed;
    const float *x, *deviation, *weight;
    float offset;
    const float *residual;
    float *gradient_x;
    void *gradient_branch;
    float *partials;
};

// A thread block's partial sums over its rows. All threads must call it.
template <class S>
__device__ inline void store_row_sums(const Columns<S> &columns, const float (&sums)[S::pieces][piece], int group, float *partials) {
    if constexpr (S::groups == 1) {
#pragma unroll
        for (int p = 0; p < S::pieces; ++p)
            store_piece<S::vector>(partials + columns.first(p), columns.count(p), sums[p]);
    } else {
        __shared__ float totals[S::pieces][piece][warp_size];
        for (int turn = 0; turn < S::groups; ++turn) {
            if (group == turn) {
#pragma unroll
                for (int p = 0; p < S::pieces; ++p)
#pragma unroll
                    for (int i = 0; i < piece; ++i) {
                        float &total = totals[p][i][columns.lane];
                        total = turn == 0 ? sums[p][i] : total + sums[p][i];
                    }
            }
            __syncthreads();
        }
        for (int c = static_cast<int>(threadIdx.x); c < columns.width; c += S::threads)
            partials[c] = totals[c / (piece * warp_size)][c % piece][c / piece % warp_size];
    }
}

template <class S>
__global__ void __launch_bounds__(S::threads) rms_backward_kernel(RmsBackward call) {
    using T = typename S::Element;
    Columns<S> columns(call.width);
    float sums[S::pieces][piece];
#pragma unroll
    for (int p = 0; p < S::pieces; ++p)
#pragma unroll
        for (int i = 0; i < piece; ++i) sums[p][i] = 0.0f;

    int group = static_cast<int>(threadIdx.x) / S::group;
    int64_t step = static_cast<int64_t>(gridDim.x) * S::groups;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * S::groups + group; row < call.rows; row += step) {
        int64_t start = row * call.width;
        float deviation = call.deviation[row], mean[1] = {0.0f};
        float gradient[S::pieces][piece], normalized[S::pieces][piece];
#pragma unroll
        for (int p = 0; p < S::pieces; ++p) {
            int count = columns.count(p), from = columns.readable(p);
            float weight[piece];
            load_piece<S::vector>(call.x + start + from, count, normalized[p]);
            load_piece<S::vector>(call.weight + from, count, weight);
            if (call.gradient) {
                load_piece<S::vector>(call.gradient + start + from, count, gradient[p]);
            } else {
                load_piece<S::vector>(static_cast<const T *>(call.gradient_typed) + start + from, count, gradient[p]);
            }
#pragma unroll
            for (int i = 0; i < piece; ++i) {
                float g = columns.has(p, i) ? gradient[p][i] : 0.0f, x = normalized[p][i] * deviation;
                normalized[p][i] = x;
                sums[p][i] += g * x;
                gradient[p][i] = g * (weight[i] + call.offset);
                mean[0] += gradient[p][i] * (columns.has(p, i) ? x : 0.0f);
            }
        }
        group_sum<S::group>(mean);
        mean[0] /= static_cast<float>(call.width);
#pragma unroll
        for (int p = 0; p < S::pieces; ++p) {
            int count = columns.count(p);
            int64_t at = start + columns.first(p);
            float residual[piece] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
            if (call.residual) load_piece<S::vector>(call.residual + start + columns.readable(p), count, residual);
#pragma unroll
            for (int i = 0; i < piece; ++i)
                gradient[p][i] = residual[i] + deviation * (gradient[p][i] - normalized[p][i] * mean[0]);
            if (call.gradient_x) store_piece<S::vector>(call.gradient_x + at, count, gradient[p]);
            if (call.gradient_branch) store_piece<S::vector>(static_cast<T *>(call.gradient_branch) + at, count, gradient[p]);
        }
    }
    if (call.partials) store_row_sums(columns, sums, group, call.partials + static_cast<int64_t>(blockIdx.x) * call.width);
}

// ---- Rotary positions ----

struct Rotation {
    int64_t rows, stride;
    int heads, half;
    float sign;
    const int32_t *positions;
    const float *cosine, *sine;
    void *x;
};

constexpr int rotation_threads = 256;

// A thread rotates a piece of a head's first half with the same piece of the second.
template <class T, bool vector>
__global__ void __launch_bounds__(rotation_threads) rotation_kernel(Rotation call) {
    int pieces = (call.half + piece - 1) / piece;
    int64_t all = call.rows * call.heads * pieces, step = static_cast<int64_t>(gridDim.x) * rotation_threads;
    for (int64_t index = static_cast<int64_t>(blockIdx.x) * rotation_threads + threadIdx.x; index < all; index += step) {
        int part = static_cast<int>(index % pieces), head = static_cast<int>(index / pieces % call.heads);
        int64_t row = index / pieces / call.heads;
        int first = part * piece, count = min(call.half - first, piece);
        T *low = static_cast<T *>(call.x) + row * call.stride + static_cast<int64_t>(head) * 2 * call.half + first;
        int64_t angle = static_cast<int64_t>(call.positions[row]) * call.half + first;
        float a[piece], b[piece], c[piece], s[piece];
        load_piece<vector>(low, count, a);
        load_piece<vector>(low + call.half, count, b);
        load_piece<vector>(call.cosine + angle, count, c);
        load_piece<vector>(call.sine + angle, count, s);
#pragma unroll
        for (int i = 0; i < piece; ++i) {
            float x = a[i], y = b[i], sine = call.sign * s[i];
            a[i] = x * c[i] - y * sine;
            b[i] = y * c[i] + x * sine;
        }
        store_piece<vector>(low, count, a);
        store_piece<vector>(low + call.half, count, b);
    }
}

// ---- Gated activations ----

// Calls body(row, column, count) for the pieces of rows that a thread has.
template <class Body>
__device__ inline void over_pieces(int64_t rows, int64_t width, Body &&body) {
    int64_t pieces = (width + piece - 1) / piece, step = static_cast<int64_t>(gridDim.x) * activation_threads;
    for (int64_t index = static_cast<int64_t>(blockIdx.x) * activation_threads + threadIdx.x; index < rows * pieces; index += step) {
        int64_t column = index % pieces * piece, left = width - column;
        body(index / pieces, column, left < piece ? static_cast<int>(left) : piece);
    }
}

struct GatedForward {
    int64_t rows, width;
    const void *joint;
    void *out;
};

template <class S>
__global__ void __launch_bounds__(activation_threads) gated_forward_kernel(GatedForward call) {
    using T = typename S::Element;
    over_pieces(call.rows, call.width, [&](int64_t row, int64_t column, int count) {
        const T *gate = static_cast<const T *>(call.joint) + row * 2 * call.width + column;
        float g[piece], up[piece];
        load_piece<S::vector>(gate, count, g);
        load_piece<S::vector>(gate + call.width, count, up);
#pragma unroll
        for (int i = 0; i < piece; ++i) g[i] = activate<S::activation, S::fast>(g[i]).value * up[i];
        store_piece<S::vector>(static_cast<T *>(call.out) + row * call.width + column, count, g);
    });
}

struct GatedBackward {
    int64_t rows, width;
    const void *joint, *gradient;
    void *gradient_joint, *out;
};

template <class S>
__global__ void __launch_bounds__(activation_threads) gated_backward_kernel(GatedBackward call) {
    using T = typename S::Element;
    over_pieces(call.rows, call.width, [&](int64_t row, int64_t column, int count) {
        int64_t joint = row * 2 * call.width + column, at = row * call.width + column;
        const T *gate = static_cast<const T *>(call.joint) + joint;
        float g[piece], up[piece], gradient[piece], product[piece];
        load_piece<S::vector>(gate, count, g);
        load_piece<S::vector>(gate + call.width, count, up);
        load_piece<S::vector>(static_cast<const T *>(call.gradient) + at, count, gradient);
#pragma unroll
        for (int i = 0; i < piece; ++i) {
            Activated activated = activate<S::activation, S::fast>(g[i]);
            product[i] = activated.value * up[i];
            g[i] = gradient[i] * up[i] * activated.derivative;
            up[i] = gradient[i] * activated.value;
        }
        T *to = static_cast<T *>(call.gradient_joint) + joint;
        store_piece<S::vector>(to, count, g);
        store_piece<S::vector>(to + call.width, count, up);
        if (call.out) store_piece<S::vector>(static_cast<T *>(call.out) + at, count, product);
    });
}

}  // namespace
