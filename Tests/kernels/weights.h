// Weights as the kernels read them, in memory of their own.
#pragma once

#include "ckernels.h"
#include "support.h"

namespace test {

struct PackedLinear {
    int64_t inputs = 0, outputs = 0;
    bool is_int8 = false;
    std::vector<float> values, bias, scales;
    std::vector<int8_t> int8_values;
    std::vector<int32_t> sums;
    std::vector<uint32_t> words;

    static PackedLinear floats(std::vector<float> weight, std::vector<float> bias, int64_t outputs, int64_t inputs) {
        PackedLinear made;
        made.inputs = inputs;
        made.outputs = outputs;
        made.values = std::move(weight);
        made.bias = std::move(bias);
        made.pack();
        return made;
    }
    // The int8 weight of scripts/fixtures/kernels.py, without a bias.
    static PackedLinear int8(uint32_t seed, int64_t outputs, int64_t inputs) {
        PackedLinear made;
        made.inputs = inputs;
        made.outputs = outputs;
        made.is_int8 = true;
        for (float value : numbers(seed, outputs * inputs)) made.int8_values.push_back(static_cast<int8_t>(std::floor(value * 128)));
        for (float value : numbers(seed + 1000, outputs)) made.scales.push_back((value + 1.5f) / 128 * 0.125f);
        made.bias.resize(static_cast<size_t>(outputs));
        made.pack();
        return made;
    }
    void pack() {
        sums.resize(static_cast<size_t>(outputs));
        words.resize(static_cast<size_t>(is_int8 ? ck_int8_words(outputs, inputs) : ck_packed_words(false, outputs, inputs)));
        if (is_int8) ck_pack_int8(int8_values.data(), outputs, inputs, words.data(), sums.data());
        else ck_pack(false, values.data(), outputs, inputs, words.data());
    }
    ck_linear view() const {
        return {.inputs = inputs, .outputs = outputs, .is_int8 = is_int8, .words = words.data(), .bias = bias.data(),
                .scales = scales.data(), .sums = sums.data(), .is_fixed = false, .input_scale = 0, .input_zero = 0};
    }
};

// A layer in float32 or bfloat16, its keys' and values' weights as one.
struct PackedLayer {
    ck_layer layer{};
    std::vector<uint32_t> words[5];
    std::vector<float> biases[5];
    std::vector<float> norms[4];

    // Query, key, value, output, inner and outer weights and their biases; then the norms' weights and biases.
    PackedLayer(bool bfloat16, int64_t hidden, int64_t intermediate, int64_t heads, int32_t activation, const std::vector<float> (&weights)[6],
                const std::vector<float> (&own_biases)[6], const std::vector<float> (&own_norms)[4]) {
        auto joined = [](std::vector<float> a, const std::vector<float> &b) {
            a.insert(a.end(), b.begin(), b.end());
            return a;
        };
        auto pack = [&](int place, const std::vector<float> &weight, const std::vector<float> &bias, int64_t outputs, int64_t inputs) {
            words[place].resize(static_cast<size_t>(ck_packed_words(bfloat16, outputs, inputs)));
            ck_pack(bfloat16, weight.data(), outputs, inputs, words[place].data());
            biases[place] = bias;
        };
        pack(0, weights[0], own_biases[0], hidden, hidden);
        pack(1, joined(weights[1], weights[2]), joined(own_biases[1], own_biases[2]), 2 * hidden, hidden);
        pack(2, weights[3], own_biases[3], hidden, hidden);
        pack(3, weights[4], own_biases[4], intermediate, hidden);
        pack(4, weights[5], own_biases[5], hidden, intermediate);
        for (int i = 0; i < 4; ++i) norms[i] = own_norms[i];
        layer.hidden = hidden;
        layer.intermediate = intermediate;
        layer.heads = heads;
        layer.activation = activation;
        layer.epsilon = 1e-12f;
        layer.attention_norm = {norms[0].data(), norms[1].data()};
        layer.output_norm = {norms[2].data(), norms[3].data()};
        layer.bfloat16 = bfloat16;
        layer.query_words = words[0].data();
        layer.key_value_words = words[1].data();
        layer.output_words = words[2].data();
        layer.inner_words = words[3].data();
        layer.outer_words = words[4].data();
        layer.query_bias = biases[0].data();
        layer.key_value_bias = biases[1].data();
        layer.output_bias = biases[2].data();
        layer.inner_bias = biases[3].data();
        layer.outer_bias = biases[4].data();
    }
    PackedLayer(const PackedLayer &) = delete;
};

// The beginning of each example among the tokens.
inline std::vector<int64_t> offsets_of(const std::vector<int64_t> &lengths) {
    std::vector<int64_t> offsets = {0};
    for (int64_t length : lengths) offsets.push_back(offsets.back() + length);
    return offsets;
}

inline std::vector<float> forward(const ck_layer &layer, const std::vector<int64_t> &lengths, bool first_only, const std::vector<float> &input) {
    std::vector<int64_t> offsets = offsets_of(lengths);
    int64_t rows = first_only ? static_cast<int64_t>(lengths.size()) : offsets.back();
    std::vector<float> output(static_cast<size_t>(rows * layer.hidden));
    expect(ck_layer_forward(&layer, {offsets.data(), static_cast<int64_t>(lengths.size())}, first_only, input.data(), output.data()),
           "memory for a layer");
    return output;
}

}  // namespace test
