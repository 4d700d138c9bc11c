// Sums gradients over processes, in buckets, while the backward pass computes further ones (Li et al., "PyTorch Distributed",
// arXiv 2006.15704, section 3.2).

#include <ATen/ops/empty.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/sparse_coo_tensor.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>

#include "process_group.h"

using namespace ctorch;

namespace {

// Parameters whose gradients travel together; or a table whose gradient is sparse, of which the rows of the step travel.
struct Bucket {
    std::vector<size_t> members;
    bool is_table = false;
    at::Tensor flat;
    size_t pending = 0;
    c10::intrusive_ptr<c10d::Work> work;
};

}  // namespace

struct ct_gradient_reducer_s {
    c10::intrusive_ptr<c10d::ProcessGroupGloo> group;
    std::vector<at::Tensor> parameters;
    std::vector<Bucket> buckets;
    std::vector<size_t> bucket_of;
    std::vector<bool> is_ready;
    at::Tensor rows;  // (U) int64, ascending: the rows of tables that any process reads in this step
    size_t launched = 0;
    bool armed = false;

    // A parameter's gradient is complete. Buckets are launched in their order alone, which is the same in all processes.
    void ready(size_t parameter) {
        if (!armed || is_ready[parameter]) return;
        is_ready[parameter] = true;
        --buckets[bucket_of[parameter]].pending;
        while (launched < buckets.size() && buckets[launched].pending == 0) launch(buckets[launched++]);
    }

    void launch(Bucket &bucket) {
        at::NoGradGuard no_grad;
        if (bucket.is_table) {
            fill_rows(bucket);
        } else if (bucket.members.size() == 1 && is_whole(parameters[bucket.members[0]].grad())) {
            // A large gradient needs no copy.
            bucket.flat = parameters[bucket.members[0]].grad().detach().reshape({-1});
        } else {
            if (bucket.members.size() == 1) bucket.flat.reset();
            int64_t total = 0, place = 0;
            for (size_t member : bucket.members) total += parameters[member].numel();
            if (!bucket.flat.defined()) bucket.flat = at::empty({total}, parameters[bucket.members[0]].options().requires_grad(false));
            for (size_t member : bucket.members) {
                const at::Tensor &gradient = parameters[member].grad();
                int64_t count = parameters[member].numel();
                at::Tensor part = bucket.flat.narrow(0, place, count);
                if (!gradient.defined()) {
                    part.zero_();
                } else {
                    part.copy_((gradient.is_sparse() ? gradient.to_dense() : gradient).reshape({count}));
                }
                place += count;
            }
        }
        std::vector<at::Tensor> tensors{bucket.flat};
        bucket.work = communicating([&] { return group->allreduce(tensors); });
    }

    static bool is_whole(const at::Tensor &gradient) {
        return gradient.defined() && !gradient.is_sparse() && gradient.is_contiguous();
    }

    void fill_rows(Bucket &bucket) {
        const at::Tensor &table = parameters[bucket.members[0]];
        const at::Tensor &gradient = table.grad();
        if (gradient.defined() && !gradient.is_sparse()) {
            bucket.flat = gradient.clone();
            return;
        }
        bucket.flat = at::zeros({rows.size(0), table.size(1)}, table.options().requires_grad(false));
        if (!gradient.defined()) return;
        at::Tensor own = gradient.coalesce(), indices = own._indices().reshape({-1});
        if (indices.numel() == 0) return;
        TORCH_CHECK(rows.size(0) > 0, "a gradient has rows, and the step none");
        at::Tensor places = at::searchsorted(rows, indices).clamp_max(rows.size(0) - 1);
        TORCH_CHECK(rows.index_select(0, places).equal(indices), "a gradient has rows that are not among the step's");
        bucket.flat.index_add_(0, places, own._values());
    }

