// AdamW whose moments are kept in 8 bits (Dettmers et al., "8-bit Optimizers via Block-wise Quantization", arXiv 2110.02861): blocks of
// 256 numbers share the largest magnitude, by which each is divided and rounded to one of 256 numbers of a dynamic tree.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "internal.h"
#include "kernels/parallel.h"

using namespace ctorch;

namespace ctorch::eight_bit {

constexpr int64_t block_size = 256;

// The numbers from -1 (or 0) to 1 that 8 bits stand for, ascending: seven decades, each of which has twice as many numbers as the one
// below, then 0 and 1.
std::array<float, 256> dynamic_tree(bool is_signed) {
    std::array<float, 256> tree{};
    size_t count = 0;
    for (int decade = 0; decade < 7; ++decade) {
        int numbers = (is_signed ? 1 : 2) << decade;
        double scale = std::pow(10.0, decade - 6), step = 0.9 / numbers;
        for (int i = 0; i < numbers; ++i) {
            auto value = static_cast<float>(scale * (0.1 + step * (i + 0.5)));
            tree[count++] = value;
            if (is_signed) tree[count++] = -value;
        }
    }
    tree[count++] = 0;
    tree[count++] = 1;
    std::sort(tree.begin(), tree.end());
    return tree;
}

// Finds the nearest number of a tree: a table by the first bits of a float says where to begin.
class Tree {
  public:
    explicit Tree(bool is_signed) : numbers(dynamic_tree(is_signed)), is_signed(is_signed) {
        for (size_t i = 0; i < 255; ++i) between[i] = numbers[i] + (numbers[i + 1] - numbers[i]) * 0.5f;
        between[255] = INFINITY;
        for (size_t key = 0; key < begin.size(); ++key) {
            // The smallest magnitude of the key; for negative numbers the largest, so that the search goes up.
            float low = value(key % keys), high = value(key % keys + 1);
            begin[key] = search(key < keys ? low : -high);
        }
    }

    float operator[](uint8_t code) const { return numbers[code]; }

    // x from -1 to 1
    uint8_t nearest(float x) const {
        uint32_t bits;
        std::memcpy(&bits, &x, 4);
        uint32_t magnitude = (bits & 0x7fffffffu) >> 17;
        uint32_t key = magnitude < first ? 0 : std::min(magnitude - first, keys - 1);
        size_t code = begin[key + (is_signed && x < 0 ? keys : 0)];
        while (x > between[code]) ++code;
        return static_cast<uint8_t>(code);
    }

  private:
    // Sign and exponent with six bits of the fraction, from 2^-28 on; below it every number is nearest to 0, or begins there.
    static constexpr uint32_t first = (127 - 28) << 6, keys = 29 << 6;
    std::array<float, 256> numbers, between{};
    std::array<uint8_t, 2 * keys> begin{};
    bool is_signed;

    static float value(size_t key) {
        if (key == 0) return 0;
        uint32_t bits = (first + static_cast<uint32_t>(key)) << 17;
        float x;
        std::memcpy(&x, &bits, 4);
        return x;
    }

    uint8_t search(float x) const {
        size_t code = 0;
        while (x > between[code]) ++code;
        return static_cast<uint8_t>(code);
    }
};

const Tree &first_tree() {
    static const Tree tree(true);
    return tree;
}
const Tree &second_tree() {
    static const Tree tree(false);
    return tree;
}

// A block's moments as numbers, and back.
void unpack(const Tree &tree, const uint8_t *codes, float scale, int64_t count, float *to) {
    for (int64_t i = 0; i < count; ++i) to[i] = tree[codes[i]] * scale;
}
void pack(const Tree &tree, const float *from, int64_t count, uint8_t *codes, float &scale) {
    float largest = 0;
    for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::fabs(from[i]));
    scale = largest;
    float factor = largest > 0 ? largest : 1;
    for (int64_t i = 0; i < count; ++i) codes[i] = tree.nearest(from[i] / factor);
}

