// What the loss's kernel knows of a row of logits: its normalizers, its largest column, probabilities, and divergences' elements.

#pragma once

#include "cuda_rows.cuh"

#include <cmath>

namespace {

constexpr int loss_threads = 512;
constexpr int loss_piece = 4;
// Those of the terms, and 1 for the statistics.
constexpr int most_temperatures = CK_MOST_LOSS_TERMS + 1;

struct VocabularyLoss {
    int64_t rows, vocabulary;
    const float *student, *teacher;
    const int64_t *targets;
    const float *row_weights;
    int terms, temperatures;
    bool second_pass;
    // The index of a temperature of 1, where statistics are wanted.
    int plain;
    float *statistics;
    int64_t statistics_stride;
    // The index of each term's temperature among the distinct ones.
    int temperature_of[CK_MOST_LOSS_TERMS];
    float temperature[most_temperatures], inverse[most_temperatures];
    ck_loss_term term[CK_MOST_LOSS_TERMS];
    float *values;
    void *gradient;
};

// The largest of a thread block's values, the same in each thread. All threads must call it.
__device__ inline float block_max(float value) {
    constexpr int warps = loss_threads / warp_size;
    __shared__ float parts[warps];
#pragma unroll
    for (int distance = warp_size / 2; distance > 0; distance /= 2)
        value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, distance));
    if (threadIdx.x % warp_size == 0) parts[threadIdx.x / warp_size] = value;
    __syncthreads();
    value = parts[0];
#pragma unroll
    for (int w = 1; w < warps; ++w) value = fmaxf(value, parts[w]);
    __syncthreads();
    return value;
}

// Calls body(column, student's logits, teacher's logits, count) for a thread's columns, up to four at a time.
template <bool vector, bool taught, class Body>
__device__ inline void over_columns(const float *student, const float *teacher, int64_t vocabulary, Body &&body) {
    for (int64_t column = static_cast<int64_t>(threadIdx.x) * loss_piece; column < vocabulary; column += loss_threads * loss_piece) {
        float s[loss_piece], t[loss_piece] = {};
        int count = loss_piece;
        if constexpr (vector) {
            float4 own = *reinterpret_cast<const float4 *>(student + column);
            s[0] = own.x, s[1] = own.y, s[2] = own.z, s[3] = own.w;
            if constexpr (taught) {
                float4 other = *reinterpret_cast<const float4 *>(teacher + column);
                t[0] = other.x, t[1] = other.y, t[2] = other.z, t[3] = other.w;
            }
        } else {
            count = vocabulary - column < loss_piece ? static_cast<int>(vocabulary - column) : loss_piece;
            for (int i = 0; i < loss_piece; ++i) {
                s[i] = i < count ? student[column + i] : 0.0f;
                if constexpr (taught) t[i] = i < count ? teacher[column + i] : 0.0f;
            }
        }
        body(column, s, t, count);
    }
}

template <bool fast>
__device__ inline float loss_exponential(float x) {
    return fast ? __expf(x) : expf(x);
}

// The largest logit and Σ exp((logit − largest) / temperature), of one thread and then of all.
template <int temperatures>
struct RunningSums {
    float largest = -INFINITY, sums[temperatures] = {};
    // The first column with the largest logit.
    int64_t first = 0;

    template <bool fast>
    __device__ void add(const VocabularyLoss &call, int64_t column, const float (&x)[loss_piece], int count) {
        float now = largest;
#pragma unroll
        for (int i = 0; i < loss_piece; ++i) {
            if (i < count && x[i] > now) now = x[i], first = column + i;
        }
#pragma unroll
        for (int k = 0; k < temperatures; ++k) {
            if (temperatures > 1 && k >= call.temperatures) break;
            float scale = call.inverse[k];
            float sum = largest == -INFINITY ? 0.0f : sums[k] * loss_exponential<fast>((largest - now) * scale);
#pragma unroll
            for (int i = 0; i < loss_piece; ++i) sum += i < count ? loss_exponential<fast>((x[i] - now) * scale) : 0.0f;
            sums[k] = sum;
        }
        largest = now;
    }

    // Leaves in `sums` the logarithms of the whole row's normalizers: log Σ exp(logit / T).
    template <bool fast>
    __device__ void join(const VocabularyLoss &call) {
        float whole = block_max(largest);
#pragma unroll
        for (int k = 0; k < temperatures; ++k) {
            if (temperatures > 1 && k >= call.temperatures) break;
            float scale = call.inverse[k];
            float part[1] = {largest == -INFINITY ? 0.0f : sums[k] * loss_exponential<fast>((largest - whole) * scale)};
            group_sum<loss_threads>(part);
            sums[k] = whole * scale + logf(part[0]);
        }
        // Columns are whole numbers that float32 holds.
        if (call.statistics) first = static_cast<int64_t>(-block_max(largest == whole ? -static_cast<float>(first) : -INFINITY));
        largest = whole;
    }
};

// One token of the vocabulary at one temperature.
struct Likelihood {
    float log_p, log_q, p, q;
};

// A divergence's element, and its derivative by q without factors of the normalization.
struct DivergencePart {
    float element, derivative;
};

__device__ inline DivergencePart divergence_part(const ck_loss_term &term, const Likelihood &x) {
    float a = term.parameter;
    switch (term.kind) {
        case CK_LOSS_REVERSE_KL: {
            float ratio = x.log_q - x.log_p;
            return {x.q * ratio, ratio};
        }
        case CK_LOSS_JENSEN_SHANNON: {
            float log_m = logf(fmaxf(a * x.p + (1.0f - a) * x.q, 1e-37f)), own = x.log_q - log_m;
            return {a * x.p * (x.log_p - log_m) + (1.0f - a) * x.q * own, (1.0f - a) * own};
        }
        case CK_LOSS_SKEW_KL: {
            float m = fmaxf(a * x.p + (1.0f - a) * x.q, 1e-37f);
            return {x.p * (x.log_p - logf(m)), x.p / m * (a - 1.0f)};
        }
        case CK_LOSS_SKEW_REVERSE_KL: {
            float m = fmaxf((1.0f - a) * x.p + a * x.q, 1e-37f), ratio = x.log_q - logf(m);
            return {x.q * ratio, ratio - x.q / m * a};
        }
        default: {  // CK_LOSS_TVD
            float gap = x.q - x.p;
            return {0.5f * fabsf(gap), gap > 0.0f ? 0.5f : gap < 0.0f ? -0.5f : 0.0f};
        }
    }
}

__device__ inline bool needs_second_pass(int kind) { return kind != CK_LOSS_CROSS_ENTROPY && kind != CK_LOSS_KL; }

}  // namespace
