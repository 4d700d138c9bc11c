// Row kernels for a transformer layer on CUDA: residual + dropout + layer norm, activations, embeddings.
//
// A plain C interface, for nvcc and for C++ compilers without CUDA. Every function only enqueues work on `stream` (a
// cudaStream_t of the current device): it neither synchronizes nor allocates. Functions that return int return 0 or a
// cudaError_t; ck_error_text describes it. Without rows nothing but partial sums (zeros) is written.
//
// Matrices are row-major and dense: `rows` tokens by `width` elements. Elements of `type` are float32 or bfloat16, all
// arithmetic is in float32. Layer norms take widths from 1 to CK_LARGEST_WIDTH. Where `width` is a multiple of 8 and
// all pointers are aligned to 16 bytes, memory is accessed 16 bytes at a time; other widths and pointers work too.
//
// The same arguments give the same bits: rows go to thread blocks in a fixed way and there are no atomics.

#ifndef CK_CUDA_KERNELS_H
#define CK_CUDA_KERNELS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CK_ABI_VERSION 3
#define CK_LARGEST_WIDTH 8192
#define CK_MOST_LOSS_TERMS 4

enum { CK_FLOAT32 = 0, CK_BFLOAT16 = 1 };
enum { CK_GELU = 0, CK_GELU_TANH = 1, CK_RELU = 2, CK_SILU = 3 };

// A dropout mask. Element (row, column) is kept if its 16-bit draw is at least `threshold`, and kept elements are multiplied by
// `scale`; threshold 0 means no dropout, whatever `scale` is. Draws come from Philox4x32-10 with key `seed` and counter (row *
// ceil(width / 8) + column / 8, offset), both 64 bits: one block gives the eight draws of columns 8b to 8b + 7, from the lower
// 16 bits of the first 32-bit word to the upper 16 bits of the last.
//
// state: NULL, or two numbers in device memory that are read when the kernel runs, so that each replay of a captured
// graph can draw another mask. The key is then state[0] instead of `seed`, and the counter has offset + state[1].
typedef struct {
    uint64_t seed, offset;
    uint32_t threshold;
    float scale;
    const uint64_t *state;
} ck_mask;

// CK_ABI_VERSION of the library: to be compared before any other call.
int ck_abi_version(void);

// The description of an error, in CUDA's words.
const char *ck_error_text(int error);

// The number of thread blocks that the functions with partial sums use best for so many rows: at least 1, at most 396.
int64_t ck_partial_blocks(int64_t rows);

// out = gamma * normalized + beta, with z = residual + dropout(y), normalized = (z - mean(z)) * deviation and
// deviation = 1 / sqrt(variance(z) + epsilon).
//
// y: of `type`. residual: may be NULL (zeros). out: float32. out_typed: the same rounded to `type`. normalized: of
// `type`. deviation: one float32 per row. Each output may be NULL. out may be residual; out_typed or normalized may be y.
int ck_residual_norm_forward(void *stream, int type, int64_t rows, int64_t width, const void *y, const float *residual,
                             const float *gamma, const float *beta, float epsilon, ck_mask mask, float *out,
                             void *out_typed, void *normalized, float *deviation);

// The backward pass of ck_residual_norm_forward; with `mask_after_norm` that of ck_embeddings_forward, down to the sum.
//
// The gradient g of the output is gradient (float32) + gradient_typed (of `type`); either may be NULL. With
// `mask_after_norm` it is first multiplied by the mask's factors. gradient_residual (float32) is the gradient of z;
// gradient_y (of `type`) the same times the mask's factors, or the same unchanged with `mask_after_norm`. Each may be
// NULL; gradient_residual may be gradient, gradient_y may be gradient_typed or normalized.
//
// partials: (blocks, 3, width) or NULL. Each thread block's sums over its rows of g * normalized (gamma's gradient), of g
// (beta's), and of gradient_y before rounding (the gradient of the bias of the linear layer that gave y).
int ck_residual_norm_backward(void *stream, int type, int64_t rows, int64_t width, const float *gradient,
                              const void *gradient_typed, const void *normalized, const float *deviation,
                              const float *gamma, ck_mask mask, int mask_after_norm, float *gradient_residual,
                              void *gradient_y, float *partials, int64_t blocks);

