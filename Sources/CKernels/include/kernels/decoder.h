// The kernels of decoders' layers, part of the interface of table.h.
//
// Shapes: T tokens of all texts one after another; N heads of queries and K of keys and values, each D wide, where K divides N.
// Elements of type S are floats or bf16, like the products.
#pragma once

#include <cstdint>

namespace ctorch::kernels {

// The numbers of a packed right operand: words as products of type S read them, or 16 bits each, in panels of 32 columns, which products in
// float32 widen as they read them. These products have the bits of those with float32 words.
enum class RightType : int32_t { words = 0, float16 = 1, bfloat16 = 2 };
struct RightOperand {
    const uint32_t *words;
    RightType type = RightType::words;
};

// Linear layers on the same rows, from packed right operands: output (rows, outputs) = input (rows, inputs) · right + bias.
struct ProjectionPart {
    int64_t outputs;
    RightOperand right;  // (inputs, outputs)
    const float *bias;   // (outputs), or null
    void *output;        // S, or float
};
struct ProjectionForward {
    int64_t rows, inputs;
    const void *input;  // S
    const ProjectionPart *parts;
    int64_t count;
    bool float_output;
};

// to (columns of left, columns of right) = leftᵀ · right, over their rows.
struct ProjectionGradient {
    int64_t rows, left_columns, right_columns;
    const void *left, *right;  // S
    float *to;
    float *left_sums;  // (left_columns): the sums of left's columns; null if they are not wanted
};

// Causal attention of texts, each by itself, with rotary position embeddings.
struct CausalShape {
    int64_t heads, key_value_heads, width;
    float scale;     // of the scores
    int64_t window;  // tokens that a token attends to, itself included; 0 for all up to it
    const float *cosine, *sine;  // (positions, D / 2), or null where nothing is rotated
    int64_t ahead = 0;           // tokens after it that a token attends to: none in decoders
    // (D) each: heads of queries and of keys are normalized by the root mean square before they are rotated, where these are there.
    const float *query_norm = nullptr, *key_norm = nullptr;
    float norm_epsilon = 0, norm_offset = 0;
};
struct CausalForward {
    CausalShape shape;
    Sequences sequences;
    const void *query, *key, *value;  // (T, N · D), (T, K · D), (T, K · D) S
    void *context;                    // (T, N · D) S
    float *log_sum;                   // (N, T) of each query's exponentials; null in inference
};
struct CausalBackward {
    CausalShape shape;
    Sequences sequences;
    const void *query, *key, *value, *context_gradient;
    const float *log_sum;
    void *query_gradient, *key_gradient, *value_gradient;
    float *query_norm_gradient = nullptr, *key_norm_gradient = nullptr;  // (D), where the shape has norms
};

// A text's keys and values of one layer, packed as attention multiplies by them, in pages, for the new ones too.
constexpr int64_t page_tokens = 32;
struct CachedText {
    uint32_t *const *pages;
    int64_t past;  // tokens that they hold
};
// Causal attention of texts whose sequences are the tokens after those that are held; their keys and values are added.
struct CachedForward {
    CausalShape shape;
    Sequences sequences;
    const CachedText *texts;
    const void *query, *key, *value;  // (T, N · D), (T, K · D), (T, K · D) S
    void *context;                    // (T, N · D) S
};

// Normalization by the root mean square: output = input / √(mean of squares + epsilon) · (weight + offset).
struct RootMeanSquare {
    int64_t rows, width;
    float epsilon, offset;
    const float *input, *weight;
};
struct RootMeanSquareBackward {
    RootMeanSquare call;
    const void *output_gradient;              // (rows, width) S
    float *input_gradient, *weight_gradient;  // (rows, width), (width)
};

// output = activation(gate) · up, element by element.
struct Gated {
    int64_t count;
    Activation activation;
    const void *gate, *up;  // S; no `up` counts for ones
};

// MARK: Layers

// A decoder's layer as Llama's, H wide, with I units in its feed-forward network:
//
//   y = x + norm(attention(norm(x)) · Wo)      z = y + norm((activation(n · Wg) ∘ (n · Wu)) · Wd),  n = norm(y)
//
// where norms are by the root mean square, and those of the outputs are there in some families alone.
struct DecoderShape {
    CausalShape attention;
    int64_t hidden, intermediate;
    Activation activation;
    float epsilon, offset;  // of the norms over H
};

// Linear layers as packed right operands, and their biases, each of which may be null; the norms' weights (H), the outputs' null where
// there are none.
struct DecoderLinear {
    RightOperand right;
    const float *bias;
};
struct DecoderWeights {
    DecoderLinear query, key, value, output, gate, up, down;
    const float *input_norm, *attention_norm, *inner_norm, *outer_norm;
};

// What a layer's forward pass leaves. Training keeps all of it; inference has the first four alone.
struct DecoderMemory {
    void *query, *key, *value;  // (T, N · D), (T, K · D), (T, K · D) S, neither normalized nor rotated
    void *context;              // (T, N · D) S
    float *log_sum;             // (N, T)
    float *middle;              // (T, H): y
    void *gate, *up;            // (T, I) S, before the activation
    void *attended, *fed;       // (T, H) S: the outputs before their norms, null where there are none
};

struct DecoderForward {
    DecoderShape shape;
    Sequences sequences;
    DecoderWeights weights;
    DecoderMemory memory;
    const CachedText *texts;  // where keys and values of earlier tokens are kept, which those of these are added to; else null
    const float *input;       // (T, H)
    float *output;            // (T, H)
};

// The weights as stored, packed as right operands of the backward pass.
struct DecoderBackwardWeights {
    const uint32_t *query, *key, *value, *output, *gate, *up, *down;
};
// Each null where it is not wanted.
struct DecoderGradients {
    float *query, *key, *value, *output, *gate, *up, *down;
    float *query_bias, *key_bias, *value_bias, *output_bias, *gate_bias, *up_bias, *down_bias;
    float *input_norm, *attention_norm, *inner_norm, *outer_norm, *query_norm, *key_norm;
};
struct DecoderBackward {
    DecoderShape shape;
    Sequences sequences;
    DecoderWeights weights;  // the norms
    DecoderBackwardWeights back;
    DecoderMemory memory;          // `gate` and `up` are overwritten
    const float *input;            // (T, H), of the forward pass
    const float *output_gradient;  // (T, H)
    float *input_gradient;         // (T, H)
    DecoderGradients gradients;
};

}  // namespace ctorch::kernels
