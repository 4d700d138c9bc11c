// A language model's loss from logits, and its gradient: a thread block for each row, which reads it two or three times.

#pragma once

#include "cuda_likelihood.cuh"

namespace {

// One row of logits, with what its threads know of it. T: the type of the gradient. `single`: all temperatures are one. `fast`: for logits
// of bfloat16 operands.
template <class T, bool vector, bool taught, bool single>
struct LossRow {
    static constexpr bool fast = sizeof(T) == 2;
    using Columns4 = float[loss_piece];

    const VocabularyLoss &call;
    int64_t row;
    const float *student, *teacher;
    RunningSums<single ? 1 : most_temperatures> own, other;

    __device__ LossRow(const VocabularyLoss &call, int64_t row)
        : call(call), row(row), student(call.student + row * call.vocabulary),
          teacher(taught ? call.teacher + row * call.vocabulary : nullptr) {
        over_columns<vector, taught>(student, teacher, call.vocabulary,
                                     [&](int64_t column, const Columns4 &s, const Columns4 &t, int count) {
                                         own.template add<fast>(call, column, s, count);
                                         if constexpr (taught) other.template add<fast>(call, column, t, count);
                                     });
        own.template join<fast>(call);
        if constexpr (taught) other.template join<fast>(call);
    }

    __device__ int temperature_of(int term) const { return single ? 0 : call.temperature_of[term]; }
    __device__ int plain() const { return single ? 0 : call.plain; }

    // Of a thread's columns at one temperature, unless they are that already.
    __device__ void likelihoods(int which, int before, const Columns4 &s, const Columns4 &t, Likelihood (&x)[loss_piece]) const {
        if (which == before) return;
#pragma unroll
        for (int i = 0; i < loss_piece; ++i) {
            x[i].log_q = s[i] * call.inverse[which] - own.sums[which];
            x[i].q = loss_exponential<fast>(x[i].log_q);
            if constexpr (taught) {
                x[i].log_p = t[i] * call.inverse[which] - other.sums[which];
                x[i].p = loss_exponential<fast>(x[i].log_p);
            }
        }
    }
    __device__ void likelihoods_of_term(int k, const Columns4 &s, const Columns4 &t, Likelihood (&x)[loss_piece]) const {
        likelihoods(temperature_of(k), k > 0 ? temperature_of(k - 1) : -1, s, t, x);
    }

