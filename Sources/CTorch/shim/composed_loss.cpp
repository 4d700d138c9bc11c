// A language model's output layer and loss by libtorch's operations, in blocks of tokens: for devices other than the CPU, and where
// the kernels are turned off. On CUDA a block's terms and their gradient are one kernel of this package.

#include <ATen/ops/abs.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>

#include "cuda_library.h"
#include "fused_loss.h"

namespace ctorch {
namespace {

// Values (rows) and the gradient (rows, V) with respect to the logits over T.
struct TermResult {
    at::Tensor value, gradient;
};

// Logarithms of both distributions, (rows, V), and the probabilities.
struct BlockDistributions {
    at::Tensor log_p, log_q, p, q;
};

at::Tensor over_tokens(const at::Tensor &x) { return x.sum(-1, /*keepdim=*/true); }

// From a divergence's elements and derivative, as kernels/loss_terms.inl describes them.
TermResult from_derivative(const BlockDistributions &x, const at::Tensor &elements, const at::Tensor &derivative) {
    return {elements.sum(-1), x.q * (derivative - over_tokens(x.q * derivative))};
}

TermResult kl(const BlockDistributions &x) { return {(x.p * (x.log_p - x.log_q)).sum(-1), x.q - x.p}; }
TermResult reverse_kl(const BlockDistributions &x) {
    at::Tensor ratio = x.log_q - x.log_p;
    return from_derivative(x, x.q * ratio, ratio);
}

at::Tensor logarithm_of(const at::Tensor &mixture) { return mixture.clamp_min(1e-37).log(); }

TermResult jensen_shannon(const BlockDistributions &x, double beta) {
    at::Tensor log_m = logarithm_of(x.p * beta + x.q * (1 - beta)), from_student = x.log_q - log_m;
    return from_derivative(x, x.p * (x.log_p - log_m) * beta + x.q * from_student * (1 - beta), from_student * (1 - beta));
}

TermResult skew_kl(const BlockDistributions &x, double alpha) {
    at::Tensor m = (x.p * alpha + x.q * (1 - alpha)).clamp_min(1e-37);
    return from_derivative(x, x.p * (x.log_p - m.log()), x.p / m * (alpha - 1));
}

TermResult skew_reverse_kl(const BlockDistributions &x, double alpha) {
    at::Tensor m = (x.p * (1 - alpha) + x.q * alpha).clamp_min(1e-37), ratio = x.log_q - m.log();
    return from_derivative(x, x.q * ratio, ratio - x.q / m * alpha);
}

// The share of the teacher's head in the distance between both distributions.
TermResult adaptive_kl(const BlockDistributions &x, double mu) {
    auto [sorted, order] = x.p.sort(-1, /*descending=*/true);
    at::Tensor gap = at::abs(sorted - x.q.gather(-1, order)), in_head = sorted.cumsum(-1, at::kDouble) <= mu;
    in_head.select(-1, 0).fill_(true);
    at::Tensor all = gap.sum(-1), share = (gap * in_head).sum(-1) / all;
    share = at::where(all == 0, at::full({}, 0.5, share.options()), share);
    TermResult forward = kl(x), reverse = reverse_kl(x);
    at::Tensor rows = share.unsqueeze(-1);
    return {share * forward.value + (1 - share) * reverse.value, rows * forward.gradient + (1 - rows) * reverse.gradient};
}

TermResult evaluate(const ct_loss_term &term, const BlockDistributions &x, const at::Tensor &targets) {
    switch (loss_kind(term)) {
    case CT_LOSS_CROSS_ENTROPY: {
        at::Tensor index = targets.unsqueeze(-1), gradient = x.q.clone();
        gradient.scatter_add_(-1, index, at::full({targets.size(0), 1}, -1, x.q.options()));
        return {-x.log_q.gather(-1, index).squeeze(-1), gradient};
    }
    case CT_LOSS_KL: return kl(x);
    case CT_LOSS_REVERSE_KL: return reverse_kl(x);
    case CT_LOSS_JENSEN_SHANNON: return jensen_shannon(x, term.parameter);
    case CT_LOSS_SKEW_KL: return skew_kl(x, term.parameter);
    case CT_LOSS_SKEW_REVERSE_KL: return skew_reverse_kl(x, term.parameter);
    case CT_LOSS_TVD: return from_derivative(x, at::abs(x.q - x.p) * 0.5, at::sign(x.q - x.p) * 0.5);
    default: return adaptive_kl(x, term.parameter);
    }
}

BlockDistributions soften(const at::Tensor &student, const at::Tensor &teacher, double temperature) {
    BlockDistributions x;
    x.log_q = at::log_softmax(student / temperature, -1);
    x.q = x.log_q.exp();
    if (!teacher.defined()) return x;
    x.log_p = at::log_softmax(teacher / temperature, -1);
    x.p = x.log_p.exp();
    return x;
}

void tell(const at::Tensor &to, const at::Tensor &student, const at::Tensor &teacher, const at::Tensor &targets) {
    BlockDistributions x = soften(student, teacher, 1);
    at::Tensor index = targets.unsqueeze(-1), first = student.argmax(-1);
    auto write = [&](int64_t which, const at::Tensor &values) { to.select(0, which).copy_(values); };
    write(CT_TOKEN_STUDENT_SURPRISAL, -x.log_q.gather(-1, index).squeeze(-1));
    write(CT_TOKEN_STUDENT_ENTROPY, -(x.q * x.log_q).sum(-1));
    write(CT_TOKEN_CORRECTNESS, first == targets);
    write(CT_TOKEN_CONFIDENCE, x.q.amax(-1));
    if (!teacher.defined()) return;
    write(CT_TOKEN_TEACHER_SURPRISAL, -x.log_p.gather(-1, index).squeeze(-1));
    write(CT_TOKEN_TEACHER_ENTROPY, -(x.p * x.log_p).sum(-1));
    write(CT_TOKEN_DIVERGENCE, kl(x).value);
    write(CT_TOKEN_AGREEMENT, first == teacher.argmax(-1));
}

// A token's outcomes: ids, with the first where there is none, whether there is one, log-probabilities, and what is left.
struct Outcomes {
    at::Tensor ids, known, logs, left;

