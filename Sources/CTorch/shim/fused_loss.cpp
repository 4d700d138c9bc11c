// A language model's output layer and loss by the kernels, and as an autograd node.

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <cmath>
#include <limits>

#include "fused_loss.h"
#include "packed.h"

using namespace ctorch;
namespace k = ctorch::kernels;

namespace ctorch {

int32_t loss_kind(const ct_loss_term &term) {
    if (term.kind == CT_LOSS_JENSEN_SHANNON && term.parameter == 0) return CT_LOSS_KL;
    if (term.kind == CT_LOSS_JENSEN_SHANNON && term.parameter == 1) return CT_LOSS_REVERSE_KL;
    return term.kind;
}

double loss_factor(const ct_loss_term &term) {
    bool squared = term.kind == CT_LOSS_KL || term.kind == CT_LOSS_REVERSE_KL || term.kind == CT_LOSS_ADAPTIVE_KL;
    return squared ? term.temperature * term.temperature : 1;
}

}  // namespace ctorch

namespace {

k::Storage storage(const at::Tensor &tensor) {
    switch (tensor.scalar_type()) {
    case at::kFloat: return k::Storage::float32;
    case at::kBFloat16: return k::Storage::bfloat16;
    default: return k::Storage::float16;
    }
}

k::OutputHead head(const at::Tensor &hidden, const at::Tensor &weight) {
    return {hidden.const_data_ptr(), storage(hidden), weight.const_data_ptr(), storage(weight), hidden.size(1)};
}

static_assert(CT_LOSS_MOST_TERMS == k::most_loss_terms);
static_assert(CT_LOSS_CROSS_ENTROPY == static_cast<int>(k::LossKind::cross_entropy));
static_assert(CT_LOSS_ADAPTIVE_KL == static_cast<int>(k::LossKind::adaptive_kl));

k::LossTerm kernel_term(const ct_loss_term &term) {
    return {.kind = static_cast<k::LossKind>(loss_kind(term)),
            .weight = static_cast<float>(term.weight),
            .temperature = static_cast<float>(term.temperature),
            .parameter = static_cast<float>(term.parameter),
            .factor = static_cast<float>(loss_factor(term))};
}

k::TokenStatistics statistic_rows(const at::Tensor &statistics) {
    if (!statistics.defined()) return {};
    auto row = [&](int64_t which) { return mutable_data(statistics) + which * statistics.size(1); };
    return {.student_surprisal = row(CT_TOKEN_STUDENT_SURPRISAL),
            .teacher_surprisal = row(CT_TOKEN_TEACHER_SURPRISAL),
            .divergence = row(CT_TOKEN_DIVERGENCE),
            .agreement = row(CT_TOKEN_AGREEMENT),
            .student_entropy = row(CT_TOKEN_STUDENT_ENTROPY),
            .teacher_entropy = row(CT_TOKEN_TEACHER_ENTROPY),
            .correctness = row(CT_TOKEN_CORRECTNESS),
            .confidence = row(CT_TOKEN_CONFIDENCE)};
}

}  // namespace

