// The optimizer, AdamW, dense and of a table's rows; clipping of the gradients' norm; averages of weights.

#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "internal.h"
#include "kernels/parallel.h"
#include "kernels/table.h"
#include "kernels/training.h"

using namespace ctorch;

namespace {

// The parameters' gradients, all of which a backward pass must have computed.
std::vector<at::Tensor> gradients(const ct_tensor *parameters, size_t count) {
    std::vector<at::Tensor> result;
    result.reserve(count);
    for (size_t i = 0; i < count; ++i) {
        at::Tensor gradient = parameters[i]->value.grad();
        TORCH_CHECK(gradient.defined(), "parameter ", i, " of shape ", parameters[i]->value.sizes(),
                    " has no gradient; call backward first");
        result.push_back(std::move(gradient));
    }
    return result;
}

// Tensors that the kernels can process: dense, or the rows of a sparse gradient.
bool suits_kernels(const at::Tensor &tensor) {
    if (tensor.is_sparse()) return tensor.is_coalesced() && suits_kernels(tensor._values());
    return tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.is_contiguous();
}

// Sums of sparse gradients contain rows more than once: coalesces them.
at::Tensor coalesced_gradient(const at::Tensor &parameter) {
    at::Tensor gradient = parameter.grad();
    if (!gradient.is_sparse() || gradient.is_coalesced()) return gradient;
    at::Tensor whole = gradient.coalesce();
    parameter.mutable_grad() = whole;
    return whole;
}

// A gradient's values, for norms and scaling.
at::Tensor values(const at::Tensor &gradient) { return gradient.is_sparse() ? gradient._values() : gradient; }

// Parts of several tensors of about the same size, so that threads are balanced.
struct Part {
    size_t tensor;
    int64_t begin, count;
};
constexpr int64_t part_size = 1 << 15;
const int64_t part_cost = element_cost(part_size);

std::vector<Part> parts(const std::vector<at::Tensor> &tensors) {
    std::vector<Part> result;
    for (size_t i = 0; i < tensors.size(); ++i)
        for (int64_t begin = 0; begin < tensors[i].numel(); begin += part_size)
            result.push_back({i, begin, std::min(part_size, tensors[i].numel() - begin)});
    return result;
}

double norm_of(const std::vector<at::Tensor> &all) {
    std::vector<Part> pieces = parts(all);
    std::vector<double> sums(pieces.size());
    parallel_tasks(static_cast<int64_t>(pieces.size()), part_cost, [&](int64_t task) {
        const Part &part = pieces[static_cast<size_t>(task)];
        sums[static_cast<size_t>(task)] =
            kernels::training().sum_of_squares(ctorch::const_data<float>(all[part.tensor]) + part.begin, part.count);
    });
    double total = 0;
    for (double sum : sums) total += sum;
    return std::sqrt(total);
}

kernels::AdamWStep step_factors(const ct_adamw_options &o, double learning_rate, int64_t step) {
    return {static_cast<float>(1 - learning_rate * o.weight_decay), static_cast<float>(o.beta1), static_cast<float>(o.beta2),
            static_cast<float>(1 - o.beta1), static_cast<float>(1 - o.beta2), static_cast<float>(o.epsilon),
            static_cast<float>(learning_rate / (1 - std::pow(o.beta1, static_cast<double>(step)))),
            static_cast<float>(std::sqrt(1 - std::pow(o.beta2, static_cast<double>(step))))};
}

// Marks tensors that were changed through a pointer as changed, as PyTorch's own operations do.
void changed(const at::Tensor &tensor) { tensor.unsafeGetTensorImpl()->bump_version(); }

struct Rows {
    float *parameter, *first, *second;
    int32_t *last;  // steps that each row has had
    int64_t count, width;

    Rows(ct_tensor p, ct_tensor m, ct_tensor v, ct_tensor steps) {
        for (ct_tensor tensor : {p, m, v}) {
            TORCH_CHECK(suits_kernels(tensor->value) && tensor->value.dim() == 2 && tensor->value.sizes() == p->value.sizes(),
                        "needs float32 tables of the same shape on the CPU");
        }
        TORCH_CHECK(steps->value.is_cpu() && steps->value.scalar_type() == at::kInt && steps->value.numel() == p->value.size(0),
                    "needs an int32 for each row");
        parameter = p->value.mutable_data_ptr<float>();
        first = m->value.mutable_data_ptr<float>();
        second = v->value.mutable_data_ptr<float>();
        last = steps->value.mutable_data_ptr<int32_t>();
        count = p->value.size(0);
        width = p->value.size(1);
    }

