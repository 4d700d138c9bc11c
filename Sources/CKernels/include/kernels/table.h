// The interface of the kernels of a forward pass, the same for every instruction set; training.h has those of a training step.
//
// Plain data and pointers: no tensor, no exception, no allocation that can fail half-way except in the scratch memory. Shapes:
// T tokens of all examples one after another, without padding; B examples; H hidden size; I intermediate size; N heads of D = H
// / N. Q query rows: T, or B if only each example's first token is wanted.
#pragma once

#include <cstdint>

namespace ctorch::kernels {

struct bf16 {
    uint16_t bits;
};

enum class Activation { gelu, gelu_tanh, relu, silu };

// Dropout: element (row, column) of call (seed, offset) is kept if its 16-bit draw reaches the threshold.
struct Mask {
    uint64_t seed = 0, offset = 0;
    uint32_t threshold = 0;  // in 1/65536
    float scale = 1;         // of kept elements
    int64_t first = 0;       // the row of the batch that this process's row 0 is
    bool on() const { return threshold > 0; }
};

// The beginning of each example among the tokens: B + 1 numbers.
struct Sequences {
    const int64_t *offsets;
    int64_t count;
    int64_t tokens() const { return offsets[count]; }
};

struct Shape {
    int64_t hidden, intermediate, heads;
    Activation activation;
    float epsilon;
    bool first_only;  // Q = B: only each example's first token goes through
    float score_scale = 0;  // the factor of attention scores; 0 for 1 / √D
};

// What the distance of two tokens adds to their attention scores; nothing where all pointers are null. A distance is that of the key
// from the query, key − query; no example has more than reach + 1 tokens, and tables by distance begin at -reach.
struct RelativePositions {
    int64_t reach = 0;
    // Added to the scaled scores by head and distance, (N, 2 · reach + 1), as in MPNet (Song et al., arXiv 2004.09297).
    const float *bias = nullptr;
    // Disentangled attention (He et al., "DeBERTa", arXiv 2006.03654, section 3.1): the products of queries with the distance's key, and of
    // keys with its query, are added before scaling; each where its table is there. rows[reach + distance] is a distance's row of
    // both, of whole numbers that never increase with the distance.
    const float *keys = nullptr, *queries = nullptr;  // (rows, H)
    const int32_t *rows = nullptr;                    // (2 · reach + 1)
};

// Packed right operands, made by `pack`. Queries, keys and values read the same input rows.
struct LayerWeights {
    const uint32_t *query, *key_value, *output, *inner, *outer;
    const float *query_bias, *key_value_bias, *output_bias, *inner_bias, *outer_bias;
    const float *norm1_weight, *norm1_bias, *norm2_weight, *norm2_bias;
};

// The tensors of a layer's forward pass that training keeps; null in inference. Elements of type S are floats or bf16, like the
// product.
struct LayerMemory {
    void *query;            // (Q, H) S
    void *key_value;        // (T, 2H) S
    void *context;          // (Q, H) S
    float *normalized1;     // (Q, H)
    float *normalized2;     // (Q, H)
    float *deviation1;      // (Q) 1 / standard deviation
    float *deviation2;      // (Q)
    float *log_sum;         // (N, Q) of each query's exponentials
    void *inner;            // (Q, I) S, before the activation
    uint16_t *attention_bits, *bits1, *bits2;  // masks of kept elements
};

// Rows of numbers rounded to the blocks of a type of GGUF: element (row, column) is number row · row_stride + column · column_stride.
struct RoundRows {
    int32_t type;  // ggml's number
    int64_t rows, columns, row_stride, column_stride;
    const float *source;
    float *values;    // rounded, in the places of the source, which they may overwrite; null where they are not wanted
    uint8_t *blocks;  // row after row; null where they are not wanted
};

struct LayerForward {
    Shape shape;
    Sequences sequences;
    LayerWeights weights;
    LayerMemory memory;  // query, key_value, context always; the others if `training`
    Mask attention_mask, mask1, mask2;
    bool training;
    const float *input;  // (T, H)
    float *output;       // (Q, H)
    RelativePositions positions = {};  // in inference alone
};

// Packed right operands for the backward pass: the weights as stored, (out, in).
struct LayerBackwardWeights {
    const uint32_t *query, *key_value, *output, *inner, *outer;
};

struct LayerGradients {
    float *query, *key_value, *output, *inner, *outer;  // in the layout of the stored weights
    float *query_bias, *key_value_bias, *output_bias, *inner_bias, *outer_bias;
    float *norm1_weight, *norm1_bias, *norm2_weight, *norm2_bias;
};

struct LayerBackward {
    Shape shape;
    Sequences sequences;
    LayerWeights weights;  // biases and norms
    LayerBackwardWeights back;
    LayerMemory memory;  // `inner` is overwritten
    Mask attention_mask, mask1, mask2;
    const float *input;         // (T, H), of the forward pass
    const float *output_gradient;  // (Q, H)
    float *input_gradient;         // (T, H)
    LayerGradients gradients;
};

// A linear layer for inference, int8 or float32, as a packed right operand.
struct MixedLinear {
    int64_t inputs, outputs;
    bool is_int8;
    const uint32_t *words;
    const float *bias;
    const float *scales;  // of each output, and
    const int32_t *sums;  // of its weights; if int8
    // The quantization of the input: with a scale per row, or with these, of 8 bits.
    bool fixed;
    float input_scale;
    int32_t input_zero;
};

// A quantized layer: its linear layers are int8 or float32.
struct MixedForward {
    Shape shape;
    Sequences sequences;
    MixedLinear query, key, value, output_linear, inner, outer;
    const float *norm1_weight, *norm1_bias, *norm2_weight, *norm2_bias;
    float *query_memory, *key_value_memory, *context_memory;  // (Q, H), (T, 2H), (Q, H)
    const float *input;                                       // (T, H)
    float *output;                                            // (Q, H)
    RelativePositions positions = {};
};

// Rows normalized, each by itself: (x - mean) / √(variance + epsilon) · weight + bias. Where `output` is `input`, in place.
struct Normalize {
    int64_t rows, width;
    float epsilon;
    const float *weight, *bias;
    const float *input;  // (rows, width)
    float *output;       // (rows, width)
};

// A linear layer on rows, with its weight (outputs, inputs) as stored.
struct LinearForward {
    int64_t rows, inputs, outputs;
    const float *input;   // (rows, inputs)
    const float *weight;  // (outputs, inputs)
    const float *bias;    // (outputs)
    float *output;        // (rows, outputs)
};
struct LinearBackward {
    int64_t rows, inputs, outputs;
    const float *input, *weight;
    const float *output_gradient;                             // (rows, outputs)
    float *input_gradient, *weight_gradient, *bias_gradient;  // each null if it is not wanted
};

struct Embeddings {
    const float *word, *position, *type;
    const float *norm_weight, *norm_bias;
    float epsilon;
    int64_t hidden;
};

struct EmbeddingsForward {
    Embeddings tables;
    Sequences sequences;
    const int32_t *ids, *types;  // (T); types may be null
    Mask mask;
    float *output;                   // (T, H)
    float *normalized, *deviation;   // (T, H), (T); null in inference
    uint16_t *bits;
};

struct EmbeddingsBackward {
    Embeddings tables;
    Sequences sequences;
    const int32_t *ids, *types;
    Mask mask;
    const float *normalized, *deviation;
    const uint16_t *bits;
    const float *output_gradient;  // (T, H)
    // Rows of the word embedding table that occur, ascending, and for each the start of its tokens in `order`.
    const int32_t *order;
    const int64_t *row_starts;
    int64_t rows;
    float *word;                     // (rows, H)
    float *position, *type;          // whole tables, zeroed
    int64_t type_rows;
    float *norm_weight, *norm_bias;  // (H)
};

}  // namespace ctorch::kernels

