// The interface of a language model's output layer and loss, computed together (fused_loss.inl).
//
// R tokens that a loss is wanted of, V tokens of the vocabulary, H and Ht the hidden sizes of the student and the teacher.
// q = softmax(student's logits / T), p = softmax(teacher's logits / T).
#pragma once

#include <cstdint>

namespace ctorch::kernels {

enum class LossKind { cross_entropy, kl, reverse_kl, jensen_shannon, skew_kl, skew_reverse_kl, tvd, adaptive_kl };

struct LossTerm {
    LossKind kind;
    float weight, temperature;
    float parameter;  // beta, alpha or mu
    float factor;     // of the divergence: T² where that is the custom
};

enum class Storage { float32, bfloat16, float16 };

// A last hidden state (R, width) and an output layer's weight, at least (V, width).
struct OutputHead {
    const void *hidden;
    Storage hidden_type;
    const void *weight;
    Storage weight_type;
    int64_t width;
};

// What is told of each token at T = 1, each (R) or null.
struct TokenStatistics {
    float *student_surprisal;  // −log q(target)
    float *teacher_surprisal;  // −log p(target)
    float *divergence;         // KL(p ‖ q)
    float *agreement;          // 1 where student and teacher hold the same token for the most probable
    float *student_entropy, *teacher_entropy;
    float *correctness;  // 1 where the student holds the target for the most probable
    float *confidence;   // the student's probability of its most probable token
};

constexpr int64_t most_loss_terms = 16;

struct FusedLoss {
    int64_t rows, vocabulary;
    OutputHead student;
    OutputHead teacher;        // its weight is null if there is none
    const float *outcomes;     // (R, 2 outcome_count + 1) in the teacher's place, or null: ids, −1 for none behind them,
    int64_t outcome_count;     // log-probabilities, and the logarithm of what is left
    const int64_t *targets;    // (R), each below V
    const float *row_weights;  // (R)
    const LossTerm *terms;
    int64_t term_count;  // at most `most_loss_terms`
    bool taught() const { return teacher.weight || outcomes; }
    TokenStatistics statistics;
    double *sums;             // (terms): Σ over tokens of row weight × value
    float *hidden_gradient;   // (R, H), and
    float *weight_gradient;   // (V, H): of Σ over terms of weight × sum; each null if it is not wanted
    void *memory;             // as many bytes as `fused_loss_bytes` says, aligned to a cache line
};

}  // namespace ctorch::kernels
