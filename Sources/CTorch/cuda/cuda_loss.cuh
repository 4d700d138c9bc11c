// A language model's loss from logits, and its gradient: a thread block for each row, which reads it two or three times.

#pragma once

#include "cuda_rows.cuh"

#include <cmath>

namespace {

constexpr int loss_threads = 512;
constexpr int loss_piece = 4;

struct VocabularyLoss {
    int64_t rows, vocabulary;
    const float *student, *teacher;
    const int64_t *targets;
    const float *row_weights;
    int terms, temperatures;
    bool second_pass;
    // The index of each term's temperature among the distinct ones.
    int temperature_of[CK_MOST_LOSS_TERMS];
    float temperature[CK_MOST_LOSS_TERMS], inverse[CK_MOST_LOSS_TERMS];
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
struct RunningSums {
    float largest = -INFINITY, sums[CK_MOST_LOSS_TERMS] = {};

    template <bool fast>
    __device__ void add(const VocabularyLoss &call, const float (&x)[loss_piece], int count) {
        float now = largest;
#pragma unroll
        for (int i = 0; i < loss_piece; ++i) now = i < count ? fmaxf(now, x[i]) : now;
#pragma unroll
        for (int k = 0; k < CK_MOST_LOSS_TERMS; ++k) {
            if (k >= call.temperatures) break;
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
        for (int k = 0; k < CK_MOST_LOSS_TERMS; ++k) {
            if (k >= call.temperatures) break;
            float scale = call.inverse[k];
            float part[1] = {largest == -INFINITY ? 0.0f : sums[k] * loss_exponential<fast>((largest - whole) * scale)};
            group_sum<loss_threads>(part);
            sums[k] = whole * scale + logf(part[0]);
        }
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

// T: the type of the gradient. `fast`: for logits of bfloat16 operands.
template <class T, bool vector, bool taught>
__global__ void __launch_bounds__(loss_threads) vocabulary_loss_kernel(VocabularyLoss call) {
    constexpr bool fast = sizeof(T) == 2;
    for (int64_t row = blockIdx.x; row < call.rows; row += gridDim.x) {
        const float *student = call.student + row * call.vocabulary;
        const float *teacher = taught ? call.teacher + row * call.vocabulary : nullptr;
        RunningSums own, other;
        over_columns<vector, taught>(student, teacher, call.vocabulary,
                                     [&](int64_t, const float (&s)[loss_piece], const float (&t)[loss_piece], int count) {
                                         own.template add<fast>(call, s, count);
                                         if constexpr (taught) other.template add<fast>(call, t, count);
                                     });
        own.template join<fast>(call);
        if constexpr (taught) other.template join<fast>(call);
        // Of a thread's columns at one temperature.
        auto likelihoods = [&](int k, const float (&s)[loss_piece], const float (&t)[loss_piece], Likelihood (&x)[loss_piece]) {
            // Terms of one temperature follow one another.
            if (k > 0 && call.temperature_of[k] == call.temperature_of[k - 1]) return;
            int which = call.temperature_of[k];
#pragma unroll
            for (int i = 0; i < loss_piece; ++i) {
                x[i].log_q = s[i] * call.inverse[which] - own.sums[which];
                x[i].q = loss_exponential<fast>(x[i].log_q);
                if constexpr (taught) {
                    x[i].log_p = t[i] * call.inverse[which] - other.sums[which];
                    x[i].p = loss_exponential<fast>(x[i].log_p);
                }
            }
        };
        // Σ q · derivative of the divergences that need it.
        float means[CK_MOST_LOSS_TERMS] = {};
        if (call.second_pass) {
            over_columns<vector, taught>(student, teacher, call.vocabulary,
                                         [&](int64_t, const float (&s)[loss_piece], const float (&t)[loss_piece], int count) {
                Likelihood x[loss_piece] = {};
#pragma unroll
                for (int k = 0; k < CK_MOST_LOSS_TERMS; ++k) {
                    if (k >= call.terms) break;
                    likelihoods(k, s, t, x);
                    if (!needs_second_pass(call.term[k].kind)) continue;
#pragma unroll
                    for (int i = 0; i < loss_piece; ++i) {
                        float product = x[i].q * divergence_part(call.term[k], x[i]).derivative;
                        means[k] += i < count ? product : 0.0f;
                    }
                }
            });
            group_sum<loss_threads>(means);
        }
        float values[CK_MOST_LOSS_TERMS] = {}, weight = call.row_weights[row];
        int64_t target = call.targets[row];
        T *gradient = call.gradient ? static_cast<T *>(call.gradient) + row * call.vocabulary : nullptr;
        over_columns<vector, taught>(student, teacher, call.vocabulary,
                                     [&](int64_t column, const float (&s)[loss_piece], const float (&t)[loss_piece], int count) {
            float sum[loss_piece] = {};
            Likelihood x[loss_piece] = {};
#pragma unroll
            for (int k = 0; k < CK_MOST_LOSS_TERMS; ++k) {
                if (k >= call.terms) break;
                likelihoods(k, s, t, x);
                const ck_loss_term &term = call.term[k];
                float factor = term.weight * term.factor * call.inverse[call.temperature_of[k]] * weight;
#pragma unroll
                for (int i = 0; i < loss_piece; ++i) {
                    float value, derivative;
                    if (term.kind == CK_LOSS_CROSS_ENTROPY) {
                        bool hit = column + i == target;
                        value = hit ? -x[i].log_q : 0.0f, derivative = x[i].q - (hit ? 1.0f : 0.0f);
                    } else if (term.kind == CK_LOSS_KL) {
                        value = x[i].p * (x[i].log_p - x[i].log_q), derivative = x[i].q - x[i].p;
                    } else {
                        DivergencePart part = divergence_part(term, x[i]);
                        value = part.element, derivative = x[i].q * (part.derivative - means[k]);
                    }
                    values[k] += i < count ? value : 0.0f;
                    sum[i] += factor * derivative;
                }
            }
            if (!gradient) return;
            if constexpr (vector && sizeof(T) == 2) {
                uint2 words = make_uint2(rounded_pair(sum[0], sum[1]), rounded_pair(sum[2], sum[3]));
                *reinterpret_cast<uint2 *>(gradient + column) = words;
            } else if constexpr (vector) {
                *reinterpret_cast<float4 *>(gradient + column) = make_float4(sum[0], sum[1], sum[2], sum[3]);
            } else {
                for (int i = 0; i < count; ++i) store_element(gradient + column + i, sum[i]);
            }
        });
        group_sum<loss_threads>(values);
        if (threadIdx.x == 0) {
#pragma unroll
            for (int k = 0; k < CK_MOST_LOSS_TERMS; ++k)
                if (k < call.terms) call.values[k * call.rows + row] = values[k] * call.term[k].factor * weight;
        }
    }
}

}  // namespace
