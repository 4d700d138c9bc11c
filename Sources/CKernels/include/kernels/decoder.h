// The kernels of decoders' layers, part of the interface of table.h.
//
// Shapes: T tokens of all texts one after another; N heads of queries and K of keys and values, each D wide, where K divides N.
// Elements of type S are floats or bf16, like the products.
#pragma once

#include <cstdint>

namespace ctorch::kernels {

// Linear layers on the same rows, from packed right operands: output (rows, outputs) = input (rows, inputs) · right + bias.
struct ProjectionPart {
    int64_t outputs;
    const uint32_t *right;  // (inputs, outputs), packed
    const float *bias;      // (outputs), or null
    void *output;           // S, or float
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
};

// A text's keys and values of one layer, packed as attention multiplies by them, for up to `capacity` tokens, a multiple of 32.
struct CachedText {
    uint32_t *words;
    int64_t capacity;
    int64_t past;  // tokens that it holds
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

}  // namespace ctorch::kernels