LossAnswer ctorch::fused_loss_by_kernels(const LossRequest &request) {
    int64_t rows = request.hidden.size(0), width = request.hidden.size(1);
    std::vector<k::LossTerm> terms;
    for (const ct_loss_term &term : request.terms) terms.push_back(kernel_term(term));
    LossAnswer answer;
    answer.sums = at::empty({static_cast<int64_t>(terms.size())}, at::kDouble);
    if (request.statistics) answer.statistics = at::full({CT_TOKEN_STATISTICS, rows}, std::numeric_limits<float>::quiet_NaN(), at::kFloat);
    if (request.hidden_gradient) answer.hidden_gradient = floats({rows, width});
    if (request.weight_gradient) {
        answer.weight_gradient = floats({request.weight.size(0), width});
        // Rows that nothing is added to.
        int64_t used = rows > 0 ? request.vocabulary : 0;
        answer.weight_gradient.narrow(0, used, request.weight.size(0) - used).zero_();
    }
    k::FusedLoss call{.rows = rows,
                      .vocabulary = request.vocabulary,
                      .student = head(request.hidden, request.weight),
                      .teacher = request.teacher_weight.defined() ? head(request.teacher_hidden, request.teacher_weight) : k::OutputHead{},
                      .outcomes = optional_data(request.teacher_outcomes),
                      .outcome_count = request.teacher_outcomes.defined() ? request.teacher_outcomes.size(1) / 2 : 0,
                      .targets = const_data<int64_t>(request.targets),
                      .row_weights = data(request.row_weights),
                      .terms = terms.data(),
                      .term_count = static_cast<int64_t>(terms.size()),
                      .statistics = statistic_rows(answer.statistics),
                      .sums = answer.sums.mutable_data_ptr<double>(),
                      .hidden_gradient = optional_data(answer.hidden_gradient),
                      .weight_gradient = optional_data(answer.weight_gradient),
                      .memory = nullptr};
    at::Tensor memory = at::empty({k::training().fused_loss_bytes(request.bfloat16, call)}, at::kByte);
    call.memory = memory.mutable_data_ptr();
    k::training().fused_loss(request.bfloat16, call);
    return answer;
}

namespace {

struct FusedLossState : torch::CustomClassHolder {
    at::Tensor hidden_gradient, weight_gradient;
    at::ScalarType hidden_type = at::kFloat;
    bool used = false;
};

// Σ over terms of weight × sum.
at::Tensor weighted(const LossRequest &request, const LossAnswer &answer) {
    at::Tensor total = at::zeros({}, answer.sums.options());
    for (size_t i = 0; i < request.terms.size(); ++i)
        total.add_(answer.sums.select(0, static_cast<int64_t>(i)), request.terms[i].weight);
    return total.to(at::kFloat);
}

// The gradients are there already: the backward pass scales them.
struct FusedLossNode : torch::autograd::Function<FusedLossNode> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &, const at::Tensor &,
                              const at::Tensor &loss, c10::intrusive_ptr<FusedLossState> state) {
        context->saved_data["state"] = c10::IValue::make_capsule(state);
        return loss.clone();
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        auto capsule = context->saved_data["state"].toCapsule();
        auto &state = static_cast<FusedLossState &>(*capsule);
        TORCH_CHECK(!state.used, "backward was called twice on the same graph; run the forward pass again");
        state.used = true;
        at::AutoDispatchBelowADInplaceOrView below;
        const at::Tensor &factor = gradients[0];
        // Most losses are at the end of the graph, where the factor is 1: that needs no pass over a large matrix.
        bool is_one = factor.is_cpu() && factor.item<float>() == 1;
        auto scaled = [&](at::Tensor &gradient) {
            if (gradient.defined() && !is_one) gradient.mul_(factor);
            return std::move(gradient);
        };
        at::Tensor to_hidden = scaled(state.hidden_gradient), to_weight = scaled(state.weight_gradient);
        if (to_hidden.defined()) to_hidden = to_hidden.to(state.hidden_type);
        return {to_hidden, to_weight, at::Tensor(), at::Tensor()};
    }
};

void check_head(const at::Tensor &hidden, const at::Tensor &weight, const char *whose) {
    TORCH_CHECK(hidden.dim() == 2 && weight.dim() == 2 && hidden.size(1) == weight.size(1) && hidden.size(1) > 0 && weight.size(0) > 0,
                whose, " hidden states ", hidden.sizes(), " and output weight ", weight.sizes(),
                " do not fit: (rows, width) and (vocabulary, width)");
    TORCH_CHECK(hidden.device() == weight.device(), whose, " hidden states and output weight are on different devices");
}

