// A decoder's layer, forward and backward, against PyTorch's values and gradients, with and without kept keys and values.

#include "cache_pages.h"
#include "kernels/parallel.h"
#include "kernels/training.h"
#include "weights.h"

namespace k = ctorch::kernels;

namespace test {
namespace {

struct Case {
    std::string name;
    int64_t hidden, intermediate, heads, groups, width;
    std::vector<int64_t> lengths;
    int64_t window;
    k::Activation activation;
    bool head_norms, output_norms;
    float offset;
    bool biases;
};

// As in scripts/fixtures/decoder_kernels.py.
const std::vector<Case> cases = {
    {"plain", 36, 50, 4, 2, 6, {9, 1, 30}, 0, k::Activation::silu, false, false, 0, false},
    {"gemma", 33, 45, 3, 1, 10, {20, 1, 2}, 4, k::Activation::gelu_tanh, true, true, 1, false},
    {"biases", 40, 70, 2, 2, 16, {41, 3}, 0, k::Activation::silu, true, false, 0, true},
    {"long", 32, 40, 4, 4, 8, {200, 57}, 50, k::Activation::silu, false, false, 0, false},
};
const std::vector<std::string> linear_names = {"query", "key", "value", "output", "gate", "up", "down"};
const std::vector<std::string> norm_names = {"input_norm", "inner_norm", "attention_norm", "outer_norm", "query_norm", "key_norm"};

using Bytes = std::vector<char>;

// A layer's results by name: its output, and gradients.
struct Results {
    std::vector<std::string> names;
    std::vector<std::vector<float>> values;
};

class Layer {
  public:
    Layer(const Case &test, bool bfloat16) : test(test), bfloat16(bfloat16) {
        int64_t queries = test.heads * test.width, keys = test.groups * test.width, h = test.hidden, i = test.intermediate;
        const int64_t outputs[] = {queries, keys, keys, h, i, i, h}, inputs[] = {h, h, h, queries, h, h, i};
        for (uint32_t place = 0; place < 7; ++place) {
            std::vector<float> weight = numbers(110 + place, outputs[place] * inputs[place], 0.25f);
            sizes.push_back(weight.size());
            words.emplace_back(static_cast<size_t>(k::table().packed_words(bfloat16, outputs[place], inputs[place])));
            k::table().pack(bfloat16, true, weight.data(), outputs[place], inputs[place], words.back().data());
            back_words.emplace_back(static_cast<size_t>(k::table().packed_words(bfloat16, inputs[place], outputs[place])));
            k::table().pack(bfloat16, false, weight.data(), inputs[place], outputs[place], back_words.back().data());
            biases.push_back(test.biases ? numbers(120 + place, outputs[place], 0.25f) : std::vector<float>());
        }
        for (uint32_t place = 0; place < 6; ++place) {
            bool is_there = place < 2 || (place < 4 ? test.output_norms : test.head_norms);
            norms.push_back(is_there ? numbers(130 + place, place < 4 ? h : test.width, 0.25f, 1 - test.offset) : std::vector<float>());
        }
        for (float angle : numbers(63, 200 * (test.width / 2), 3)) {
            cosine.push_back(static_cast<float>(std::cos(static_cast<double>(angle))));
            sine.push_back(static_cast<float>(std::sin(static_cast<double>(angle))));
        }
        shape = {.attention = {.heads = test.heads, .key_value_heads = test.groups, .width = test.width,
                               .scale = 1 / std::sqrt(static_cast<float>(test.width)), .window = test.window, .cosine = cosine.data(),
                               .sine = sine.data(), .query_norm = optional(norms[4]), .key_norm = optional(norms[5]), .norm_epsilon = 1e-5f,
                               .norm_offset = test.offset},
                 .hidden = h, .intermediate = i, .activation = test.activation, .epsilon = 1e-5f, .offset = test.offset};
        k::DecoderLinear *places[] = {&weights.query, &weights.key, &weights.value, &weights.output, &weights.gate, &weights.up, &weights.down};
        for (size_t place = 0; place < 7; ++place) *places[place] = {{words[place].data()}, optional(biases[place])};
        weights.input_norm = norms[0].data();
        weights.inner_norm = norms[1].data();
        weights.attention_norm = optional(norms[2]);
        weights.outer_norm = optional(norms[3]);
    }
    Layer(const Layer &) = delete;