struct Moments8 {
    uint8_t *first, *second;
    float *first_scales, *second_scales;
};

void update_block(const ct_adamw_options &o, float *p, const float *g, const Moments8 &moments, int64_t block, int64_t count) {
    float m[block_size], v[block_size];
    int64_t begin = block * block_size;
    unpack(first_tree(), moments.first + begin, moments.first_scales[block], count, m);
    unpack(second_tree(), moments.second + begin, moments.second_scales[block], count, v);
    auto decay = static_cast<float>(1 - o.learning_rate * o.weight_decay), epsilon = static_cast<float>(o.epsilon);
    auto beta1 = static_cast<float>(o.beta1), beta2 = static_cast<float>(o.beta2);
    auto rest1 = static_cast<float>(1 - o.beta1), rest2 = static_cast<float>(1 - o.beta2);
    auto size = static_cast<float>(o.learning_rate / (1 - std::pow(o.beta1, static_cast<double>(o.step))));
    auto root = static_cast<float>(std::sqrt(1 - std::pow(o.beta2, static_cast<double>(o.step))));
    for (int64_t i = 0; i < count; ++i) {
        float gradient = g[begin + i];
        m[i] = m[i] * beta1 + gradient * rest1;
        v[i] = v[i] * beta2 + gradient * gradient * rest2;
        p[begin + i] = p[begin + i] * decay - m[i] / (std::sqrt(v[i]) / root + epsilon) * size;
    }
    pack(first_tree(), m, count, moments.first + begin, moments.first_scales[block]);
    pack(second_tree(), v, count, moments.second + begin, moments.second_scales[block]);
}

}  // namespace ctorch::eight_bit

ct_error ct_adamw_8bit_(ct_tensor parameter, ct_tensor first, ct_tensor second, ct_tensor first_scales, ct_tensor second_scales,
                        ct_adamw_options options) {
    return guard("adamw_8bit_", {parameter, first, second, first_scales, second_scales}, [&] {
        using namespace ctorch::eight_bit;
        at::NoGradGuard no_grad;
        at::Tensor &p = parameter->value;
        at::Tensor g = p.grad();
        TORCH_CHECK(g.defined(), "the parameter has no gradient; call backward first");
        g = (g.is_sparse() ? g.to_dense() : g).contiguous();
        int64_t count = p.numel(), blocks = (count + block_size - 1) / block_size;
        TORCH_CHECK(p.is_cpu() && p.scalar_type() == at::kFloat && p.is_contiguous() && g.scalar_type() == at::kFloat,
                    "needs float32 parameters on the CPU");
        for (ct_tensor moment : {first, second})
            TORCH_CHECK(moment->value.scalar_type() == at::kChar && moment->value.is_contiguous() && moment->value.numel() == count,
                        "needs a byte for each number");
        for (ct_tensor scales : {first_scales, second_scales})
            TORCH_CHECK(scales->value.scalar_type() == at::kFloat && scales->value.is_contiguous() && scales->value.numel() == blocks,
                        "needs a float32 for each block of ", block_size);
        Moments8 moments{static_cast<uint8_t *>(first->value.mutable_data_ptr()), static_cast<uint8_t *>(second->value.mutable_data_ptr()),
                         first_scales->value.mutable_data_ptr<float>(), second_scales->value.mutable_data_ptr<float>()};
        float *numbers = p.mutable_data_ptr<float>();
        const float *gradient = const_data<float>(g);
        constexpr int64_t together = 64;
        parallel_tasks((blocks + together - 1) / together, element_cost(16 * together * block_size), [&](int64_t task) {
            for (int64_t block = task * together; block < std::min(blocks, (task + 1) * together); ++block)
                update_block(options, numbers, gradient, moments, block, std::min(block_size, count - block * block_size));
        });
        for (ct_tensor changed : {parameter, first, second, first_scales, second_scales})
            changed->value.unsafeGetTensorImpl()->bump_version();
    });
}
