// Dropout from a counter-based generator.
//
// PyTorch draws dropout masks on the CPU from one serial generator, which on most processors takes longer than
// all the rest of the layer. Here the mask of element i is a pure function of (seed, offset, i), computed with
// Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011). So it runs on all cores,
// does not depend on their number, needs no memory (backward computes it again), and its whole state is two
// integers that a checkpoint can hold.

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "internal.h"

#if defined(__x86_64__) && defined(__linux__)
#define CT_VECTORISED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CT_VECTORISED
#endif

namespace {

// One Philox block gives 128 bits: eight draws of 16 bits. Lanes are computed side by side to fill vectors.
constexpr int64_t draws_per_block = 8;
constexpr int64_t lanes = 16;
constexpr int64_t draws_per_group = draws_per_block * lanes;

// Fills `draws` with the 128 draws of group `group`.
CT_VECTORISED
void philox_group(uint64_t seed, uint64_t offset, uint64_t group, uint16_t *draws) {
    uint32_t c0[lanes], c1[lanes], c2[lanes], c3[lanes];
    for (int64_t lane = 0; lane < lanes; ++lane) {
        uint64_t block = group * lanes + static_cast<uint64_t>(lane);
        c0[lane] = static_cast<uint32_t>(block);
        c1[lane] = static_cast<uint32_t>(block >> 32);
        c2[lane] = static_cast<uint32_t>(offset);
        c3[lane] = static_cast<uint32_t>(offset >> 32);
    }
    auto k0 = static_cast<uint32_t>(seed);
    auto k1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
        for (int64_t lane = 0; lane < lanes; ++lane) {
            uint64_t p0 = uint64_t{0xD2511F53u} * c0[lane];
            uint64_t p1 = uint64_t{0xCD9E8D57u} * c2[lane];
            c0[lane] = static_cast<uint32_t>(p1 >> 32) ^ c1[lane] ^ k0;
            c1[lane] = static_cast<uint32_t>(p1);
            c2[lane] = static_cast<uint32_t>(p0 >> 32) ^ c3[lane] ^ k1;
            c3[lane] = static_cast<uint32_t>(p0);
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int64_t lane = 0; lane < lanes; ++lane) {
        draws[lane] = static_cast<uint16_t>(c0[lane]);
        draws[lanes + lane] = static_cast<uint16_t>(c0[lane] >> 16);
        draws[2 * lanes + lane] = static_cast<uint16_t>(c1[lane]);
        draws[3 * lanes + lane] = static_cast<uint16_t>(c1[lane] >> 16);
        draws[4 * lanes + lane] = static_cast<uint16_t>(c2[lane]);
        draws[5 * lanes + lane] = static_cast<uint16_t>(c2[lane] >> 16);
        draws[6 * lanes + lane] = static_cast<uint16_t>(c3[lane]);
        draws[7 * lanes + lane] = static_cast<uint16_t>(c3[lane] >> 16);
    }
}

// Draws below the threshold are dropped; the scale divides by the keep probability that 16 bits can express.
struct Threshold {
    explicit Threshold(double probability)
        : value(static_cast<uint32_t>(std::lround(probability * 65536.0))),
          scale(value >= 65536 ? 0.0f : static_cast<float>(65536.0 / (65536.0 - value))) {}
    uint32_t value;
    float scale;
};

CT_VECTORISED
void scale_kept(const float *input, const uint16_t *draws, Threshold threshold, int64_t count, float *output) {
    for (int64_t i = 0; i < count; ++i)
        output[i] = draws[i] >= threshold.value ? input[i] * threshold.scale : 0.0f;
}

// By hand, since c10::BFloat16 keeps the loop from being vectorised. Rounds to nearest, ties to even.
CT_VECTORISED
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

at::Tensor dropout_cpu(const at::Tensor &input, Threshold threshold, uint64_t seed, uint64_t offset) {
    at::Tensor source = input.contiguous();
    at::Tensor result = at::empty_like(source);
    int64_t count = source.numel();
    int64_t groups = (count + draws_per_group - 1) / draws_per_group;
    AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, source.scalar_type(), "dropout", [&] {
        const scalar_t *from = source.const_data_ptr<scalar_t>();
        scalar_t *to = result.mutable_data_ptr<scalar_t>();
        at::parallel_for(0, groups, /*grain_size=*/64, [&](int64_t begin, int64_t end) {
            alignas(64) uint16_t draws[draws_per_group];
            for (int64_t group = begin; group < end; ++group) {
                philox_group(seed, offset, static_cast<uint64_t>(group), draws);
                int64_t start = group * draws_per_group;
                scale_kept(from + start, draws, threshold, std::min(draws_per_group, count - start), to + start);
            }
        });
    });
    return result;
}

// Other devices draw from their own generators, seeded for this call, so that a run stays repeatable there too.
at::Tensor dropout_device(const at::Tensor &input, double probability, uint64_t seed, uint64_t offset) {
    at::Generator generator = at::globalContext().defaultGenerator(input.device());
    {
        std::lock_guard<std::mutex> lock(generator.mutex());
        generator.set_current_seed(seed ^ (offset * 0x9E3779B97F4A7C15ull));
    }
    at::Tensor keep = at::empty_like(input).bernoulli_(1.0 - probability, generator);
    return input * keep * (1.0 / (1.0 - probability));
}

struct Dropout : torch::autograd::Function<Dropout> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &input, double probability,
                              int64_t seed, int64_t offset) {
        context->saved_data["probability"] = probability;
        context->saved_data["seed"] = seed;
        context->saved_data["offset"] = offset;
        auto key = static_cast<uint64_t>(seed);
        auto call = static_cast<uint64_t>(offset);
        return input.is_cpu() ? dropout_cpu(input, Threshold(probability), key, call)
                              : dropout_device(input, probability, key, call);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        at::Tensor gradient =
            Dropout::apply(gradients[0], context->saved_data["probability"].toDouble(),
                           context->saved_data["seed"].toInt(), context->saved_data["offset"].toInt());
        return {gradient, at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

}  // namespace

ct_error ct_dropout(ct_tensor input, double probability, uint64_t seed, uint64_t offset, ct_tensor *out) {
    return ctorch::guard("dropout", {input}, [&] {
        TORCH_CHECK(probability >= 0 && probability < 1, "the probability must be in 0 ..< 1, got ", probability);
        *out = ctorch::wrap(probability == 0 ? input->value
                                             : Dropout::apply(input->value, probability, static_cast<int64_t>(seed),
                                                              static_cast<int64_t>(offset)));
    });
}
