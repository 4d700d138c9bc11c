// A language model's output layer and loss, in blocks of tokens: what is asked, what is answered.
#pragma once

#include <vector>

#include "internal.h"

namespace ctorch {

struct LossRequest {
    at::Tensor hidden, weight;                  // (R, H), (V, H)
    at::Tensor teacher_hidden, teacher_weight;  // (R, Ht), (Vt, Ht), or undefined
    at::Tensor teacher_outcomes;                // (R, 2 k + 1) in their place, or undefined
    at::Tensor targets, row_weights;            // (R)
    std::vector<ct_loss_term> terms;
    int64_t vocabulary;  // the tokens that both models have
    bool bfloat16;       // multiply in bfloat16
    bool statistics, hidden_gradient, weight_gradient;

    bool taught() const { return teacher_weight.defined() || teacher_outcomes.defined(); }
};

struct LossAnswer {
    at::Tensor sums;        // (terms)
    at::Tensor statistics;  // (CT_TOKEN_STATISTICS, R), NaN where there is no teacher; undefined unless wanted
    at::Tensor hidden_gradient, weight_gradient;  // float32
};

// What a term measures: the ends of the generalized Jensen-Shannon divergence are defined as the two Kullback-Leibler divergences.
int32_t loss_kind(const ct_loss_term &term);
// The factor of a divergence: T² for those that are so defined.
double loss_factor(const ct_loss_term &term);

// By the kernels, and by libtorch's operations on any device.
LossAnswer fused_loss_by_kernels(const LossRequest &request);
LossAnswer composed_fused_loss(const LossRequest &request);

}  // namespace ctorch
