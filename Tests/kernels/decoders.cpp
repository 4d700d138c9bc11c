// The operations of decoders: projections, causal attention with and without a cache, normalization, gated activations.

#include "cache_pages.h"
#include "kernels/table.h"
#include "support.h"

namespace k = ctorch::kernels;

namespace test {
namespace {

struct Case {
    std::string name;
    int64_t heads, groups, width, length, window;
};
const Case cases[] = {{"plain", 4, 2, 16, 37, 0}, {"window", 3, 1, 10, 45, 12}};

// A case's queries, keys and values, in float32 or bfloat16.
struct Attention {
    Attention(const Case &test, bool bfloat16)
        : test(test), bfloat16(bfloat16), query(numbers(60, test.length * test.heads * test.width, 2)),
          key(numbers(61, test.length * test.groups * test.width, 2)), value(numbers(62, test.length * test.groups * test.width, 2)),
          narrow_query(bf16_of(query)), narrow_key(bf16_of(key)), narrow_value(bf16_of(value)) {
        for (float angle : numbers(63, test.length * (test.width / 2))) {
            cosine.push_back(static_cast<float>(std::cos(static_cast<double>(angle) * 3)));
            sine.push_back(static_cast<float>(std::sin(static_cast<double>(angle) * 3)));
        }
        shape = {.heads = test.heads, .key_value_heads = test.groups, .width = test.width,
                 .scale = 1 / std::sqrt(static_cast<float>(test.width)), .window = test.window, .cosine = cosine.data(), .sine = sine.data()};
    }
    // From row `row` on.
    const void *queries(int64_t row) const { return at(query, narrow_query, row * test.heads * test.width); }
    const void *keys(int64_t row) const { return at(key, narrow_key, row * test.groups * test.width); }
    const void *values(int64_t row) const { return at(value, narrow_value, row * test.groups * test.width); }

    // The context of the whole text.
    std::vector<float> whole() const {
        int64_t offsets[] = {0, test.length};
        return run([&](void *context) {
            k::table().causal_forward(bfloat16, {.shape = shape, .sequences = {offsets, 1}, .query = queries(0), .key = keys(0),
                                                 .value = values(0), .context = context, .log_sum = nullptr});
        });
    }
    // The same in pieces of so many tokens, whose keys and values are kept.
    std::vector<float> pieces(const std::vector<int64_t> &counts) const {
        return run([&](void *context) {
            CachePages pages(bfloat16, test.groups, test.width);
            int64_t past = 0;
            for (int64_t count : counts) {
                int64_t offsets[] = {0, count};
                k::CachedText text = pages.text(past, past + count);
                void *to = static_cast<char *>(context) + past * test.heads * test.width * (bfloat16 ? 2 : 4);
                k::table().cached_forward(bfloat16, {.shape = shape, .sequences = {offsets, 1}, .texts = &text, .query = queries(past),
                                                     .key = keys(past), .value = values(past), .context = to});
                past += count;
            }
        });
    }

    const Case &test;
    bool bfloat16;
    k::CausalShape shape{};

  private:
    const void *at(const std::vector<float> &wide, const std::vector<uint16_t> &narrow, int64_t place) const {
        return bfloat16 ? static_cast<const void *>(narrow.data() + place) : wide.data() + place;
    }
    template <class Body>
    std::vector<float> run(Body &&body) const {
        std::vector<float> context(query.size());
        if (!bfloat16) {
            body(context.data());
            return context;
        }
        std::vector<uint16_t> narrow(query.size());
        body(narrow.data());
        for (size_t i = 0; i < narrow.size(); ++i) context[i] = float_of(narrow[i]);
        return context;
    }

    std::vector<float> query, key, value, cosine, sine;
    std::vector<uint16_t> narrow_query, narrow_key, narrow_value;
};

void projections(bool bfloat16) {
    constexpr int64_t rows = 11, inputs = 37, sizes[] = {45, 3, 64};
    std::vector<float> x = numbers(74, rows * inputs), weights[3], outputs[3];
    if (bfloat16)
        for (float &value : x) value = float_of(bf16_of(value));
    std::vector<uint16_t> narrow = bf16_of(x);
    std::vector<uint32_t> words[3];
    k::ProjectionPart parts[3];
    for (int p = 0; p < 3; ++p) {
        weights[p] = numbers(static_cast<uint32_t>(75 + p), sizes[p] * inputs);
        if (bfloat16)
            for (float &value : weights[p]) value = float_of(bf16_of(value));
        words[p].resize(static_cast<size_t>(k::table().packed_words(bfloat16, sizes[p], inputs)));
        k::table().pack(bfloat16, true, weights[p].data(), sizes[p], inputs, words[p].data());
        outputs[p].resize(static_cast<size_t>(rows * sizes[p]));
        parts[p] = {sizes[p], {words[p].data()}, nullptr, outputs[p].data()};
    }
    k::table().projection_forward(bfloat16, {.rows = rows, .inputs = inputs, .input = bfloat16 ? static_cast<const void *>(narrow.data()) : x.data(),
                                             .parts = parts, .count = 3, .float_output = true});
    for (int p = 0; p < 3; ++p) {
        std::vector<float> expected;
        for (int64_t row = 0; row < rows; ++row)
            for (int64_t column = 0; column < sizes[p]; ++column) {
                double sum = 0;
                for (int64_t i = 0; i < inputs; ++i) sum += double(x[row * inputs + i]) * weights[p][column * inputs + i];
                expected.push_back(static_cast<float>(sum));
            }
        expect_close(outputs[p], expected, 1e-6, bfloat16 ? "projections in bfloat16" : "projections");
    }
}

}  // namespace

void decoders(const Golden &golden) {
    for (bool bfloat16 : {false, true}) {
        projections(bfloat16);
        for (const Case &test : cases) {
            Attention attention(test, bfloat16);
            std::vector<float> whole = attention.whole();
            std::string what = "causal attention, " + test.name + (bfloat16 ? " in bfloat16" : "");
            expect_close(whole, golden.floats("causal." + test.name), bfloat16 ? 0.02 : 2e-6, what);
            // Odd and even numbers of tokens before and after.
            for (std::vector<int64_t> counts : {std::vector<int64_t>{1, 1, 1, 5, 2, 24}, {7, 20, 7}, {32, 1, 1}}) {
                counts.push_back(test.length - 34);
                expect(same_bits(attention.pieces(counts), whole), what + " with a cache");
            }
            std::vector<int64_t> single(static_cast<size_t>(test.length), 1);
            expect(same_bits(attention.pieces(single), whole), what + " token by token");
        }
    }
    std::vector<float> x = numbers(70, 5 * 45, 2), gain = numbers(71, 45), output(x.size());
    k::table().rms_norm_forward(false, {.rows = 5, .width = 45, .epsilon = 1e-6f, .offset = 1, .input = x.data(), .weight = gain.data()}, output.data());
    expect_close(output, golden.floats("rms_norm"), 1e-6, "normalization by the root mean square");
    std::vector<float> gate = numbers(72, 203, 4), up = numbers(73, 203), gated(203);
    k::table().gated_forward(false, {.count = 203, .activation = k::Activation::silu, .gate = gate.data(), .up = up.data()}, gated.data());
    expect_close(gated, golden.floats("gated"), 1e-6, "a gated activation");
}

}  // namespace test