    // Σ q · derivative of the divergences that need it.
    __device__ void find_means(float (&means)[CK_MOST_LOSS_TERMS]) const {
        over_columns<vector, taught>(student, teacher, call.vocabulary, [&](int64_t, const Columns4 &s, const Columns4 &t, int count) {
            Likelihood x[loss_piece] = {};
#pragma unroll
            for (int k = 0; k < CK_MOST_LOSS_TERMS; ++k) {
                if (k >= call.terms) break;
                likelihoods_of_term(k, s, t, x);
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

    // Adds one term's elements to its value, and their gradient to `sum`.
    __device__ void add_term(int k, float mean, float weight, int64_t hit, int count, const Likelihood (&x)[loss_piece], float &value,
                             float (&sum)[loss_piece]) const {
        const ck_loss_term &term = call.term[k];
        float factor = term.weight * term.factor * call.inverse[temperature_of(k)] * weight;
#pragma unroll
        for (int i = 0; i < loss_piece; ++i) {
            float element, derivative;
            if (term.kind == CK_LOSS_CROSS_ENTROPY) {
                element = i == hit ? -x[i].log_q : 0.0f, derivative = x[i].q - (i == hit ? 1.0f : 0.0f);
            } else if (term.kind == CK_LOSS_KL) {
                element = x[i].p * (x[i].log_p - x[i].log_q), derivative = x[i].q - x[i].p;
            } else {
                DivergencePart part = divergence_part(term, x[i]);
                element = part.element, derivative = x[i].q * (part.derivative - mean);
            }
            value += i < count ? element : 0.0f;
            sum[i] += factor * derivative;
        }
    }

    // Adds to both entropies and to the divergence at a temperature of 1.
    __device__ void add_told(int count, const Likelihood (&x)[loss_piece], float (&told)[3]) const {
#pragma unroll
        for (int i = 0; i < loss_piece; ++i) {
            if (i >= count) continue;
            told[0] -= x[i].q * x[i].log_q;
            if constexpr (taught) told[1] -= x[i].p * x[i].log_p, told[2] += x[i].p * (x[i].log_p - x[i].log_q);
        }
    }

    static __device__ void store(T *to, int count, const float (&sum)[loss_piece]) {
        if constexpr (vector && sizeof(T) == 2) {
            *reinterpret_cast<uint2 *>(to) = make_uint2(rounded_pair(sum[0], sum[1]), rounded_pair(sum[2], sum[3]));
        } else if constexpr (vector) {
            *reinterpret_cast<float4 *>(to) = make_float4(sum[0], sum[1], sum[2], sum[3]);
        } else {
            for (int i = 0; i < count; ++i) store_element(to + i, sum[i]);
        }
    }

    // The last pass: values, gradient, and sums of what is told.
    __device__ void finish(const float (&means)[CK_MOST_LOSS_TERMS], float (&values)[CK_MOST_LOSS_TERMS], float (&told)[3]) const {
        float weight = call.row_weights[row];
        int64_t target = call.targets[row];
        T *gradient = call.gradient ? static_cast<T *>(call.gradient) + row * call.vocabulary : nullptr;
        over_columns<vector, taught>(student, teacher, call.vocabulary, [&](int64_t column, const Columns4 &s, const Columns4 &t, int count) {
            float sum[loss_piece] = {};
            Likelihood x[loss_piece] = {};
#pragma unroll
            for (int k = 0; k < CK_MOST_LOSS_TERMS; ++k) {
                if (k >= call.terms) break;
                likelihoods_of_term(k, s, t, x);
                add_term(k, means[k], weight, target - column, count, x, values[k], sum);
            }
            if (call.statistics) {
                likelihoods(plain(), temperature_of(call.terms - 1), s, t, x);
                add_told(count, x, told);
            }
            if (gradient) store(gradient + column, count, sum);
        });
        group_sum<loss_threads>(values);
        if (threadIdx.x != 0) return;
#pragma unroll
        for (int k = 0; k < CK_MOST_LOSS_TERMS; ++k)
            if (k < call.terms) call.values[k * call.rows + row] = values[k] * call.term[k].factor * weight;
    }

    // All threads must call it.
    __device__ void tell(float (&told)[3]) const {
        group_sum<loss_threads>(told);
        if (threadIdx.x != 0) return;
        int64_t target = call.targets[row];
        auto write = [&](int which, float value) { call.statistics[which * call.statistics_stride + row] = value; };
        write(CK_TOKEN_STUDENT_SURPRISAL, own.sums[plain()] - student[target]);
        write(CK_TOKEN_STUDENT_ENTROPY, told[0]);
        write(CK_TOKEN_CORRECTNESS, own.first == target ? 1.0f : 0.0f);
        write(CK_TOKEN_CONFIDENCE, expf(own.largest - own.sums[plain()]));
        if constexpr (taught) {
            write(CK_TOKEN_TEACHER_SURPRISAL, other.sums[plain()] - teacher[target]);
            write(CK_TOKEN_TEACHER_ENTROPY, told[1]);
            write(CK_TOKEN_DIVERGENCE, told[2]);
            write(CK_TOKEN_AGREEMENT, own.first == other.first ? 1.0f : 0.0f);
        }
    }
};

template <class T, bool vector, bool taught, bool single>
__global__ void __launch_bounds__(loss_threads, single ? 2 : 1) vocabulary_loss_kernel(VocabularyLoss call) {
    for (int64_t index = blockIdx.x; index < call.rows; index += gridDim.x) {
        LossRow<T, vector, taught, single> row(call, index);
        float means[CK_MOST_LOSS_TERMS] = {}, values[CK_MOST_LOSS_TERMS] = {}, told[3] = {};
        if (call.second_pass) row.find_means(means);
        row.finish(means, values, told);
        if (call.statistics) row.tell(told);
    }
}

}  // namespace
