// Linear layers in float32 and int8, normalization and activations.

#include <algorithm>

#include "ckernels.h"
#include "kernels/table.h"
#include "weights.h"

namespace test {
namespace {

constexpr int64_t outputs = 45, rows = 7;

std::vector<float> apply(const PackedLinear &linear, const std::vector<float> &input, int64_t count, bool fixed) {
    ck_linear view = linear.view();
    view.is_fixed = fixed;
    view.input_scale = 0.01f;
    view.input_zero = -9;
    std::vector<float> output(static_cast<size_t>(count * linear.outputs));
    ck_linear_forward(&view, count, input.data(), output.data());
    return output;
}

// int8 products are exact, at every remainder: sums of levels and weights in whole numbers, by another way.
void exact_int8() {
    const int64_t steps = ctorch::kernels::table().int8_steps;
    for (int64_t inputs : {1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 63, 64, 65, 130})
        for (int64_t columns : {1, 16, 31, 33, 64, 70})
            for (int64_t count : {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 17, 18}) {
                // With the largest levels on both sides, a row's scale is exactly 1.
                std::vector<float> input = numbers(11, count * inputs, static_cast<float>(steps));
                for (float &value : input) value = std::floor(value);
                for (int64_t row = 0; row < count; ++row) input[row * inputs] = static_cast<float>(row % 2 ? -steps : steps);
                PackedLinear linear = PackedLinear::int8(12, columns, inputs);
                std::fill(linear.scales.begin(), linear.scales.end(), 1.0f);
                std::fill(linear.bias.begin(), linear.bias.end(), 0.0f);
                std::vector<float> actual = apply(linear, input, count, false);
                bool equal = true;
                for (int64_t row = 0; row < count; ++row)
                    for (int64_t column = 0; column < columns; ++column) {
                        int64_t sum = 0;
                        for (int64_t i = 0; i < inputs; ++i)
                            sum += static_cast<int64_t>(input[row * inputs + i]) * linear.int8_values[column * inputs + i];
                        equal = equal && actual[row * columns + column] == static_cast<float>(sum);
                    }
                expect(equal, "int8 product of " + std::to_string(count) + " × " + std::to_string(inputs) + " × " + std::to_string(columns));
            }
}

// The extreme levels and weights, whose products fill 16 bits: -128 · -128.
void extremes() {
    for (float extreme : {-1000.0f, 1000.0f}) {
        const int64_t inputs = 64;
        PackedLinear linear = PackedLinear::int8(13, 33, inputs);
        std::fill(linear.int8_values.begin(), linear.int8_values.end(), int8_t{-128});
        std::fill(linear.scales.begin(), linear.scales.end(), 1.0f);
        std::fill(linear.bias.begin(), linear.bias.end(), 0.0f);
        linear.pack();
        ck_linear view = linear.view();
        view.is_fixed = true;
        view.input_scale = 1;
        view.input_zero = 0;
        std::vector<float> input(inputs * 6, extreme), output(33 * 6);
        ck_linear_forward(&view, 6, input.data(), output.data());
        const int64_t steps = ctorch::kernels::table().int8_steps, factor = 128 / (steps + 1);
        const float level = static_cast<float>(factor * (extreme < 0 ? -(steps + 1) : steps));
        expect(std::all_of(output.begin(), output.end(), [&](float value) { return value == level * -128 * inputs; }),
               "the extreme levels of int8");
    }
}

}  // namespace

void linear_layers(const Golden &golden) {
    const std::string steps = std::to_string(ctorch::kernels::table().int8_steps);
    for (int64_t inputs : {1, 2, 7, 33, 70, 259}) {
        std::string size = std::to_string(inputs);
        std::vector<float> x = numbers(5, rows * inputs), weight = numbers(6, outputs * inputs), bias = numbers(7, outputs);
        std::vector<float> expected = golden.floats("linear." + size), output(rows * outputs);
        ck_rows_linear(rows, inputs, outputs, x.data(), weight.data(), bias.data(), output.data());
        expect_close(output, expected, 1e-6, "a linear layer of " + size + " as stored");
        PackedLinear plain = PackedLinear::floats(weight, bias, outputs, inputs);
        expect_close(apply(plain, x, rows, false), expected, 1e-6, "a packed linear layer of " + size);
        PackedLinear quantized = PackedLinear::int8(8, outputs, inputs);
        quantized.bias = bias;
        for (bool fixed : {false, true}) {
            std::string mode = fixed ? "fixed" : "row";
            std::vector<float> all = apply(quantized, x, rows, fixed);
            add_to_digest(all);
            expect_close(all, golden.floats("int8." + size + "." + mode + "." + steps), 1e-6, "an int8 layer of " + size + ", " + mode);
            for (int64_t row = 0; row < rows; ++row) {
                std::vector<float> one(x.begin() + row * inputs, x.begin() + (row + 1) * inputs);
                expect(same_bits(apply(quantized, one, 1, fixed), {all.begin() + row * outputs, all.begin() + (row + 1) * outputs}),
                       "the bits of an int8 layer's row alone");
            }
        }
    }
    exact_int8();
    extremes();
}

void elements(const Golden &golden) {
    for (int64_t width : {1, 13, 32, 100}) {
        std::vector<float> x = numbers(1, 5 * width, 3), weight = numbers(2, width, 1, 1), bias = numbers(3, width);
        ck_normalize(5, width, 1e-12f, {weight.data(), bias.data()}, x.data());
        expect_close(x, golden.floats("normalize." + std::to_string(width)), 2e-6, "normalization of " + std::to_string(width));
    }
    const std::pair<const char *, int32_t> kinds[] = {{"gelu", CK_GELU}, {"gelu_tanh", CK_GELU_TANH}, {"relu", CK_RELU}, {"silu", CK_SILU}};
    for (auto [name, kind] : kinds) {
        std::vector<float> x = numbers(4, 203, 12);
        ck_activate(kind, x.data(), static_cast<int64_t>(x.size()));
        expect_close(x, golden.floats(std::string("activate.") + name), 5e-7, name);
        std::vector<float> odd = {NAN, INFINITY, 0};
        ck_activate(kind, odd.data(), 3);
        expect(std::isnan(odd[0]) && odd[1] == INFINITY && odd[2] == 0, std::string(name) + " of no number, infinity and zero");
    }
}

}  // namespace test