    void finish() {
        at::NoGradGuard no_grad;
        while (launched < buckets.size()) launch(buckets[launched++]);
        for (Bucket &bucket : buckets) {
            communicating([&] { bucket.work->wait(); });
            bucket.work.reset();
            int64_t place = 0;
            for (size_t member : bucket.members) {
                at::Tensor &gradient = parameters[member].mutable_grad();
                int64_t count = parameters[member].numel();
                if (bucket.is_table) {
                    bool dense = gradient.defined() && !gradient.is_sparse();
                    gradient = dense ? bucket.flat
                                     : at::sparse_coo_tensor(rows.unsqueeze(0), bucket.flat, parameters[member].sizes(),
                                                             bucket.flat.options().layout(at::kSparse), /*is_coalesced=*/true);
                } else if (gradient.defined()) {
                    // A view: the bucket is written again only after gradients are cleared.
                    gradient = bucket.flat.narrow(0, place, count).view(parameters[member].sizes());
                }
                place += count;
            }
        }
        armed = false;
    }
};

namespace {

struct ReadyHook : torch::autograd::PostAccumulateGradHook {
    ct_gradient_reducer_s *reducer;
    size_t parameter;
    ReadyHook(ct_gradient_reducer_s *r, size_t p) : reducer(r), parameter(p) {}
    void operator()(const at::Tensor &) override { reducer->ready(parameter); }
};

}  // namespace

ct_error ct_gradient_reducer_make(ct_process_group group, const ct_tensor *parameters, size_t count, const bool *is_table,
                                  int64_t bucket_bytes, ct_gradient_reducer *out) {
    return guard("gradient_reducer", {}, [&] {
        auto reducer = std::make_unique<ct_gradient_reducer_s>();
        reducer->group = group->group;
        reducer->parameters = list(parameters, count);
        reducer->bucket_of.resize(count);
        // The backward pass comes by the parameters in about the reverse of their order.
        int64_t filled = 0;
        constexpr size_t none = ~size_t{0};
        size_t small = none;
        for (size_t i = count; i-- > 0;) {
            const at::Tensor &parameter = reducer->parameters[i];
            TORCH_CHECK(parameter.is_cpu() && parameter.scalar_type() == at::kFloat, "needs float32 parameters on the CPU");
            auto bytes = static_cast<int64_t>(parameter.nbytes());
            // Large parameters travel alone; small ones beside them wait for a bucket of their own.
            bool alone = is_table[i] || bytes * 8 > bucket_bytes;
            bool starts = alone || small == none || filled + bytes > bucket_bytes;
            if (starts) {
                reducer->buckets.emplace_back();
                if (!alone) small = reducer->buckets.size() - 1, filled = 0;
            }
            size_t place = alone ? reducer->buckets.size() - 1 : small;
            Bucket &bucket = reducer->buckets[place];
            bucket.is_table = is_table[i];
            bucket.members.push_back(i);
            if (!alone) filled += bytes;
        }
        // In the order in which they are complete: with the gradient that comes last.
        std::sort(reducer->buckets.begin(), reducer->buckets.end(),
                  [](const Bucket &a, const Bucket &b) { return a.members.back() > b.members.back(); });
        for (size_t place = 0; place < reducer->buckets.size(); ++place)
            for (size_t member : reducer->buckets[place].members) reducer->bucket_of[member] = place;
        for (size_t i = 0; i < count; ++i)
            torch::autograd::impl::set_post_acc_grad_hooks(reducer->parameters[i],
                                                           std::make_unique<ReadyHook>(reducer.get(), i));
        *out = reducer.release();
    });
}

void ct_gradient_reducer_free(ct_gradient_reducer reducer) {
    for (const at::Tensor &parameter : reducer->parameters) torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
    delete reducer;
}

ct_error ct_gradient_reducer_begin(ct_gradient_reducer reducer, ct_tensor rows) {
    return guard("gradient_reducer.begin", {rows}, [&] {
        TORCH_CHECK(rows->value.scalar_type() == at::kLong && rows->value.dim() == 1, "rows must be a vector of int64");
        reducer->rows = rows->value;
        reducer->is_ready.assign(reducer->parameters.size(), false);
        for (Bucket &bucket : reducer->buckets) bucket.pending = bucket.members.size();
        reducer->launched = 0;
        reducer->armed = true;
    });
}

ct_error ct_gradient_reducer_finish(ct_gradient_reducer reducer) {
    return guard("gradient_reducer.finish", {}, [&] { reducer->finish(); });
}
