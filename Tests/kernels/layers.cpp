// Transformer layers, and whole encoders of the checkpoints that transformers made.

#include <algorithm>

#include "kernels/table.h"
#include "weights.h"

namespace test {
namespace {

struct Case {
    std::string name;
    int64_t hidden, intermediate, heads;
    std::vector<int64_t> lengths;
    int32_t activation;
    bool first_only;
    std::vector<int> int8;
    std::string positions = {};  // what distances add: nothing, a bias, or terms of disentangled attention
};

// As in scripts/fixtures/kernels.py.
const std::vector<Case> cases = {
    {"even", 64, 128, 4, {5, 1, 17}, CK_GELU, false, {0, 1, 2, 3, 4, 5}},
    {"odd", 36, 50, 3, {9, 30, 2}, CK_GELU_TANH, false, {0, 1, 2, 3, 4, 5}},
    {"first", 36, 50, 3, {9, 30, 2}, CK_RELU, true, {0, 3, 5}},
    {"long", 32, 48, 2, {97, 3}, CK_SILU, false, {1, 4}},
    {"bias", 36, 50, 3, {9, 77, 2}, CK_GELU, false, {0, 1, 2, 3, 4, 5}, "bias"},
    {"bias-first", 64, 48, 2, {40, 1, 33}, CK_GELU, true, {1, 5}, "bias"},
    {"disentangled", 36, 50, 3, {9, 77, 1}, CK_GELU, false, {0, 1, 2, 3, 4, 5}, "c2p p2c"},
    {"disentangled-first", 64, 48, 2, {40, 1, 33}, CK_GELU, true, {2}, "c2p p2c"},
    {"c2p", 32, 48, 2, {50, 3}, CK_GELU, false, {1}, "c2p"},
    {"p2c", 32, 48, 2, {50, 3}, CK_GELU, false, {1}, "p2c"},
};

// The tables of what distances add, as in scripts/fixtures/kernels.py.
struct Positions {
    static constexpr int64_t reach = 80, span = 12;
    std::vector<float> bias, keys, queries;
    std::vector<int32_t> rows;
    explicit Positions(const Case &test) {
        if (test.positions == "bias") bias = numbers(50, test.heads * (2 * reach + 1), 2);
        bool has_keys = test.positions.find("c2p") != std::string::npos, has_queries = test.positions.find("p2c") != std::string::npos;
        if (has_keys) keys = numbers(51, 2 * span * test.hidden, 1);
        if (has_queries) queries = numbers(52, 2 * span * test.hidden, 1);
        if (has_keys || has_queries)
            for (int64_t distance = -reach; distance <= reach; ++distance) {
                // Exact up to half of the span, then ever fewer rows.
                int64_t size = std::abs(distance), near = std::min<int64_t>(size, span / 2 + size / 8);
                int64_t bucket = distance > 0 ? -near : near;
                rows.push_back(static_cast<int32_t>(std::clamp<int64_t>(bucket + span, 0, 2 * span - 1)));
            }
    }
    void set(ck_layer &layer, const Case &test) const {
        layer.positions = {.reach = reach, .bias = bias.empty() ? nullptr : bias.data(), .keys = keys.empty() ? nullptr : keys.data(),
                           .queries = queries.empty() ? nullptr : queries.data(), .rows = rows.empty() ? nullptr : rows.data()};
        int64_t terms = 1 + !keys.empty() + !queries.empty(), width = test.hidden / test.heads;
        if (terms > 1) layer.score_scale = 1 / std::sqrt(static_cast<float>(width * terms));
    }
};

int64_t outputs_of(const Case &test, int place) { return place == 4 ? test.intermediate : test.hidden; }
int64_t inputs_of(const Case &test, int place) { return place == 5 ? test.intermediate : test.hidden; }

struct Parameters {
    std::vector<float> weights[6], biases[6], norms[4];
    explicit Parameters(const Case &test) {
        for (int i = 0; i < 6; ++i) {
            weights[i] = numbers(static_cast<uint32_t>(10 + i), outputs_of(test, i) * inputs_of(test, i), 0.25f);
            biases[i] = numbers(static_cast<uint32_t>(20 + i), outputs_of(test, i), 0.25f);
        }
        for (uint32_t i = 0; i < 2; ++i) {
            norms[2 * i] = numbers(30 + i, test.hidden, 0.25f, 1);
            norms[2 * i + 1] = numbers(32 + i, test.hidden, 0.25f);
        }
    }
};

// A layer each of whose linear layers is int8 or float32.
struct MixedLayer {
    std::vector<PackedLinear> linear;
    Parameters parameters;
    ck_layer layer{};
    explicit MixedLayer(const Case &test) : parameters(test) {
        for (int i = 0; i < 6; ++i) {
            bool is_int8 = false;
            for (int place : test.int8) is_int8 = is_int8 || place == i;
            int64_t outputs = outputs_of(test, i), inputs = inputs_of(test, i);
            if (is_int8) linear.push_back(PackedLinear::int8(static_cast<uint32_t>(40 + i), outputs, inputs));
            else linear.push_back(PackedLinear::floats(parameters.weights[i], parameters.biases[i], outputs, inputs));
            linear.back().bias = parameters.biases[i];
        }
        layer.hidden = test.hidden;
        layer.intermediate = test.intermediate;
        layer.heads = test.heads;
        layer.activation = test.activation;
        layer.epsilon = 1e-12f;
        layer.attention_norm = {parameters.norms[0].data(), parameters.norms[1].data()};
        layer.output_norm = {parameters.norms[2].data(), parameters.norms[3].data()};
        layer.is_mixed = true;
        ck_linear *places[] = {&layer.query, &layer.key, &layer.value, &layer.output, &layer.inner, &layer.outer};
        for (int i = 0; i < 6; ++i) *places[i] = linear[i].view();
    }
    MixedLayer(const MixedLayer &) = delete;
};

// Each example alone, and any number of threads, give the bits that all together gave.
void expect_independent(const ck_layer &layer, const Case &test, const std::vector<float> &input, const std::vector<float> &together,
                        const std::string &what) {
    std::vector<int64_t> offsets = offsets_of(test.lengths);
    for (size_t s = 0; s < test.lengths.size(); ++s) {
        std::vector<float> own(input.begin() + offsets[s] * test.hidden, input.begin() + offsets[s + 1] * test.hidden);
        int64_t first = test.first_only ? static_cast<int64_t>(s) : offsets[s], rows = test.first_only ? 1 : test.lengths[s];
        std::vector<float> expected(together.begin() + first * test.hidden, together.begin() + (first + rows) * test.hidden);
        expect(same_bits(forward(layer, {test.lengths[s]}, test.first_only, own), expected), what + ": an example alone");
    }
    for (int32_t threads : {2, 3, 5}) {
        ck_set_threads(threads);
        expect(same_bits(forward(layer, test.lengths, test.first_only, input), together), what + ": on " + std::to_string(threads) + " threads");
    }
    ck_set_threads(1);
}

}  // namespace

void layers(const Golden &golden) {
    ck_set_threads(1);
    for (const Case &test : cases) {
        Parameters parameters(test);
        Positions positions(test);
        std::vector<float> input = numbers(1, offsets_of(test.lengths).back() * test.hidden, 2), expected = golden.floats("layer." + test.name);
        for (bool bfloat16 : {false, true}) {
            PackedLayer packed(bfloat16, test.hidden, test.intermediate, test.heads, test.activation, parameters.weights, parameters.biases,
                               parameters.norms);
            positions.set(packed.layer, test);
            std::string what = "layer " + test.name + (bfloat16 ? " in bfloat16" : "");
            std::vector<float> output = forward(packed.layer, test.lengths, test.first_only, input);
            // bfloat16 has 8 bits: products of both sides, queries, keys, values and contexts are rounded.
            expect_close(output, expected, bfloat16 ? 0.05 : 5e-6, what, bfloat16 ? 0.01 : 0);
            expect_independent(packed.layer, test, input, output, what);
        }
        MixedLayer mixed(test);
        positions.set(mixed.layer, test);
        std::vector<float> output = forward(mixed.layer, test.lengths, test.first_only, input);
        // A value between two levels may fall to either side, where sums are taken in another order: one level of one input moves a few
        // outputs by a few hundredths, and their average hardly.
        expect_close(output, golden.floats("mixed." + test.name + "." + std::to_string(ctorch::kernels::table().int8_steps)), 0.02, "mixed layer " + test.name, 2e-4);
        expect_independent(mixed.layer, test, input, output, "mixed layer " + test.name);
    }
}

// The embeddings, layers and head of a checkpoint against every hidden state and logit of transformers.
void checkpoints(const std::string &fixtures) {
    const std::pair<std::string, int32_t> models[] = {{"bert-tiny", CK_GELU}, {"bert-gelu-new", CK_GELU_TANH}, {"bert-relu", CK_RELU}};
    for (const auto &[name, activation] : models) {
        const Golden model(fixtures + "/" + name + "/model.safetensors"), golden(fixtures + "/" + name + "/golden.safetensors");
        constexpr int64_t hidden = 32, padded = 12;
        // The fourth example's padding is on the left, which packed sequences have not.
        const std::vector<int64_t> lengths = {12, 9, 4}, offsets = offsets_of(lengths);
        std::vector<int64_t> all_ids = golden.integers("input_ids"), all_types = golden.integers("token_type_ids");
        std::vector<int32_t> ids, types;
        auto packed = [&](const std::vector<float> &values) {
            std::vector<float> rows;
            for (size_t s = 0; s < lengths.size(); ++s) {
                auto start = values.begin() + static_cast<int64_t>(s) * padded * hidden;
                rows.insert(rows.end(), start, start + lengths[s] * hidden);
            }
            return rows;
        };
        for (size_t s = 0; s < lengths.size(); ++s)
            for (int64_t t = 0; t < lengths[s]; ++t) {
                ids.push_back(static_cast<int32_t>(all_ids[s * padded + t]));
                types.push_back(static_cast<int32_t>(all_types[s * padded + t]));
            }
        const std::string e = "bert.embeddings.";
        std::vector<float> word = model.floats(e + "word_embeddings.weight"), position = model.floats(e + "position_embeddings.weight"),
                           type = model.floats(e + "token_type_embeddings.weight"), norm_weight = model.floats(e + "LayerNorm.weight"),
                           norm_bias = model.floats(e + "LayerNorm.bias");
        ck_embeddings embeddings = {.hidden = hidden,
                                    .epsilon = 1e-12f,
                                    .word = {word.data(), nullptr, nullptr},
                                    .position = {position.data(), nullptr, nullptr},
                                    .type = {type.data(), nullptr, nullptr},
                                    .norm = {norm_weight.data(), norm_bias.data()}};
        std::vector<float> x(ids.size() * hidden), plain;
        ck_embeddings_forward(&embeddings, {offsets.data(), 3}, ids.data(), types.data(), x.data());
        expect_close(x, packed(golden.floats("hidden_states.0")), 2e-6, name + ": embeddings");
        // The word table in int8, each row with a scale.
        std::vector<int8_t> narrow(word.size());
        std::vector<float> scales(word.size() / hidden), wide(word.size()), other(x.size());
        for (size_t i = 0; i < word.size(); ++i) {
            scales[i / hidden] = 0.01f + 0.001f * static_cast<float>(i / hidden % 7);
            narrow[i] = static_cast<int8_t>(std::lround(word[i] / scales[i / hidden]));
            wide[i] = static_cast<float>(narrow[i]) * scales[i / hidden];
        }
        plain = x;
        embeddings.word = {wide.data(), nullptr, nullptr};
        ck_embeddings_forward(&embeddings, {offsets.data(), 3}, ids.data(), types.data(), plain.data());
        embeddings.word = {nullptr, narrow.data(), scales.data()};
        ck_embeddings_forward(&embeddings, {offsets.data(), 3}, ids.data(), types.data(), other.data());
        expect_close(other, plain, 2e-6, name + ": embeddings in int8");

        std::vector<float> first;
        for (int l = 0; l < 3; ++l) {
            const std::string prefix = "bert.encoder.layer." + std::to_string(l) + ".";
            const char *names[] = {"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
                                   "intermediate.dense", "output.dense"};
            std::vector<float> weights[6], biases[6];
            for (int i = 0; i < 6; ++i) {
                weights[i] = model.floats(prefix + names[i] + ".weight");
                biases[i] = model.floats(prefix + names[i] + ".bias");
            }
            const std::vector<float> norms[4] = {
                model.floats(prefix + "attention.output.LayerNorm.weight"), model.floats(prefix + "attention.output.LayerNorm.bias"),
                model.floats(prefix + "output.LayerNorm.weight"), model.floats(prefix + "output.LayerNorm.bias")};
            PackedLayer layer(false, hidden, 64, 4, activation, weights, biases, norms);
            if (l == 2) first = forward(layer.layer, lengths, true, x);
            x = forward(layer.layer, lengths, false, x);
            expect_close(x, packed(golden.floats("hidden_states." + std::to_string(l + 1))), 1e-5, name + ": layer " + std::to_string(l));
        }
        std::vector<float> pooled(3 * hidden), logits(9), expected = golden.floats("logits");
        std::vector<float> pooler = model.floats("bert.pooler.dense.weight"), pooler_bias = model.floats("bert.pooler.dense.bias"),
                           head = model.floats("classifier.weight"), head_bias = model.floats("classifier.bias");
        ck_rows_linear(3, hidden, hidden, first.data(), pooler.data(), pooler_bias.data(), pooled.data());
        for (float &value : pooled) value = std::tanh(value);
        ck_rows_linear(3, hidden, 3, pooled.data(), head.data(), head_bias.data(), logits.data());
        expected.resize(9);
        expect_close(logits, expected, 1e-5, name + ": logits");
    }
}

}  // namespace test