    // The output of inference on texts whose tokens follow those that are kept, if any are.
    std::vector<float> infer(const std::vector<int64_t> &lengths, const float *input, const k::CachedText *texts = nullptr) const {
        std::vector<int64_t> offsets = offsets_of(lengths);
        int64_t tokens = offsets.back();
        Bytes memory[4] = {bytes(tokens * test.heads * test.width), bytes(tokens * test.groups * test.width), bytes(tokens * test.groups * test.width),
                           bytes(tokens * test.heads * test.width)};
        std::vector<float> output(static_cast<size_t>(tokens * test.hidden));
        k::table().decoder_forward(bfloat16, {.shape = shape, .sequences = {offsets.data(), static_cast<int64_t>(lengths.size())}, .weights = weights,
                                              .memory = {.query = memory[0].data(), .key = memory[1].data(), .value = memory[2].data(),
                                                         .context = memory[3].data()},
                                              .texts = texts, .input = input, .output = output.data()});
        return output;
    }

    // The output and all gradients; those of `frozen`, a linear layer and its bias, are not wanted.
    Results train(const std::vector<float> &input, const std::vector<float> &direction, int frozen = -1) const {
        std::vector<int64_t> offsets = offsets_of(test.lengths);
        int64_t tokens = offsets.back(), queries = test.heads * test.width, keys = test.groups * test.width, h = test.hidden, i = test.intermediate;
        k::Sequences sequences{offsets.data(), static_cast<int64_t>(test.lengths.size())};
        std::vector<Bytes> memory = {bytes(tokens * queries), bytes(tokens * keys), bytes(tokens * keys), bytes(tokens * queries),
                                     bytes(tokens * i), bytes(tokens * i), bytes(tokens * h), bytes(tokens * h)};
        std::vector<float> log_sum(static_cast<size_t>(test.heads * tokens)), middle(static_cast<size_t>(tokens * h)), output(middle.size());
        k::DecoderMemory left{.query = memory[0].data(), .key = memory[1].data(), .value = memory[2].data(), .context = memory[3].data(),
                              .log_sum = log_sum.data(), .middle = middle.data(), .gate = memory[4].data(), .up = memory[5].data(),
                              .attended = test.output_norms ? memory[6].data() : nullptr, .fed = test.output_norms ? memory[7].data() : nullptr};
        k::table().decoder_forward(bfloat16, {.shape = shape, .sequences = sequences, .weights = weights, .memory = left, .texts = nullptr,
                                              .input = input.data(), .output = output.data()});
        Results results{{"output", "gradient.input"}, {output, std::vector<float>(output.size())}};
        k::DecoderGradients to = gradients(results, frozen);
        auto back = [&](size_t place) { return back_words[place].data(); };
        k::training().decoder_backward(bfloat16, {.shape = shape, .sequences = sequences, .weights = weights,
                                                  .back = {back(0), back(1), back(2), back(3), back(4), back(5), back(6)}, .memory = left,
                                                  .input = input.data(), .output_gradient = direction.data(),
                                                  .input_gradient = results.values[1].data(), .gradients = to});
        return results;
    }

    const Case &test;
    bool bfloat16;

  private:
    static const float *optional(const std::vector<float> &values) { return values.empty() ? nullptr : values.data(); }
    Bytes bytes(int64_t count) const { return Bytes(static_cast<size_t>(count * (bfloat16 ? 2 : 4))); }

    // Room for the gradients of the parameters that there are, in the results.
    k::DecoderGradients gradients(Results &results, int frozen) const {
        k::DecoderGradients to{};
        float **linears[] = {&to.query, &to.key, &to.value, &to.output, &to.gate, &to.up, &to.down};
        float **shifts[] = {&to.query_bias, &to.key_bias, &to.value_bias, &to.output_bias, &to.gate_bias, &to.up_bias, &to.down_bias};
        float **gains[] = {&to.input_norm, &to.inner_norm, &to.attention_norm, &to.outer_norm, &to.query_norm, &to.key_norm};
        auto make = [&](const std::string &name, size_t count, float **place) {
            results.names.push_back("gradient." + name);
            results.values.emplace_back(count, -77.0f);
            *place = results.values.back().data();
        };
        for (size_t place = 0; place < 7; ++place) {
            if (static_cast<int>(place) == frozen) continue;
            make(linear_names[place], sizes[place], linears[place]);
            if (test.biases) make(linear_names[place] + "_bias", biases[place].size(), shifts[place]);
        }
        for (size_t place = 0; place < 6; ++place)
            if (!norms[place].empty()) make(norm_names[place], norms[place].size(), gains[place]);
        return to;
    }

