// Dropout from a counter-based generator.
//
// PyTorch draws dropout masks on the CPU from one serial generator, which on most processors takes longer than the rest of the
// layer. Here the mask of element i is a pure function of (seed, offset, i), computed with Philox4x32-10 (Salmon et al.,
// "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011). So it runs on all cores, does not depend on their number, needs no
// memory (the backward pass computes it again), and its whole state is two integers that a checkpoint can hold.

#include <ATen/Context.h>
#include <ATen/Dispatch.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/native_dropout.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "composed_norm.h"
#include "dropout_threshold.h"
#include "internal.h"
#include "kernels/parallel.h"

// The thread sanitizer cannot be in what the dynamic linker calls to choose a clone.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CT_THREAD_SANITIZER
#endif
#endif
#if defined(__x86_64__) && defined(__linux__) && !defined(CT_THREAD_SANITIZER)
#define CT_VECTORIZED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CT_VECTORIZED
#endif

namespace {

#define CT_PHILOX_ATTRIBUTES CT_VECTORIZED
#include "kernels/philox.inl"

using Threshold = ctorch::DropoutThreshold;

CT_VECTORIZED
void scale_kept(const float *input, const uint16_t *draws, Threshold threshold, int64_t count, float *output) {
    for (int64_t i = 0; i < count; ++i)
        output[i] = draws[i] >= threshold.value ? input[i] * threshold.scale : 0.0f;
}

// By hand, since c10::BFloat16 keeps the loop from being vectorized. Rounds to nearest, ties to even.
CT_VECTORIZED
void scale_kept_bfloat16(const uint16_t *input, const uint16_t *draws, Threshold threshold, int64_t count,
                         uint16_t *output) {
    for (int64_t i = 0; i < count; ++i) {
        uint32_t bits = std::bit_cast<uint32_t>(std::bit_cast<float>(static_cast<uint32_t>(input[i]) << 16) *
                                                threshold.scale);
        bits += 0x7FFFu + (bits >> 16 & 1u);
        output[i] = draws[i] >= threshold.value ? static_cast<uint16_t>(bits >> 16) : uint16_t{0};
    }
}

void scale_kept(const c10::BFloat16 *input, const uint16_t *draws, Threshold threshold, int64_t count,
                c10::BFloat16 *output) {
    scale_kept_bfloat16(reinterpret_cast<const uint16_t *>(input), draws, threshold, count,
                        reinterpret_cast<uint16_t *>(output));
}

template <class Scalar>
void scale_kept(const Scalar *input, const uint16_t *draws, Threshold threshold, int64_t count, Scalar *output) {
    for (int64_t i = 0; i < count; ++i)
        output[i] = draws[i] >= threshold.value ? static_cast<Scalar>(static_cast<float>(input[i]) * threshold.scale)
                                                : static_cast<Scalar>(0.0f);
}

// Element i takes draw first + i.
at::Tensor dropout_cpu(const at::Tensor &input, Threshold threshold, uint64_t seed, uint64_t offset, int64_t first = 0) {
    at::Tensor source = input.contiguous();
    at::Tensor result = at::empty_like(source);
    int64_t count = source.numel();
    int64_t first_group = first / draws_per_group, skipped = first % draws_per_group;
    int64_t groups = (skipped + count + draws_per_group - 1) / draws_per_group;
    AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, source.scalar_type(), "dropout", [&] {
        const scalar_t *from = ctorch::const_data<scalar_t>(source);
        scalar_t *to = result.mutable_data_ptr<scalar_t>();
        constexpr int64_t grain = 64;
        ctorch::parallel_tasks((groups + grain - 1) / grain, ctorch::element_cost(grain * draws_per_group), [&](int64_t task) {
            alignas(64) uint16_t draws[draws_per_group];
            for (int64_t group = task * grain; group < std::min(groups, (task + 1) * grain); ++group) {
                philox_group(seed, offset, static_cast<uint64_t>(first_group + group), draws);
                int64_t begin = std::max<int64_t>(0, group * draws_per_group - skipped);
                int64_t end = std::min(count, (group + 1) * draws_per_group - skipped);
                scale_kept(from + begin, draws + (begin + skipped) % draws_per_group, threshold, end - begin, to + begin);
            }
        });
    });
    return result;
}

// Other devices draw from their own generators, seeded for this call, so that a run stays repeatable there too.
at::Tensor dropout_device(const at::Tensor &input, double probability, uint64_t seed, uint64_t offset) {
    ctorch::seed_generator(input.device(), seed, offset);
    // One kernel on devices that have it.
    if (input.is_cuda()) {
        // The element that a draw belongs to depends on the layout and the alignment, so the gradient's must be the same.
        at::Tensor source = input.contiguous();
        if (reinterpret_cast<uintptr_t>(source.const_data_ptr()) % 16 != 0) source = source.clone();
        return std::get<0>(at::native_dropout(source, probability, /*train=*/true));
    }
    at::Tensor keep = at::empty_like(input).bernoulli_(1.0 - probability);
    return input * keep * (1.0 / (1.0 - probability));
}

struct Dropout : torch::autograd::Function<Dropout> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &input, double probability,
                              int64_t seed, int64_t offset, int64_t first) {
        context->saved_data["probability"] = probability;
        context->saved_data["first"] = first;
        context->saved_data["seed"] = seed;
        context->saved_data["offset"] = offset;
        auto key = static_cast<uint64_t>(seed);
        auto call = static_cast<uint64_t>(offset);
        return input.is_cpu() ? dropout_cpu(input, Threshold(probability), key, call, first)
                              : dropout_device(input, probability, key, call);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        at::Tensor gradient =
            Dropout::apply(gradients[0], context->saved_data["probability"].toDouble(),
                           context->saved_data["seed"].toInt(), context->saved_data["offset"].toInt(),
                           context->saved_data["first"].toInt());
        return {gradient, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

}  // namespace

void ctorch::seed_generator(const at::Device &device, uint64_t seed, uint64_t offset) {
    at::Generator generator = at::globalContext().defaultGenerator(device);
    std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_current_seed(seed ^ (offset * 0x9E3779B97F4A7C15ull));
}

at::Tensor ctorch::dropout(const at::Tensor &input, const DropoutCall &call) {
    if (!input.is_cpu()) {
        TORCH_CHECK(!call.state, "libtorch's dropout cannot be captured");
        return dropout_device(input, call.probability, call.seed, call.offset);
    }
    uint64_t seed = call.state ? call.state[0] : call.seed, offset = call.offset + (call.state ? call.state[1] : 0);
    return dropout_cpu(input, Threshold(call.probability), seed, offset);
}

ct_error ct_dropout(ct_tensor input, double probability, uint64_t seed, uint64_t offset, int64_t first, ct_tensor *out) {
    return ctorch::guard("dropout", {input}, [&] {
        TORCH_CHECK(probability >= 0 && probability < 1, "the probability must be in 0 ..< 1, got ", probability);
        *out = ctorch::wrap(probability == 0 ? input->value
                                             : Dropout::apply(input->value, probability, static_cast<int64_t>(seed),
                                                              static_cast<int64_t>(offset), first));
    });
}