    explicit Outcomes(const at::Tensor &rows) {
        int64_t count = rows.size(1) / 2;
        ids = rows.narrow(1, 0, count);
        known = ids.ge(0);
        ids = at::where(known, ids, ids.narrow(1, 0, 1)).to(at::kLong);
        logs = rows.narrow(1, count, count);
        logs = at::where(known, logs, logs.narrow(1, 0, 1));
        left = rows.narrow(1, 2 * count, 1);
    }
};

// As kernels/loss_gradient.inl's `complete_outcomes`.
at::Tensor completed(const at::Tensor &student, const at::Tensor &rows) {
    Outcomes outcomes(rows);
    at::Tensor rest = student.scatter(1, outcomes.ids, -std::numeric_limits<double>::infinity());
    rest.add_(outcomes.left - rest.logsumexp(1, /*keepdim=*/true));
    return rest.scatter_(1, outcomes.ids, outcomes.logs);
}

void tell_outcomes(const at::Tensor &to, const at::Tensor &student, const at::Tensor &rows, const at::Tensor &targets) {
    Outcomes outcomes(rows);
    at::Tensor hit = outcomes.ids.eq(targets.unsqueeze(1)), left = outcomes.left.squeeze(1);
    at::Tensor first = outcomes.ids.gather(1, outcomes.logs.argmax(1, /*keepdim=*/true)).squeeze(1);
    at::Tensor entropy = (outcomes.logs.exp() * outcomes.logs * outcomes.known).sum(1) + left.exp() * left;
    at::Tensor lowest = at::full({}, -std::numeric_limits<float>::infinity(), left.options());
    at::Tensor known = at::where(hit, outcomes.logs, lowest).amax(1);
    to.select(0, CT_TOKEN_TEACHER_SURPRISAL).copy_(-at::where(hit.any(1), known, left));
    to.select(0, CT_TOKEN_TEACHER_ENTROPY).copy_(-entropy);
    to.select(0, CT_TOKEN_AGREEMENT).copy_(student.argmax(1).eq(first));
}

// A matrix in the type that it is multiplied in; on the CPU, where libtorch would round the sums too, as float32 numbers of it.
at::Tensor operand(const LossRequest &request, const at::Tensor &matrix) {
    if (!request.bfloat16) return matrix.to(at::kFloat);
    at::Tensor rounded = matrix.to(at::kBFloat16);
    return matrix.is_cpu() ? rounded.to(at::kFloat) : rounded;
}

// The product of two such, float32.
at::Tensor multiplied(const at::Tensor &left, const at::Tensor &right) {
    if (left.scalar_type() == at::kBFloat16 && left.is_cuda()) return at::mm(left, right, at::kFloat);
    return at::mm(left, right).to(at::kFloat);
}

// A block's terms: adds to `sums`, and returns the gradient of the logits if it is wanted.
at::Tensor evaluate_block(const LossRequest &request, const at::Tensor &student, const at::Tensor &teacher, const at::Tensor &targets,
                          const at::Tensor &row_weights, const at::Tensor &sums) {
    at::Tensor gradient;
    for (size_t i = 0; i < request.terms.size(); ++i) {
        const ct_loss_term &term = request.terms[i];
        double factor = loss_factor(term);
        TermResult result = evaluate(term, soften(student, teacher, term.temperature), targets);
        sums.select(0, static_cast<int64_t>(i)).add_((result.value * row_weights).sum(sums.scalar_type()), factor);
        if (!request.hidden_gradient && !request.weight_gradient) continue;
        result.gradient.mul_(term.weight * factor / term.temperature);
        if (gradient.defined()) gradient.add_(result.gradient);
        else gradient = result.gradient;
    }
    if (gradient.defined()) gradient.mul_(row_weights.unsqueeze(-1));
    return gradient;
}

// The CUDA kernels, if they compute these terms.
const CudaKernels *loss_kernels(const LossRequest &request, const at::Tensor &sums) {
    bool known = request.terms.size() <= CK_MOST_LOSS_TERMS;
    for (const ct_loss_term &term : request.terms) known &= term.kind != CT_LOSS_ADAPTIVE_KL;
    return known ? cuda_kernels(sums.select(0, 0)) : nullptr;
}

static_assert(int{CK_LOSS_CROSS_ENTROPY} == int{CT_LOSS_CROSS_ENTROPY} && int{CK_LOSS_TVD} == int{CT_LOSS_TVD});
static_assert(int{CK_TOKEN_STUDENT_SURPRISAL} == int{CT_TOKEN_STUDENT_SURPRISAL} && int{CK_TOKEN_CONFIDENCE} == int{CT_TOKEN_CONFIDENCE});

// The same by one kernel.
at::Tensor kernel_block(const CudaKernels &kernels, const LossRequest &request, const at::Tensor &student, const at::Tensor &teacher,
                        const at::Tensor &targets, const at::Tensor &row_weights, const at::Tensor &sums, const at::Tensor &statistics) {
    std::vector<ck_loss_term> terms;
    for (const ct_loss_term &term : request.terms)
        terms.push_back({loss_kind(term), static_cast<float>(term.weight), static_cast<float>(term.temperature),
                         static_cast<float>(term.parameter), static_cast<float>(loss_factor(term))});
    int64_t rows = student.size(0);
    bool half = request.bfloat16 && student.is_cuda();
    at::Tensor values = at::empty({static_cast<int64_t>(terms.size()), rows}, student.options()), gradient;
    if (request.hidden_gradient || request.weight_gradient)
        gradient = at::empty(student.sizes(), student.options().dtype(half ? at::kBFloat16 : at::kFloat));
    check_cuda(kernels,
               kernels.vocabulary_loss(cuda_stream(student), half ? CK_BFLOAT16 : CK_FLOAT32, rows, student.size(1), kernel_floats(student),
                                       kernel_floats(teacher), const_data<int64_t>(targets),
                                       kernel_floats(row_weights), terms.data(), static_cast<int64_t>(terms.size()),
                                       values.mutable_data_ptr<float>(), mutable_kernel_pointer(gradient), mutable_kernel_floats(statistics),
                                       statistics.defined() ? statistics.stride(0) : 0),
               "vocabulary_loss");
    sums.add_(values.sum(at::IntArrayRef({1}), false, sums.scalar_type()));
    return gradient;
}

// Adds left · right, float32, to a matrix.
void add_product(const at::Tensor &to, const at::Tensor &left, const at::Tensor &right) {
    at::Tensor sum = to;
    if (left.scalar_type() == at::kFloat) sum.addmm_(left, right);
    else at::addmm_out(sum, to, left, right, at::kFloat);
}

}  // namespace

LossAnswer composed_fused_loss(const LossRequest &request) {
    const at::Tensor &hidden = request.hidden;
    int64_t rows = hidden.size(0), vocabulary = request.vocabulary;
    auto options = hidden.options().dtype(at::kFloat);
    // Elements of a matrix of logits, of which several are alive at a time.
    int64_t most = int64_t{1} << (hidden.is_cpu() ? 21 : 26), size = std::max<int64_t>(1, most / vocabulary);
    at::Tensor weight = operand(request, request.weight.narrow(0, 0, vocabulary)), teacher_weight;
    if (request.teacher_weight.defined()) teacher_weight = operand(request, request.teacher_weight.narrow(0, 0, vocabulary));
    LossAnswer answer;
    answer.sums = at::zeros({static_cast<int64_t>(request.terms.size())}, options.dtype(hidden.is_mps() ? at::kFloat : at::kDouble));
    if (request.statistics) answer.statistics = at::full({CT_TOKEN_STATISTICS, rows}, std::numeric_limits<float>::quiet_NaN(), options);
    if (request.hidden_gradient) answer.hidden_gradient = at::zeros({rows, hidden.size(1)}, options);
    if (request.weight_gradient) answer.weight_gradient = at::zeros(request.weight.sizes(), options);
    const CudaKernels *kernels = loss_kernels(request, answer.sums);
    for (int64_t first = 0; first < rows; first += size) {
        int64_t count = std::min(size, rows - first);
        auto part = [&](const at::Tensor &tensor, int64_t dimension = 0) { return tensor.narrow(dimension, first, count); };
        at::Tensor states = operand(request, part(hidden)), teacher, targets = part(request.targets);
        at::Tensor student = multiplied(states, weight.t());
        if (request.teacher_weight.defined()) teacher = multiplied(operand(request, part(request.teacher_hidden)), teacher_weight.t());
        if (request.teacher_outcomes.defined()) teacher = completed(student, part(request.teacher_outcomes));
        at::Tensor gradient, row_weights = part(request.row_weights);
        at::Tensor statistics = request.statistics ? part(answer.statistics, 1) : at::Tensor();
        if (kernels) {
            gradient = kernel_block(*kernels, request, student, teacher, targets, row_weights, answer.sums, statistics);
        } else {
            if (request.statistics) tell(statistics, student, teacher, targets);
            gradient = evaluate_block(request, student, teacher, targets, row_weights, answer.sums);
        }
        if (statistics.defined() && request.teacher_outcomes.defined())
            tell_outcomes(statistics, student, part(request.teacher_outcomes), targets);
        if (!gradient.defined()) continue;
        gradient = operand(request, gradient);
        if (request.hidden_gradient) part(answer.hidden_gradient).copy_(multiplied(gradient, weight));
        if (!request.weight_gradient) continue;
        add_product(answer.weight_gradient.narrow(0, 0, vocabulary), gradient.t(), states);
    }
    return answer;
}

}  // namespace ctorch

ct_error ct_top_outcomes(ct_tensor logits, int64_t k, ct_tensor *out) {
    return ctorch::guard("top_outcomes", {logits}, [&] {
        const at::Tensor &value = logits->value;
        TORCH_CHECK(value.dim() == 2 && k > 0 && k < value.size(1), "there must be 1 to ", value.dim() == 2 ? value.size(1) - 1 : 0,
                    " outcomes of logits (rows, vocabulary), got ", k, " of ", value.sizes());
        at::Tensor logs = value.to(at::kFloat).log_softmax(1);
        auto [top, ids] = logs.topk(k, 1);
        at::Tensor rest = logs.scatter(1, ids, -std::numeric_limits<double>::infinity()).logsumexp(1, /*keepdim=*/true);
        // Less than any sum of probabilities shows: what is left has a logarithm.
        *out = ctorch::wrap(at::cat({ids.to(at::kFloat), top, rest.clamp_min(-60.0)}, 1));
    });
}
