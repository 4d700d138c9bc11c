// Products with weights as files store them: in blocks of few bits, and in 16 bits.

#include <algorithm>

#include "ckernels.h"
#include "kernels/table.h"
#include "support.h"

namespace k = ctorch::kernels;

namespace test {
namespace {

float half(uint16_t bits) {
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float magnitude = exponent ? std::ldexp(static_cast<float>(1024 + fraction), exponent - 25) : std::ldexp(static_cast<float>(fraction), -24);
    return bits & 0x8000 ? -magnitude : magnitude;
}
float half_at(const uint8_t *from) { return half(static_cast<uint16_t>(from[0] | from[1] << 8)); }

std::vector<uint8_t> bytes_of(uint32_t seed, int64_t count) {
    std::vector<uint8_t> bytes;
    for (float value : numbers(seed, count, 128, 128)) bytes.push_back(static_cast<uint8_t>(std::min(value, 255.0f)));
    return bytes;
}

// A form of GGUF's: the bytes of `size` numbers, where its halves are, and number i of a block of them.
struct Form {
    int32_t number;
    int64_t size, bytes;
    std::vector<int64_t> halves;
    double (*value)(const uint8_t *block, int i);
};

// The step and the minimum's step of 32 numbers of a superblock.
void affine_steps(const uint8_t *steps, int s, int &scale, int &minimum) {
    if (s < 4) {
        scale = steps[s] & 63;
        minimum = steps[s + 4] & 63;
    } else {
        scale = (steps[s + 4] & 15) + 16 * (steps[s - 4] >> 6);
        minimum = (steps[s + 4] >> 4) + 16 * (steps[s] >> 6);
    }
}
int nibble(const uint8_t *numbers, int i) { return i < 16 ? numbers[i] & 15 : numbers[i - 16] >> 4; }
int bit(const uint8_t *bits, int i) { return bits[i / 8] >> (i % 8) & 1; }
double affine(const uint8_t *block, int i, const uint8_t *numbers, const uint8_t *fifth) {
    int s = i / 32, scale, minimum;
    affine_steps(block + 4, s, scale, minimum);
    uint8_t both = numbers[s / 2 * 32 + i % 32];
    int number = (s % 2 ? both >> 4 : both & 15) + (fifth ? 16 * (fifth[i % 32] >> s & 1) : 0);
    return double(half_at(block)) * scale * number - double(half_at(block + 2)) * minimum;
}

const std::vector<Form> &forms() {
    static const std::vector<Form> all = {
        {CK_Q4_0, 32, 18, {0}, [](const uint8_t *b, int i) { return double(half_at(b)) * (nibble(b + 2, i) - 8); }},
        {CK_Q4_1, 32, 20, {0, 2}, [](const uint8_t *b, int i) { return double(half_at(b)) * nibble(b + 4, i) + half_at(b + 2); }},
        {CK_Q5_0, 32, 22, {0}, [](const uint8_t *b, int i) { return double(half_at(b)) * (nibble(b + 6, i) + 16 * bit(b + 2, i) - 16); }},
        {CK_Q5_1, 32, 24, {0, 2}, [](const uint8_t *b, int i) { return double(half_at(b)) * (nibble(b + 8, i) + 16 * bit(b + 4, i)) + half_at(b + 2); }},
        {CK_Q8_0, 32, 34, {0}, [](const uint8_t *b, int i) { return double(half_at(b)) * static_cast<int8_t>(b[2 + i]); }},
        {CK_Q4_K, 256, 144, {0, 2}, [](const uint8_t *b, int i) { return affine(b, i, b + 16, nullptr); }},
        {CK_Q5_K, 256, 176, {0, 2}, [](const uint8_t *b, int i) { return affine(b, i, b + 48, b + 16); }},
        {CK_Q6_K, 256, 210, {208}, [](const uint8_t *b, int i) {
             int part = i / 128, quarter = i % 128 / 32, l = i % 32;
             uint8_t low = b[64 * part + 32 * (quarter % 2) + l];
             int number = (quarter < 2 ? low & 15 : low >> 4) + 16 * (b[128 + 32 * part + l] >> (2 * quarter) & 3) - 32;
             return double(half_at(b + 208)) * static_cast<int8_t>(b[192 + i / 16]) * number;
         }},
    };
    return all;
}

void in_blocks(const Form &form) {
    constexpr int64_t inputs = 512, outputs = 37, rows = 21;
    int64_t blocks = inputs / form.size;
    std::vector<uint8_t> stored = bytes_of(static_cast<uint32_t>(90 + form.number), outputs * blocks * form.bytes);
    for (int64_t b = 0; b < outputs * blocks; ++b)
        for (int64_t place : form.halves) {
            // From 2^-7 to 2^-5, of either sign.
            uint8_t &high = stored[static_cast<size_t>(b * form.bytes + place + 1)];
            high = static_cast<uint8_t>((high & 0x80) | 0x20 | (high & 7));
        }
    std::vector<uint8_t> panels(static_cast<size_t>(ck_block_bytes(form.number, outputs, inputs)));
    expect(ck_pack_blocks(form.number, stored.data(), outputs, inputs, 0, panels.data()) == CK_DONE, "blocks are packed");
    // Whole numbers, of which the largest of each block is 127: they are rounded to themselves.
    std::vector<float> x = numbers(91, rows * inputs, 127), all(static_cast<size_t>(rows * outputs));
    for (size_t i = 0; i < x.size(); ++i) x[i] = i % 32 == 5 ? 127 : std::floor(x[i]);
    ck_linear linear{};
    linear.inputs = inputs;
    linear.outputs = outputs;
    linear.form = form.number;
    linear.panels = panels.data();
    expect(ck_linear_forward(&linear, rows, x.data(), all.data()), "memory");
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t output = 0; output < outputs; ++output) {
            double sum = 0, size = 0;
            for (int64_t i = 0; i < inputs; ++i) {
                const uint8_t *block = stored.data() + (output * blocks + i / form.size) * form.bytes;
                double term = x[static_cast<size_t>(row * inputs + i)] * form.value(block, static_cast<int>(i % form.size));
                sum += term;
                size += std::fabs(term);
            }
            expect(std::fabs(all[static_cast<size_t>(row * outputs + output)] - sum) <= 1e-6 * size, "a product in form " + std::to_string(form.number));
        }
    for (int64_t count : {1, 2, 3, 4, 5, 8, 9}) {
        std::vector<float> some(static_cast<size_t>(count * outputs));
        ck_linear_forward(&linear, count, x.data() + 7 * inputs, some.data());
        expect(std::equal(some.begin(), some.end(), all.begin() + 7 * outputs), "a row's bits beside others in form " + std::to_string(form.number));
    }
}

// Weights of 16 bits give the bits of the same numbers in float32.
void in_16_bits(int32_t type) {
    constexpr int64_t rows = 40, inputs = 67, outputs = 77;
    bool is_half = type == CK_FLOAT16;
    std::vector<uint16_t> stored;
    std::vector<float> wide, x = numbers(93, rows * inputs);
    for (uint8_t high : bytes_of(94, outputs * inputs)) {
        // Every exponent that is finite but the largest ones: numbers without an exponent of their own, and zeros, too.
        size_t i = stored.size();
        auto bits = static_cast<uint16_t>(i * 40503u ^ high << 8);
        bits &= 0xBFFF;
        stored.push_back(i % 50 == 0 ? 0x8000 : i % 31 == 0 ? bits & 0x83FF : bits);
        wide.push_back(is_half ? half(stored.back()) : float_of(stored.back()));
    }
    const ck_stored weight{.type = type, .values = stored.data(), .outputs = outputs, .inputs = inputs, .output_stride = inputs, .input_stride = 1, .head = 0};
    std::vector<uint32_t> narrow(static_cast<size_t>(ck_narrow_words(outputs, inputs))), words(static_cast<size_t>(ck_packed_words(false, outputs, inputs)));
    expect(ck_pack_narrow(&weight, narrow.data()) == CK_DONE, "16 bits are packed");
    ck_pack(false, wide.data(), outputs, inputs, words.data());
    for (int64_t count : {1, 2, 5, 6, 7, 13, 14, 15, 29, 40}) {
        std::vector<float> outcome[2];
        for (int i = 0; i < 2; ++i) {
            outcome[i].resize(static_cast<size_t>(count * outputs));
            k::RightOperand right = i == 0 ? k::RightOperand{words.data()} : k::RightOperand{narrow.data(), static_cast<k::RightType>(type)};
            k::ProjectionPart part = {outputs, right, nullptr, outcome[i].data()};
            k::table().projection_forward(false, {.rows = count, .inputs = inputs, .input = x.data(), .parts = &part, .count = 1, .float_output = true});
        }
        expect(std::equal(outcome[0].begin(), outcome[0].end(), outcome[1].begin()), "weights of 16 bits beside " + std::to_string(count) + " rows");
    }
    stored[outputs * inputs - 1] = is_half ? 0xFC00 : 0x7FC1;
    expect(ck_pack_narrow(&weight, narrow.data()) == CK_NOT_FINITE, "16 bits that are not finite");
}

}  // namespace

void blocks() {
    for (const Form &form : forms()) in_blocks(form);
    for (int32_t type : {CK_FLOAT16, CK_BFLOAT16}) in_16_bits(type);
}

}  // namespace test
