// Products with weights in blocks, as GGUF files have them: 32 numbers of few bits along the sum with a scale of their own, eight such blocks
// of the K forms with scales of six or eight bits beside one scale. Rows that are multiplied become int8 with a scale for each block; the
// products within a block are summed in int32, exactly, and the blocks of a sum are added in float32 from the first to the last. So a row's result
// depends on neither the other rows nor the number of threads.
//
// Shapes: R rows, K the length of a sum, a multiple of 32 (of 256 for the K forms).
#pragma once

#include <cstdint>

namespace ctorch::kernels {

// By their numbers in the format.
enum class BlockForm : int32_t { q4_0 = 2, q4_1 = 3, q5_0 = 6, q5_1 = 7, q8_0 = 8, q4_k = 12, q5_k = 13, q6_k = 14 };

// How a block of sixteen outputs is packed: 32 numbers of each, the lowest four bits of numbers 4g … 4g + 3 of all outputs beside those of
// numbers 16 + 4g … 16 + 4g + 3; the fifth bits, or fifth and sixth; the scales. Numbers of eight bits follow one another by fours. Numbers are
// kept without sign, more by `offset` than they are.
struct BlockLayout {
    int64_t bits;
    int32_t offset;
    bool has_minimum;  // a number is scale · q - minimum, or + minimum where the form has no superblocks
    bool is_super;

    constexpr int64_t number_bytes() const { return 64 * bits; }
    // The scales of a block: halves, or bytes.
    constexpr int64_t scale_bytes() const { return is_super ? 32 : has_minimum ? 64 : 32; }
    // The halves before eight blocks.
    constexpr int64_t head_bytes() const { return !is_super ? 0 : has_minimum ? 64 : 32; }
    constexpr int64_t block_bytes() const { return number_bytes() + scale_bytes(); }
    constexpr int64_t panel_bytes(int64_t length) const { return length / 32 * block_bytes() + length / 256 * head_bytes(); }
};

constexpr BlockLayout block_layout(BlockForm form) {
    switch (form) {
    case BlockForm::q4_0: return {4, 8, false, false};
    case BlockForm::q4_1: return {4, 0, true, false};
    case BlockForm::q5_0: return {5, 16, false, false};
    case BlockForm::q5_1: return {5, 0, true, false};
    case BlockForm::q8_0: return {8, 128, false, false};
    case BlockForm::q4_k: return {4, 0, true, true};
    case BlockForm::q5_k: return {5, 0, true, true};
    case BlockForm::q6_k: return {6, 32, false, true};
    }
    return {};
}

// Outputs that are packed together.
constexpr int64_t block_outputs = 16;
constexpr int64_t block_panels(int64_t outputs) { return (outputs + block_outputs - 1) / block_outputs; }

// The bytes of R quantized rows: of each block 32 numbers, the scale, the scale times the numbers' sum, and the sums of both halves.
constexpr int64_t block_record = 48;
constexpr int64_t block_row_bytes(int64_t rows, int64_t length) { return rows * (length / 32) * block_record; }

struct BlockPart {
    int64_t outputs;
    BlockForm form;
    const uint8_t *panels;
    const float *bias;  // (outputs), or null
    float *output;      // (R, outputs)
};

// Linear layers on the same rows.
struct BlockForward {
    int64_t rows, length;
    const uint8_t *input;  // quantized rows
    const BlockPart *parts;
    int64_t count;
    const float *residual;  // (R, outputs), which is added; or null
    bool is_gated;          // two parts; the first one's output is activation(first) · second
    Activation activation;
};

}  // namespace ctorch::kernels