// out[c] = sum over b of partials[b * columns + c], in a fixed order.
int ck_column_sums(void *stream, const float *partials, int64_t blocks, int64_t columns, float *out);

// out = activation(u), element by element. out may be u.
int ck_activation_forward(void *stream, int type, int activation, int64_t count, const void *u, void *out);

// gradient_u = gradient * activation'(u), any width. gradient_u may be gradient or u.
//
// out: activation(u) again, of `type`; may be NULL. partials: (blocks, width), each thread block's sums over its rows of
// gradient_u before rounding; may be NULL.
int ck_activation_backward(void *stream, int type, int activation, int64_t rows, int64_t width, const void *u,
                           const void *gradient, void *gradient_u, void *out, float *partials, int64_t blocks);

// out = dropout(gamma * normalized + beta), normalized that of z = (word[id] + token_type[t]) + position[p].
//
// ids, positions: one per row. types: one per row, or NULL for row 0 of token_type. Nothing checks that they are within the
// tables. out and out_typed are after dropout, normalized is before gamma; each output may be NULL.
int ck_embeddings_forward(void *stream, int type, int64_t rows, int64_t width, const int32_t *ids,
                          const int32_t *positions, const int32_t *types, const float *word, const float *position,
                          const float *token_type, const float *gamma, const float *beta, float epsilon, ck_mask mask,
                          float *out, void *out_typed, void *normalized, float *deviation);

// out (rows, width): the mask's factors, 0 or scale; ones where there is no dropout. Any width.
int ck_mask_factors(void *stream, int64_t rows, int64_t width, ck_mask mask, float *out);

// The gradient of an embedding table, for tokens grouped by the row they read. All is float32, any width; accesses are of 16
// bytes if `width` is a multiple of 4 and `gradient` and `out` are aligned to 16 bytes.
//
// Group g, 0 <= g < *count, consists of the tokens order[starts[g]], …, order[starts[g + 1] - 1] and belongs to row
// rows[g] of the table: out[rows[g] * width + c] = sum over its tokens of gradient[token * width + c], added in that
// order. Other rows of out are not written: have them zeroed. No two groups may have the same row.
//
// order, starts, rows, count: in device memory; starts has *count + 1 numbers. most: at least *count, for the grid.
int ck_rows_gradient(void *stream, int64_t width, const float *gradient, const int32_t *order, const int32_t *starts,
                     const int32_t *rows, const int32_t *count, int64_t most, float *out);

// The gradient of a position table, for sequences one after another; widths and types as for ck_rows_gradient.
//
// Sequence b, 0 <= b < count, has the tokens starts[b], …, starts[b + 1] - 1, and `starts` is in device memory. Row first_row +
// p of out (table_rows, width) is the sum of the gradients of tokens starts[b] + p, added in the order of b, over the sequences
// with more than p tokens. All other rows are zeros, so that out need not be zeroed before. Tokens beyond the table's end are
// left out.
int ck_position_gradient(void *stream, int64_t width, const float *gradient, const int32_t *starts, int64_t count,
                         int64_t first_row, int64_t table_rows, float *out);

// out = sum · deviation · (weight + offset), with sum = x + branch and deviation = 1 / sqrt(mean(sum²) + epsilon).
//
// x: float32. branch: of `type`, may be NULL (zeros). sum, out: float32. out_typed: `out` rounded to `type`. deviation: one float32
// per row. Each output may be NULL; sum may be x.
int ck_rms_forward(void *stream, int type, int64_t rows, int64_t width, const float *x, const void *branch, const float *weight,
                   float epsilon, float offset, float *sum, float *out, void *out_typed, float *deviation);