    // Brings a row up to date with step `until`; `factors` start at step `from`.
    void catch_up(int64_t row, int64_t until, const std::vector<kernels::AdamWStep> &factors, int64_t from) const {
        if (last[row] >= until) return;
        kernels::training().adamw_idle(factors.data() + (last[row] - from), until - last[row], parameter + row * width,
                                    first + row * width, second + row * width, width);
        last[row] = static_cast<int32_t>(until);
    }
};

// The factors of the steps that the rows have missed, the oldest first, and the first of those steps.
std::pair<std::vector<kernels::AdamWStep>, int64_t> missed(const ct_adamw_options &o, const double *rates, int64_t oldest,
                                                           int64_t until) {
    std::vector<kernels::AdamWStep> factors;
    for (int64_t step = oldest; step < until; ++step) factors.push_back(step_factors(o, rates[step], step + 1));
    return {std::move(factors), oldest};
}

}  // namespace

ct_error ct_clip_grad_norm_(const ct_tensor *parameters, size_t count, double max_norm, double *total_norm) {
    return guard("clip_grad_norm_", {}, [&] {
        at::NoGradGuard no_grad;
        TORCH_CHECK(max_norm > 0, "the largest norm must be positive, got ", max_norm);
        if (count == 0) {
            *total_norm = 0;
            return;
        }
        std::vector<at::Tensor> all = gradients(parameters, count);
        for (size_t i = 0; i < count; ++i) all[i] = coalesced_gradient(parameters[i]->value);
        if (std::all_of(all.begin(), all.end(), suits_kernels)) {
            for (at::Tensor &gradient : all) gradient = values(gradient);
            double norm = norm_of(all);
            if (norm > max_norm) {
                std::vector<Part> pieces = parts(all);
                auto factor = static_cast<float>(max_norm / (norm + 1e-6));
                parallel_tasks(static_cast<int64_t>(pieces.size()), part_cost, [&](int64_t task) {
                    const Part &part = pieces[static_cast<size_t>(task)];
                    kernels::training().scale(all[part.tensor].mutable_data_ptr<float>() + part.begin, factor, part.count);
                });
            }
            *total_norm = norm;
            return;
        }
        at::Tensor norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(all, 2)));
        double value = norm.item().toDouble();
        // As torch.nn.utils.clip_grad_norm_ does, epsilon included.
        if (value > max_norm) at::_foreach_mul_(all, at::Scalar(max_norm / (value + 1e-6)));
        *total_norm = value;
    });
}

ct_error ct_adamw_(const ct_tensor *parameters, const ct_tensor *first_moments, const ct_tensor *second_moments,
                   size_t count, ct_adamw_options options, ct_tensor scale_or_null, ct_tensor skips_or_null) {
    return guard("adamw_", {}, [&] {
        at::NoGradGuard no_grad;
        if (count == 0) return;
        std::vector<at::Tensor> p = list(parameters, count), g = gradients(parameters, count);
        std::vector<at::Tensor> m = list(first_moments, count), v = list(second_moments, count);
        bool suits = true;
        for (size_t i = 0; i < count; ++i) {
            // A full update of a parameter whose gradient is sparse: `adamw_rows_` is the way to touch less.
            if (g[i].is_sparse()) g[i] = g[i].to_dense();
            suits = suits && suits_kernels(p[i]) && suits_kernels(g[i]) && suits_kernels(m[i]) && suits_kernels(v[i]);
        }
        if (suits && !scale_or_null && !skips_or_null) {
            kernels::AdamWStep step = step_factors(options, options.learning_rate, options.step);
            std::vector<Part> pieces = parts(p);
            parallel_tasks(static_cast<int64_t>(pieces.size()), part_cost, [&](int64_t task) {
                auto [i, begin, size] = pieces[static_cast<size_t>(task)];
                kernels::training().adamw(step, p[i].mutable_data_ptr<float>() + begin, m[i].mutable_data_ptr<float>() + begin,
                                       v[i].mutable_data_ptr<float>() + begin, ctorch::const_data<float>(g[i]) + begin, size);
            });
            for (size_t i = 0; i < count; ++i) changed(p[i]), changed(m[i]), changed(v[i]);
            return;
        }
        // The fused kernel reads the number of this step from a tensor per parameter, and does not change it.
        at::Tensor step = at::scalar_tensor(static_cast<double>(options.step),
                                            parameters[0]->value.options().dtype(at::kFloat).requires_grad(false));
        std::vector<at::Tensor> steps(count, step);
        at::_fused_adamw_(list(parameters, count), gradients(parameters, count), list(first_moments, count),
                          list(second_moments, count), /*max_exp_avg_sqs=*/{}, steps, options.learning_rate,
                          options.beta1, options.beta2, options.weight_decay, options.epsilon, /*amsgrad=*/false,
                          /*maximize=*/false, optional(scale_or_null), optional(skips_or_null));
        // It does not mark the change itself, and copies of parameters would never be refreshed.
        for (size_t i = 0; i < count; ++i) changed(p[i]), changed(m[i]), changed(v[i]);
    });
}