void check_term(const ct_loss_term &term, bool taught) {
    TORCH_CHECK(term.kind >= CT_LOSS_CROSS_ENTROPY && term.kind <= CT_LOSS_ADAPTIVE_KL, "unknown loss term ", term.kind);
    TORCH_CHECK(std::isfinite(term.weight), "a term's weight must be finite, got ", term.weight);
    TORCH_CHECK(std::isfinite(term.temperature) && term.temperature > 0, "a temperature must be above 0, got ", term.temperature);
    TORCH_CHECK(term.parameter >= 0 && term.parameter <= 1, "a term's parameter must be from 0 to 1, got ", term.parameter);
    TORCH_CHECK(taught || term.kind == CT_LOSS_CROSS_ENTROPY, "a divergence needs the teacher's hidden states and output weight");
}

void check_rows(const LossRequest &request) {
    int64_t rows = request.hidden.size(0);
    const at::Tensor &targets = request.targets, &weights = request.row_weights;
    TORCH_CHECK(targets.dim() == 1 && targets.size(0) == rows && targets.scalar_type() == at::kLong,
                "the targets must be int64 of the shape [", rows, "], got ", targets.sizes());
    TORCH_CHECK(weights.dim() == 1 && weights.size(0) == rows && weights.scalar_type() == at::kFloat,
                "the tokens' weights must be float32 of the shape [", rows, "], got ", weights.sizes());
    TORCH_CHECK(targets.device() == request.hidden.device() && weights.device() == request.hidden.device(),
                "the targets and the tokens' weights must be on the hidden states' device");
    if (!targets.is_cpu()) return;
    const int64_t *at = const_data<int64_t>(targets);
    for (int64_t r = 0; r < rows; ++r)
        TORCH_CHECK(at[r] >= 0 && at[r] < request.vocabulary, "target ", r, " is ", at[r], ", not one of the ",
                    request.vocabulary, " tokens of the vocabulary");
}

// Outcomes are known at a temperature of 1, and where the rest's tokens are no matter.
void check_outcomes(const LossRequest &request) {
    const at::Tensor &outcomes = request.teacher_outcomes;
    TORCH_CHECK(!request.teacher_weight.defined(), "a teacher has hidden states or outcomes, not both");
    TORCH_CHECK(outcomes.dim() == 2 && outcomes.size(0) == request.hidden.size(0) && outcomes.size(1) % 2 == 1 && outcomes.size(1) > 1 &&
                    outcomes.scalar_type() == at::kFloat && outcomes.device() == request.hidden.device(),
                "the teacher's outcomes must be float32 of the shape [", request.hidden.size(0), ", 2 k + 1], got ", outcomes.sizes());
    for (const ct_loss_term &term : request.terms) {
        TORCH_CHECK(term.kind == CT_LOSS_CROSS_ENTROPY || term.temperature == 1, "outcomes are a distribution at a temperature of 1, got ",
                    term.temperature);
        TORCH_CHECK(term.kind != CT_LOSS_ADAPTIVE_KL, "adaptive_kl needs the teacher's whole distribution, not outcomes");
    }
    if (!outcomes.is_cpu()) return;
    const float *at = const_data<float>(outcomes);
    int64_t count = outcomes.size(1) / 2;
    for (int64_t r = 0; r < outcomes.size(0); ++r, at += 2 * count + 1)
        for (int64_t i = 0; i < count; ++i)
            TORCH_CHECK((at[i] >= 0 && at[i] < static_cast<float>(request.vocabulary)) || (at[i] == -1 && i > 0), "outcome ", i,
                        " of token ", r, " is ", at[i], ", not one of the ", request.vocabulary, " tokens of the vocabulary");
}

