// Layers that normalize before each part, with rotary positions, windows to both sides and gated feed-forward networks.

#include "kernels/table.h"
#include "weights.h"

namespace test {
namespace {

struct Case {
    std::string name;
    int64_t hidden, intermediate, heads;
    std::vector<int64_t> lengths;
    int64_t window;
    bool has_norm, first_only;
};

// As in scripts/fixtures/kernels.py.
const std::vector<Case> cases = {
    {"all", 36, 50, 3, {9, 70, 2}, -1, true, false},
    {"local", 64, 48, 2, {90, 1, 17}, 8, true, false},
    {"first", 36, 50, 3, {9, 40, 2}, 4, false, true},
};

// Queries, keys, values, attention's output, gate, up and down: outputs, inputs.
struct Linears {
    std::vector<std::vector<float>> weights, biases;
    std::vector<int64_t> outputs, inputs;
    explicit Linears(const Case &test) {
        for (int i = 0; i < 7; ++i) {
            outputs.push_back(i == 4 || i == 5 ? test.intermediate : test.hidden);
            inputs.push_back(i == 6 ? test.intermediate : test.hidden);
            weights.push_back(numbers(static_cast<uint32_t>(80 + i), outputs[i] * inputs[i], 0.25f));
            biases.push_back(numbers(static_cast<uint32_t>(90 + i), outputs[i], 0.25f));
        }
    }
};

// The kind of its weights: float32, bfloat16, or int8.
enum class Kind { float32, bfloat16, int8 };

struct Layer {
    std::vector<PackedLinear> linears;
    std::vector<float> norms[4], angles, cosine, sine;
    ck_prenorm_layer layer{};
    Layer(const Case &test, Kind kind) {
        Linears own(test);
        for (int i = 0; i < 7; ++i) {
            if (kind == Kind::int8) linears.push_back(PackedLinear::int8(static_cast<uint32_t>(40 + i), own.outputs[i], own.inputs[i]));
            else linears.push_back(PackedLinear::floats(own.weights[i], own.biases[i], own.outputs[i], own.inputs[i]));
            PackedLinear &linear = linears.back();
            linear.bias = own.biases[i];
            if (kind == Kind::bfloat16) {
                linear.words.resize(static_cast<size_t>(ck_packed_words(true, linear.outputs, linear.inputs)));
                ck_pack(true, linear.values.data(), linear.outputs, linear.inputs, linear.words.data());
            }
        }
        for (uint32_t i = 0; i < 2; ++i) {
            norms[2 * i] = numbers(30 + i, test.hidden, 0.25f, 1);
            norms[2 * i + 1] = numbers(32 + i, test.hidden, 0.25f);
        }
        int64_t half = test.hidden / test.heads / 2;
        angles = numbers(63, 90 * half, 3);
        for (float angle : angles) {
            cosine.push_back(static_cast<float>(std::cos(static_cast<double>(angle))));
            sine.push_back(static_cast<float>(std::sin(static_cast<double>(angle))));
        }
        layer.hidden = test.hidden;
        layer.intermediate = test.intermediate;
        layer.heads = test.heads;
        layer.activation = CK_GELU;
        layer.epsilon = 1e-5f;
        if (test.has_norm) layer.attention_norm = {norms[0].data(), norms[1].data()};
        layer.feed_forward_norm = {norms[2].data(), norms[3].data()};
        layer.window = test.window;
        layer.cosine = cosine.data();
        layer.sine = sine.data();
        layer.bfloat16 = kind == Kind::bfloat16;
        ck_linear *places[] = {&layer.query, &layer.key, &layer.value, &layer.output, &layer.gate, &layer.up, &layer.down};
        for (int i = 0; i < 7; ++i) *places[i] = linears[static_cast<size_t>(i)].view();
    }
    Layer(const Layer &) = delete;

    std::vector<float> run(const std::vector<int64_t> &lengths, bool first_only, const std::vector<float> &input) const {
        std::vector<int64_t> offsets = offsets_of(lengths);
        int64_t count = static_cast<int64_t>(lengths.size()), rows = first_only ? count : offsets.back();
        std::vector<float> output(static_cast<size_t>(rows * layer.hidden));
        expect(ck_prenorm_layer_forward(&layer, {offsets.data(), count}, first_only, input.data(), output.data()), "memory for a layer");
        return output;
    }
};

// Each example alone, and any number of threads, give the bits that all together gave.
void expect_independent(const Layer &layer, const Case &test, const std::vector<float> &input, const std::vector<float> &together,
                        const std::string &what) {
    std::vector<int64_t> offsets = offsets_of(test.lengths);
    for (size_t s = 0; s < test.lengths.size(); ++s) {
        std::vector<float> own(input.begin() + offsets[s] * test.hidden, input.begin() + offsets[s + 1] * test.hidden);
        int64_t first = test.first_only ? static_cast<int64_t>(s) : offsets[s], rows = test.first_only ? 1 : test.lengths[s];
        std::vector<float> expected(together.begin() + first * test.hidden, together.begin() + (first + rows) * test.hidden);
        expect(same_bits(layer.run({test.lengths[s]}, test.first_only, own), expected), what + ": an example alone");
    }
    for (int32_t threads : {2, 3, 5}) {
        ck_set_threads(threads);
        expect(same_bits(layer.run(test.lengths, test.first_only, input), together), what + ": on " + std::to_string(threads) + " threads");
    }
    ck_set_threads(1);
}

}  // namespace

void prenorm_layers(const Golden &golden) {
    ck_set_threads(1);
    for (const Case &test : cases) {
        std::vector<float> input = numbers(1, offsets_of(test.lengths).back() * test.hidden, 2);
        for (Kind kind : {Kind::float32, Kind::bfloat16, Kind::int8}) {
            Layer layer(test, kind);
            std::vector<float> output = layer.run(test.lengths, test.first_only, input);
            std::string name = "prenorm." + test.name, what = "pre-norm layer " + test.name;
            if (kind == Kind::int8) {
                // As in layers.cpp: a value between two levels may fall to either side.
                name += "." + std::to_string(ctorch::kernels::table().int8_steps);
                expect_close(output, golden.floats(name), 0.02, what + " in int8", 5e-4);
            } else {
                bool bfloat16 = kind == Kind::bfloat16;
                expect_close(output, golden.floats(name), bfloat16 ? 0.05 : 5e-6, what + (bfloat16 ? " in bfloat16" : ""), bfloat16 ? 0.02 : 0);
            }
            expect_independent(layer, test, input, output, what);
        }
    }
}

}  // namespace test