    std::vector<size_t> sizes;
    std::vector<std::vector<uint32_t>> words, back_words;
    std::vector<std::vector<float>> biases, norms;
    std::vector<float> cosine, sine;
    k::DecoderShape shape{};
    k::DecoderWeights weights{};
};

void expect_same(const Results &a, const Results &b, const std::string &what) {
    for (size_t i = 0; i < a.names.size(); ++i)
        for (size_t j = 0; j < b.names.size(); ++j)
            if (a.names[i] == b.names[j]) expect(same_bits(a.values[i], b.values[j]), what + ": " + a.names[i]);
}

// All texts token by token and in pieces, with their keys and values kept, give the bits that the texts give whole.
void expect_same_in_parts(const Layer &layer, const std::vector<float> &input, const std::vector<float> &whole, const std::string &what) {
    const Case &test = layer.test;
    std::vector<int64_t> offsets = offsets_of(test.lengths);
    size_t count = test.lengths.size();
    for (int64_t most : {1, 7, 64}) {
        std::vector<CachePages> pages;
        for (size_t s = 0; s < count; ++s) pages.emplace_back(layer.bfloat16, test.groups, test.width);
        std::vector<int64_t> past(count, 0);
        std::vector<float> joined(whole.size());
        for (;;) {
            std::vector<size_t> members;
            std::vector<int64_t> lengths;
            std::vector<k::CachedText> texts;
            std::vector<float> rows;
            for (size_t s = 0; s < count; ++s) {
                int64_t own = std::min(most, test.lengths[s] - past[s]);
                if (own == 0) continue;
                members.push_back(s);
                lengths.push_back(own);
                texts.push_back(pages[s].text(past[s], past[s] + own));
                auto from = input.begin() + (offsets[s] + past[s]) * test.hidden;
                rows.insert(rows.end(), from, from + own * test.hidden);
            }
            if (members.empty()) break;
            std::vector<float> output = layer.infer(lengths, rows.data(), texts.data());
            auto from = output.begin();
            for (size_t m = 0; m < members.size(); ++m) {
                size_t s = members[m];
                std::copy(from, from + lengths[m] * test.hidden, joined.begin() + (offsets[s] + past[s]) * test.hidden);
                from += lengths[m] * test.hidden;
                past[s] += lengths[m];
            }
        }
        expect(same_bits(joined, whole), what + " in parts of " + std::to_string(most));
    }
}

}  // namespace

void decoder_layers(const Golden &golden) {
    for (const Case &test : cases)
        for (bool bfloat16 : {false, true}) {
            const std::string what = "decoder layer, " + test.name + (bfloat16 ? " in bfloat16" : "");
            Layer layer(test, bfloat16);
            std::vector<int64_t> offsets = offsets_of(test.lengths);
            std::vector<float> input = numbers(140, offsets.back() * test.hidden, 2), direction = numbers(141, offsets.back() * test.hidden);
            Results results = layer.train(input, direction);
            for (size_t i = 0; i < results.names.size(); ++i)
                expect_close(results.values[i], golden.floats(test.name + "." + results.names[i]), bfloat16 ? 0.04 : 5e-6, what + ", " + results.names[i]);
            std::vector<float> whole = layer.infer(test.lengths, input.data());
            if (!bfloat16) expect(same_bits(whole, results.values[0]), what + ": inference has the bits of training");
            for (size_t s = 0; s < test.lengths.size(); ++s) {
                std::vector<float> own(whole.begin() + offsets[s] * test.hidden, whole.begin() + offsets[s + 1] * test.hidden);
                expect(same_bits(layer.infer({test.lengths[s]}, input.data() + offsets[s] * test.hidden), own), what + ": a text alone");
            }
            expect_same_in_parts(layer, input, whole, what);
            for (int frozen : {0, 3, 5, 6}) expect_same(results, layer.train(input, direction, frozen), what + " with a frozen layer");
            int before = ctorch::thread_count();
            for (int threads : {1, 2, 5}) {
                ctorch::set_thread_count(threads);
                expect_same(results, layer.train(input, direction), what + " on " + std::to_string(threads) + " threads");
                expect(same_bits(layer.infer(test.lengths, input.data()), whole), what + ": inference on " + std::to_string(threads) + " threads");
            }
            ctorch::set_thread_count(before);
        }
}

}  // namespace test