void check_request(const LossRequest &request) {
    check_head(request.hidden, request.weight, "the student's");
    auto is_float = [](const at::Tensor &tensor) {
        return tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16 || tensor.scalar_type() == at::kHalf;
    };
    TORCH_CHECK(request.weight.scalar_type() == at::kFloat, "the student's output weight must be float32");
    TORCH_CHECK(is_float(request.hidden) && request.hidden.scalar_type() != at::kHalf,
                "the student's hidden states must be float32 or bfloat16");
    if (request.teacher_weight.defined()) {
        check_head(request.teacher_hidden, request.teacher_weight, "the teacher's");
        TORCH_CHECK(is_float(request.teacher_hidden) && is_float(request.teacher_weight),
                    "the teacher's hidden states and output weight must be float32, bfloat16 or float16");
        TORCH_CHECK(request.teacher_hidden.size(0) == request.hidden.size(0) && request.teacher_hidden.device() == request.hidden.device(),
                    "the teacher's hidden states ", request.teacher_hidden.sizes(), " are not of the tokens of the student's ",
                    request.hidden.sizes());
    }
    check_rows(request);
    if (request.teacher_outcomes.defined()) check_outcomes(request);
    TORCH_CHECK(!request.terms.empty() && request.terms.size() <= CT_LOSS_MOST_TERMS, "there must be 1 to ", CT_LOSS_MOST_TERMS,
                " loss terms, got ", request.terms.size());
    for (const ct_loss_term &term : request.terms) check_term(term, request.taught());
}

LossRequest loss_request(const ct_fused_loss_call &call) {
    auto constant = [](ct_tensor tensor) { return tensor ? tensor->value.detach().contiguous() : at::Tensor(); };
    const at::Tensor &hidden = call.hidden->value, &weight = call.weight->value;
    LossRequest request{.hidden = constant(call.hidden),
                        .weight = constant(call.weight),
                        .teacher_hidden = constant(call.teacher_hidden),
                        .teacher_weight = constant(call.teacher_weight),
                        .teacher_outcomes = constant(call.teacher_outcomes),
                        .targets = constant(call.targets),
                        .row_weights = constant(call.row_weights),
                        .terms = {call.terms, call.terms + call.term_count},
                        .vocabulary = weight.dim() > 0 ? weight.size(0) : 0,
                        .bfloat16 = call.bfloat16,
                        .statistics = call.statistics,
                        .hidden_gradient = any_requires_grad({hidden}),
                        .weight_gradient = any_requires_grad({weight})};
    TORCH_CHECK(request.teacher_hidden.defined() == request.teacher_weight.defined(), "a teacher has both hidden states and an output weight");
    if (request.teacher_weight.defined() && request.teacher_weight.dim() > 0)
        request.vocabulary = std::min(request.vocabulary, request.teacher_weight.size(0));
    if (!request.row_weights.defined())
        request.row_weights = at::ones(request.targets.sizes(), at::TensorOptions(at::kFloat).device(hidden.device()));
    return request;
}

}  // namespace

ct_error ct_fused_loss(ct_fused_loss_call call, ct_tensor *out, ct_tensor *sums, ct_tensor *statistics) {
    return guard("fused_loss", {call.hidden, call.weight, call.teacher_hidden, call.teacher_weight, call.teacher_outcomes, call.targets, call.row_weights}, [&] {
        LossRequest request = loss_request(call);
        check_request(request);
        LossAnswer answer;
        at::Tensor loss;
        {
            at::NoGradGuard no_grad;
            answer = call.kernels && request.hidden.is_cpu() ? fused_loss_by_kernels(request) : composed_fused_loss(request);
            loss = weighted(request, answer);
        }
        if (request.hidden_gradient || request.weight_gradient) {
            auto state = c10::make_intrusive<FusedLossState>();
            state->hidden_gradient = answer.hidden_gradient;
            state->weight_gradient = answer.weight_gradient;
            state->hidden_type = request.hidden.scalar_type();
            loss = FusedLossNode::apply(call.hidden->value, call.weight->value, loss, state);
        }
        *out = wrap(loss);
        *sums = wrap(answer.sums);
        *statistics = answer.statistics.defined() ? wrap(answer.statistics) : nullptr;
    });
}