// The backward pass of ck_rms_forward, whose `sum` is x here.
//
// The gradient of its output is `gradient` (float32), or else `gradient_typed` (of `type`). gradient_x (float32) is the gradient of
// the sum plus `residual` (float32, may be NULL, may be gradient_x), which reaches the sum by another way; gradient_branch the same
// rounded to `type`; each may be NULL. partials: (blocks, width) or NULL, each thread block's sums over its rows of the weight's gradient.
int ck_rms_backward(void *stream, int type, int64_t rows, int64_t width, const float *gradient, const void *gradient_typed,
                    const float *x, const float *deviation, const float *weight, float offset, const float *residual,
                    float *gradient_x, void *gradient_branch, float *partials, int64_t blocks);

// Rotates the first `heads` heads of 2 · half elements of each row of x, in place: a pair of elements half apart by the angle of
// its row of cosine and sine (positions, half), or backwards. Rows begin `stride` elements apart.
int ck_rotate(void *stream, int type, int64_t rows, int64_t stride, int64_t heads, int64_t half, const int32_t *positions,
              const float *cosine, const float *sine, int backwards, void *x);

// out (rows, width) = activation(gate) · up, where a row of joint (rows, 2 · width) is gate, then up.
int ck_gated_forward(void *stream, int type, int activation, int64_t rows, int64_t width, const void *joint, void *out);

// gradient_joint, of the form of joint, from the gradient of ck_gated_forward's out, which is written to `out` again unless NULL.
// gradient_joint may be joint, and out may be gradient.
int ck_gated_backward(void *stream, int type, int activation, int64_t rows, int64_t width, const void *joint, const void *gradient,
                      void *gradient_joint, void *out);

// The measures of a language model's tokens, as ctorch.h's CT_LOSS_ names them.
enum {
    CK_LOSS_CROSS_ENTROPY = 0, CK_LOSS_KL = 1, CK_LOSS_REVERSE_KL = 2, CK_LOSS_JENSEN_SHANNON = 3, CK_LOSS_SKEW_KL = 4,
    CK_LOSS_SKEW_REVERSE_KL = 5, CK_LOSS_TVD = 6,
};
// weight: in the sum of terms. factor: of the value, such as T².
typedef struct {
    int kind;
    float weight, temperature, parameter, factor;
} ck_loss_term;

// What may be told of each token, as ctorch.h's CT_TOKEN_ names say.
enum {
    CK_TOKEN_STUDENT_SURPRISAL = 0, CK_TOKEN_TEACHER_SURPRISAL = 1, CK_TOKEN_DIVERGENCE = 2, CK_TOKEN_AGREEMENT = 3,
    CK_TOKEN_STUDENT_ENTROPY = 4, CK_TOKEN_TEACHER_ENTROPY = 5, CK_TOKEN_CORRECTNESS = 6, CK_TOKEN_CONFIDENCE = 7,
};

// The terms of a language model's loss for each row of logits (rows, vocabulary) float32, and their gradient.
//
// teacher: of the same shape, or NULL if all terms are cross-entropies. targets: one per row; nothing checks that they are in the
// vocabulary. terms: in host memory, 1 to CK_MOST_LOSS_TERMS. values (terms, rows): factor · row weight · measure. gradient (rows,
// vocabulary) of `type`, or NULL: the gradient of Σ weight · value with respect to the student's logits. statistics: NULL, or 8 rows
// `stride` apart of a number for each row of logits, at a temperature of 1; those that need a teacher are not written without one.
int ck_vocabulary_loss(void *stream, int type, int64_t rows, int64_t vocabulary, const float *student, const float *teacher,
                       const int64_t *targets, const float *row_weights, const ck_loss_term *terms, int64_t count, float *values,
                       void *gradient, float *statistics, int64_t stride);

#ifdef __cplusplus
}
#endif

#endif