#include "blocks.h"
#include "decoder.h"
#include "prenorm.h"

namespace ctorch::kernels {

// The kernels of a forward pass for one instruction set. Those marked so use all threads; all give the same result on any number of
// threads.
struct Table {
    const char *name;

    // The 32-bit words that a (columns, length) weight takes as a packed right operand, and its packing; `transposed` for the
    // forward pass.
    int64_t (*packed_words)(bool bfloat16, int64_t columns, int64_t length);
    void (*pack)(bool bfloat16, bool transposed, const float *weight, int64_t columns, int64_t length, uint32_t *to);

    void (*layer_forward)(bool bfloat16, const LayerForward &call);

    // The packed right operand of int8 weights (columns, length), and each column's sum.
    int64_t (*int8_words)(int64_t columns, int64_t length);
    void (*pack_int8)(const int8_t *weight, int64_t columns, int64_t length, uint32_t *to, int32_t *sums);
    void (*mixed_forward)(const MixedForward &call);
    void (*prenorm_forward)(bool bfloat16, const PreNormForward &call);
    // output (rows, outputs) = input (rows, inputs) · weightᵀ + bias
    void (*mixed_linear)(const MixedLinear &linear, int64_t rows, const float *input, float *output);
    // Levels of an activation on each side of zero.
    int64_t int8_steps;

