// What the kernels offer, whatever instruction set they are compiled for.
//
// Plain data and pointers: no tensor, no exception, no allocation that can fail half-way but in the scratch memory.
// Shapes: T tokens of all examples one after another, without padding; B examples; H hidden size; I intermediate
// size; N heads of D = H / N. Q query rows: T, or B where only each example's first token is wanted.
#pragma once

#include <cstdint>

namespace ctorch::kernels {

struct bf16 {
    uint16_t bits;
};

enum class Activation { gelu, gelu_tanh, relu, silu };

// A dropout: element (row, column) of call (seed, offset) is kept where its 16-bit draw reaches the threshold.
struct Mask {
    uint64_t seed = 0, offset = 0;
    uint32_t threshold = 0;  // in 1/65536
    float scale = 1;         // of what is kept
    bool on() const { return threshold > 0; }
};

// Where the examples begin among the tokens: B + 1 numbers.
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
};

// Right operands in panels, made by `pack`. Queries, keys and values share the rows of one input.
struct LayerWeights {
    const uint32_t *query, *key_value, *output, *inner, *outer;
    const float *query_bias, *key_value_bias, *output_bias, *inner_bias, *outer_bias;
    const float *norm1_weight, *norm1_bias, *norm2_weight, *norm2_bias;
};

// What training keeps of a layer's forward pass, and inference has no pointers for. Elements of type S are floats or
// bf16, as the product is computed.
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
    uint16_t *attention_bits, *bits1, *bits2;  // kept elements
};

struct LayerForward {
    Shape shape;
    Sequences sequences;
    LayerWeights weights;
    LayerMemory memory;  // query, key_value, context always; the others where `training`
    Mask attention_mask, mask1, mask2;
    bool training;
    const float *input;  // (T, H)
    float *output;       // (Q, H)
};

// Right operands for the way back: the weights as they are stored, (out, in).
struct LayerBackwardWeights {
    const uint32_t *query, *key_value, *output, *inner, *outer;
};

struct LayerGradients {
    float *query, *key_value, *output, *inner, *outer;  // as the weights are stored
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
    const float *output_slope;  // (Q, H)
    float *input_slope;         // (T, H)
    LayerGradients gradients;
};

// A linear layer for inference, int8 or float32, as a right operand.
struct MixedLinear {
    int64_t inputs, outputs;
    bool is_int8;
    const uint32_t *words;
    const float *bias;
    const float *scales;  // of each output, and
    const int32_t *sums;  // of its weights; where int8
    // How the input becomes int8: with a scale for each row, or with these, of 8 bits.
    bool fixed;
    float input_scale;
    int32_t input_zero;
};

// A layer whose linear layers are int8 or float32.
struct MixedForward {
    Shape shape;
    Sequences sequences;
    MixedLinear query, key, value, output_linear, inner, outer;
    const float *norm1_weight, *norm1_bias, *norm2_weight, *norm2_bias;
    float *query_memory, *key_value_memory, *context_memory;  // (Q, H), (T, 2H), (Q, H)
    const float *input;                                       // (T, H)
    float *output;                                            // (Q, H)
};

// A linear layer on rows, its weight (outputs, inputs) as it is stored.
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
    float *input_gradient, *weight_gradient, *bias_gradient;  // each null where it is not wanted
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
    float *normalized, *deviation;   // (T, H), (T); null outside of training
    uint16_t *bits;
};

struct EmbeddingsBackward {
    Embeddings tables;
    Sequences sequences;
    const int32_t *ids, *types;
    Mask mask;
    const float *normalized, *deviation;
    const uint16_t *bits;
    const float *output_slope;  // (T, H)
    // Rows of the word table that occur, ascending, and for each where its tokens stand in `order`.
    const int32_t *order;
    const int64_t *row_starts;
    int64_t rows;
    float *word;                     // (rows, H)
    float *position, *type;          // whole tables, zeroed
    int64_t type_rows;
    float *norm_weight, *norm_bias;  // (H)
};

// What one AdamW step multiplies with.
struct AdamWStep {
    float decay, beta1, beta2, rest1, rest2, epsilon, size, root;
};

// The kernels for one instruction set. Those that say so spread over all threads; all give the same result on any
// number of threads.
struct Table {
    const char *name;

    // Kept bits of `rows` rows of `width` columns, each row from a multiple of 16 words' bits: see `mask_stride`.
    void (*mask_bits)(const Mask &mask, int64_t rows, int64_t width, uint16_t *bits);

    // Words that a (columns, length) weight takes as a right operand, and making it; `transposed` for the way forward.
    int64_t (*packed_words)(bool half, int64_t columns, int64_t length);
    void (*pack)(bool half, bool transposed, const float *weight, int64_t columns, int64_t length, uint32_t *to);

    void (*layer_forward)(bool half, const LayerForward &call);
    void (*layer_backward)(bool half, const LayerBackward &call);

    // The right operand of int8 weights (columns, length), and each column's sum.
    int64_t (*int8_words)(int64_t columns, int64_t length);
    void (*pack_int8)(const int8_t *weight, int64_t columns, int64_t length, uint32_t *to, int32_t *sums);
    void (*mixed_forward)(const MixedForward &call);
    // Steps of an activation on each side of zero.
    int64_t int8_steps;

    void (*linear_forward)(const LinearForward &call);
    void (*linear_backward)(const LinearBackward &call);

    void (*embeddings_forward)(const EmbeddingsForward &call);
    void (*embeddings_backward)(const EmbeddingsBackward &call);

    // One AdamW update of `count` elements.
    void (*adamw)(const AdamWStep &step, float *parameter, float *first, float *second, const float *gradient, int64_t count);
    // `steps` updates one after another with gradients of zero.
    void (*adamw_idle)(const AdamWStep *steps, int64_t step_count, float *parameter, float *first, float *second, int64_t count);
    double (*sum_of_squares)(const float *values, int64_t count);
    void (*scale)(float *values, float factor, int64_t count);

    // to (rows, columns) = left (rows, length) · a packed right operand, as the layers multiply.
    void (*product)(bool half, const float *left, int64_t rows, int64_t length, const uint32_t *right, int64_t columns, float *to);
    // Giga floating-point operations a second of the innermost loop on data in the first cache, on one thread.
    double (*peak)(bool half);
};

// The kernels for this processor; DISTILL_CPU_CAPABILITY (amx_bf16, avx512_bf16, avx512, avx2, default) chooses lesser ones.
const Table &table();
// Steps of a quantised activation on each side of zero: 127 with VNNI or on other makes, else 63. The older instructions sum
// two products of uint8 by int8 in 16 bits, which 8 bits of both would saturate.
int64_t int8_levels();

// 16-bit words of kept bits that a row of `width` columns takes: whole blocks of 128 draws.
constexpr int64_t mask_stride(int64_t width) { return (width + 127) / 128 * 8; }

// Words of one head's attention matrix of `rows` by `length`: rows of whole 16-bit words, the whole a multiple of 8.
constexpr int64_t attention_stride(int64_t length) { return (length + 15) / 16; }
constexpr int64_t attention_words(int64_t rows, int64_t length) {
    return (rows * attention_stride(length) + 7) / 8 * 8;
}

}  // namespace ctorch::kernels