ct_error ct_measure_gradients(const ct_tensor *parameters, size_t count, double max_norm, const ct_tensor *losses,
                              size_t loss_count, ct_tensor skips, ct_tensor *norm, ct_tensor *scale) {
    return guard("measure_gradients", {skips}, [&] {
        at::NoGradGuard no_grad;
        TORCH_CHECK(max_norm > 0, "the largest norm must be positive, got ", max_norm);
        at::Tensor joint = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients(parameters, count), 2)));
        at::Tensor whole = at::isfinite(joint);
        for (size_t i = 0; i < loss_count; ++i) whole = whole.logical_and(at::isfinite(losses[i]->value.reshape({})));
        at::maximum_out(skips->value, skips->value, whole.logical_not().to(at::kFloat));
        *norm = wrap(joint);
        // As torch.nn.utils.clip_grad_norm_ does, epsilon included.
        *scale = std::isfinite(max_norm) ? wrap(((joint + 1e-6) / max_norm).clamp_min(1)) : nullptr;
    });
}

ct_error ct_adamw_rows_(ct_tensor parameter, ct_tensor first, ct_tensor second, ct_tensor row_steps, const double *rates,
                        ct_adamw_options options) {
    return guard("adamw_rows_", {parameter, first, second, row_steps}, [&] {
        at::NoGradGuard no_grad;
        Rows rows(parameter, first, second, row_steps);
        TORCH_CHECK(parameter->value.grad().defined(), "the table has no gradient; call backward first");
        at::Tensor gradient = coalesced_gradient(parameter->value);
        bool sparse = gradient.is_sparse();
        // A dense gradient reaches every row.
        at::Tensor indices = sparse ? gradient._indices().contiguous() : at::arange(rows.count, at::kLong);
        at::Tensor values = (sparse ? gradient._values() : gradient).contiguous();
        const int64_t *index = ctorch::const_data<int64_t>(indices);
        int64_t count = values.size(0), oldest = options.step - 1;
        for (int64_t i = 0; i < count; ++i) oldest = std::min<int64_t>(oldest, rows.last[index[i]]);
        auto [factors, from] = missed(options, rates, oldest, options.step - 1);
        kernels::AdamWStep step = step_factors(options, options.learning_rate, options.step);
        const float *numbers = ctorch::const_data<float>(values);
        parallel_tasks((count + 15) / 16, element_cost(64 * rows.width), [&, &factors = factors, from = from](int64_t task) {
            for (int64_t i = task * 16; i < std::min(count, task * 16 + 16); ++i) {
                int64_t row = index[i], at = row * rows.width;
                rows.catch_up(row, options.step - 1, factors, from);
                kernels::training().adamw(step, rows.parameter + at, rows.first + at, rows.second + at, numbers + i * rows.width, rows.width);
                rows.last[row] = static_cast<int32_t>(options.step);
            }
        });
        changed(parameter->value), changed(first->value), changed(second->value);
    });
}

ct_error ct_adamw_catch_up_(ct_tensor parameter, ct_tensor first, ct_tensor second, ct_tensor row_steps, ct_tensor ids_or_null,
                            const double *rates, ct_adamw_options options) {
    return guard("adamw_catch_up_", {parameter, first, second, row_steps, ids_or_null}, [&] {
        at::NoGradGuard no_grad;
        Rows rows(parameter, first, second, row_steps);
        std::vector<int32_t> chosen;
        if (ids_or_null) {
            const at::Tensor &ids = ids_or_null->value;
            TORCH_CHECK(ids.is_cpu() && ids.scalar_type() == at::kInt && ids.is_contiguous(), "ids must be int32 on the CPU");
            chosen.assign(ctorch::const_data<int32_t>(ids), ctorch::const_data<int32_t>(ids) + ids.numel());
            std::sort(chosen.begin(), chosen.end());
            chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
            TORCH_CHECK_INDEX(chosen.empty() || (chosen.front() >= 0 && chosen.back() < rows.count), "index out of range");
        } else {
            for (int64_t row = 0; row < rows.count; ++row) chosen.push_back(static_cast<int32_t>(row));
        }
        auto count = static_cast<int64_t>(chosen.size());
        int64_t oldest = options.step;
        for (int32_t row : chosen) oldest = std::min<int64_t>(oldest, rows.last[row]);
        auto [factors, from] = missed(options, rates, oldest, options.step);
        if (factors.empty()) return;
        parallel_tasks((count + 15) / 16, element_cost(64 * rows.width), [&, &factors = factors, from = from](int64_t task) {
            for (int64_t i = task * 16; i < std::min(count, task * 16 + 16); ++i)
                rows.catch_up(chosen[static_cast<size_t>(i)], options.step, factors, from);
        });
        changed(parameter->value), changed(first->value), changed(second->value);
    });
}

ct_error ct_lerp_(const ct_tensor *tensors, const ct_tensor *ends, size_t count, double weight) {
    return guard("lerp_", {}, [&] {
        at::NoGradGuard no_grad;
        if (count == 0) return;
        at::_foreach_lerp_(list(tensors, count), list(ends, count), at::Scalar(weight));
        for (size_t i = 0; i < count; ++i) changed(tensors[i]->value);
    });
}