    void (*linear_forward)(const LinearForward &call);
    void (*normalize)(const Normalize &call);
    void (*activate)(Activation activation, float *values, int64_t count);

    void (*projection_forward)(bool bfloat16, const ProjectionForward &call);
    void (*causal_forward)(bool bfloat16, const CausalForward &call);
    // The words of a page of 32 tokens' keys and values, of `heads` heads of them.
    int64_t (*page_words)(bool bfloat16, int64_t heads, int64_t width);
    void (*cached_forward)(bool bfloat16, const CachedForward &call);
    void (*rms_norm_forward)(bool bfloat16, const RootMeanSquare &call, void *output);
    void (*gated_forward)(bool bfloat16, const Gated &call, void *output);
    void (*decoder_forward)(bool bfloat16, const DecoderForward &call);

    // Rows (R, K) quantized for weights in blocks, and their products.
    void (*quantize_blocks)(int64_t rows, int64_t length, const float *from, uint8_t *to);
    void (*block_forward)(const BlockForward &call);

    void (*embeddings_forward)(const EmbeddingsForward &call);
    // False for a type that is not rounded to, or rows that its blocks do not fill.
    bool (*round_rows)(const RoundRows &call);

    // to (rows, columns) = left (rows, length) · a packed right operand, as the layers multiply.
    void (*product)(bool bfloat16, const float *left, int64_t rows, int64_t length, const uint32_t *right, int64_t columns, float *to);
    // Giga floating-point operations per second of the innermost loop on data in the L1 cache, on one thread.
    double (*peak)(bool bfloat16);
};

// The kernels for this processor; DISTILL_CPU_CAPABILITY selects lesser ones: amx_bf16, avx512_bf16, avx512, avx2 or default; on ARM
// neon_bf16, neon_i8mm, neon_dotprod, neon or default.
const Table &table();
// Why DISTILL_CPU_CAPABILITY cannot be had, in one line; null where it can, or is not set.
const char *capability_problem();
// Levels of a quantized activation on each side of zero: 127 with VNNI and on ARM, otherwise 63. The older x86
// instructions sum two products of uint8 by int8 in 16 bits, which would saturate with 8 bits on both sides.
int64_t int8_levels();

// 16-bit words of a mask row of `width` columns: whole blocks of 128 draws.
constexpr int64_t mask_stride(int64_t width) { return (width + 127) / 128 * 8; }

// 16-bit words of one head's attention mask of `rows` by `length`: rows of whole words, the total a multiple of 8.
constexpr int64_t attention_stride(int64_t length) { return (length + 15) / 16; }
constexpr int64_t attention_words(int64_t rows, int64_t length) {
    return (rows * attention_stride(length) + 7) / 8 * 8;
}

}  // namespace ctorch::kernels
