// The kernels of a forward pass behind a C interface, for programs without libtorch: plain data and pointers.
//
// Shapes: T tokens of all examples one after another, without padding; B examples; H hidden size; I intermediate size; Q rows of a
// layer's output: T, or B where only each example's first token is wanted. A function that returns false found no memory.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// As the kernels number them.
enum { CK_GELU = 0, CK_GELU_TANH = 1, CK_RELU = 2, CK_SILU = 3 };

// The beginning of each example among the tokens: count + 1 numbers.
typedef struct ck_sequences {
    const int64_t *offsets;
    int64_t count;
} ck_sequences;

// The instruction set that the kernels were chosen for, such as "avx512_bf16".
const char *ck_instruction_set(void);
// One line that says why the instruction set that DISTILL_CPU_CAPABILITY names cannot be had; null where it can, or is not set.
const char *ck_capability_problem(void);

// Threads that a call may use; 0 leaves the choice to the processors that this process may use.
int32_t ck_threads(void);
// The most that a user may ask for: more than machines have processors, fewer than systems have threads.
enum { CK_MOST_THREADS = 4096 };
void ck_set_threads(int32_t count);

/// Starts the threads that the kernels compute on, where they do not run yet: they inherit the calling thread's priority. Without it the
/// first call that has work for several starts them.
void ck_start_threads(void);

// The 32-bit words of a (outputs, inputs) weight as a packed right operand, and its packing.
int64_t ck_packed_words(bool bfloat16, int64_t outputs, int64_t inputs);
bool ck_pack(bool bfloat16, const float *weight, int64_t outputs, int64_t inputs, uint32_t *to);
int64_t ck_int8_words(int64_t outputs, int64_t inputs);
// `sums` receives each row's sum.
bool ck_pack_int8(const int8_t *weight, int64_t outputs, int64_t inputs, uint32_t *to, int32_t *sums);

// A linear layer as a packed right operand, int8 or float32.
typedef struct ck_linear {
    int64_t inputs, outputs;
    bool is_int8;
    const uint32_t *words;
    int32_t word_type;    // CK_FLOAT32; or CK_FLOAT16 or CK_BFLOAT16 of a decoder's layer whose words ck_pack_narrow packed
    const float *bias;    // (outputs)
    const float *scales;  // (outputs), and
    const int32_t *sums;  // (outputs), if int8
    // An int8 layer's input is quantized with a scale for each row, or with these.
    bool is_fixed;
    float input_scale;
    int32_t input_zero;
    // In blocks, with which a decoder's layers multiply: their form and panels; otherwise null.
    int32_t form;
    const uint8_t *panels;
} ck_linear;

typedef struct ck_norm {
    const float *weight, *bias;  // (H)
} ck_norm;

// What the distance of two tokens, key − query, adds to their attention scores; nothing where all pointers are null. No example has
// more than reach + 1 tokens; N heads.
typedef struct ck_relative_positions {
    int64_t reach;
    const float *bias;  // (N, 2 · reach + 1), from distance -reach on: added to the scaled scores
    // Disentangled attention (He et al., "DeBERTa", arXiv 2006.03654): before scaling, the products of queries with the distance's key and
    // of keys with its query, each where its table is there; rows[reach + distance] is a distance's row of both, and never
    // increases with the distance.
    const float *keys, *queries;  // (rows, H)
    const int32_t *rows;          // (2 · reach + 1)
} ck_relative_positions;

// A layer that normalizes after each residual (Vaswani et al., arXiv 1706.03762).
typedef struct ck_layer {
    int64_t hidden, intermediate, heads;
    int32_t activation;
    float epsilon;
    ck_norm attention_norm, output_norm;
    // With weights in float32 or bfloat16: packed words, keys' and values' of one (2 · H, H) weight.
    bool is_mixed, bfloat16;
    const uint32_t *query_words, *key_value_words, *output_words, *inner_words, *outer_words;
    const float *query_bias, *key_value_bias, *output_bias, *inner_bias, *outer_bias;
    // Where one of them is int8.
    ck_linear query, key, value, output, inner, outer;
    ck_relative_positions positions;
    float score_scale;  // the factor of attention scores; 0 for 1 / √(H / N)
} ck_layer;

// input (T, H) → output (Q, H).
bool ck_layer_forward(const ck_layer *layer, ck_sequences sequences, bool first_only, const float *input, float *output);

// A layer that normalizes before each part, with rotary position embeddings and a gated feed-forward network (ModernBERT; Warner et al.,
// arXiv 2412.13663). Each linear layer has a bias.
typedef struct ck_prenorm_layer {
    int64_t hidden, intermediate, heads;
    int32_t activation;
    float epsilon;
    ck_norm attention_norm, feed_forward_norm;  // the first null where the input is normalized already
    int64_t window;                             // tokens that a token attends to on each side; below 0 for all
    const float *cosine, *sine;                 // (positions, H / N / 2)
    bool bfloat16;                              // the type of the words, where none is int8
    ck_linear query, key, value, output, gate, up, down;
} ck_prenorm_layer;

// input (T, H) → output (Q, H). No example is longer than the rotary tables: the caller sees to it.
bool ck_prenorm_layer_forward(const ck_prenorm_layer *layer, ck_sequences sequences, bool first_only, const float *input, float *output);

// The sum of rows of tables, normalized: (T) ids → output (T, H). A table is float32, or int8 with a scale for each row.
typedef struct ck_table {
    const float *values;          // (rows, H), or
    const int8_t *int8_values;    // (rows, H), with
    const float *scales;          // (rows)
} ck_table;
typedef struct ck_embeddings {
    int64_t hidden;
    float epsilon;
    // The position table from the row of an example's first token on. A position or type table without values counts for zeros.
    ck_table word, position, type;
    ck_norm norm;
} ck_embeddings;
// `types` may be null, for all 0. Ids and types are rows of the tables, and no example is longer than the position table: the caller
// sees to it.
bool ck_embeddings_forward(const ck_embeddings *embeddings, ck_sequences sequences, const int32_t *ids, const int32_t *types,
                           float *output);

// output (rows, outputs) = input (rows, inputs) · weightᵀ + bias, the weight (outputs, inputs) as stored: for few rows.
bool ck_rows_linear(int64_t rows, int64_t inputs, int64_t outputs, const float *input, const float *weight, const float *bias,
                    float *output);
// The same with a packed weight.
bool ck_linear_forward(const ck_linear *linear, int64_t rows, const float *input, float *output);

// Rows normalized in place.
bool ck_normalize(int64_t rows, int64_t width, float epsilon, ck_norm norm, float *values);
void ck_activate(int32_t activation, float *values, int64_t count);

// MARK: Language models

// How a tensor's numbers are stored.
enum { CK_FLOAT32 = 0, CK_FLOAT16 = 1, CK_BFLOAT16 = 2, CK_FLOAT64 = 3 };
// Stored numbers, which need not be aligned, as float32. False where one of them is infinite or not a number.
bool ck_widen(int32_t type, const void *from, int64_t count, float *to);
// A weight as a file stores it: element (output, input) is number output · output_stride + input · input_stride. With a `head` above 0 the
// outputs of each so many are in the order of llama.cpp's rotary positions there.
typedef struct ck_stored {
    int32_t type;
    const void *values;
    int64_t outputs, inputs, output_stride, input_stride, head;
} ck_stored;
enum { CK_DONE = 0, CK_NO_MEMORY = 1, CK_NOT_FINITE = 2 };
// Packs it as ck_pack does, a panel at a time, without a copy of the whole in float32.
int32_t ck_pack_stored(bool bfloat16, const ck_stored *weight, uint32_t *to);
// Packs one of CK_FLOAT16 or CK_BFLOAT16 in its 16 bits, for products in float32: ck_narrow_words words.
int64_t ck_narrow_words(int64_t outputs, int64_t inputs);
int32_t ck_pack_narrow(const ck_stored *weight, uint32_t *to);

// Weights in blocks of 32 numbers along the sum, by ggml's number of the form.
enum { CK_Q4_0 = 2, CK_Q4_1 = 3, CK_Q5_0 = 6, CK_Q5_1 = 7, CK_Q8_0 = 8, CK_Q4_K = 12, CK_Q5_K = 13, CK_Q6_K = 14 };
// The bytes of a packed (outputs, inputs) weight; inputs are a multiple of 32, for the K forms of 256.
int64_t ck_block_bytes(int32_t form, int64_t outputs, int64_t inputs);
// Packs the rows of a file. With a `head` above 0 the outputs of each so many are in the order of llama.cpp's rotary positions there.
int32_t ck_pack_blocks(int32_t form, const void *rows, int64_t outputs, int64_t inputs, int64_t head, uint8_t *to);
// Rounds a stored weight to CK_Q8_0 or CK_Q4_0 as ggml's reference does, and packs it.
int32_t ck_quantize_blocks(int32_t form, const ck_stored *weight, uint8_t *to);

// Rows of numbers to be rounded to the blocks of a type of GGUF, by ggml's number of it: F16, Q4_0, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K.
// Element (row, column) is number row · row_stride + column · column_stride.
typedef struct ck_rounded_rows {
    int32_t type;
    int64_t rows, columns, row_stride, column_stride;
    const float *source;
    float *values;    // as the blocks hold them, in the places of the source, which they may overwrite; may be null
    uint8_t *blocks;  // row after row; may be null
} ck_rounded_rows;
enum { CK_NO_BLOCKS = 3 };
// The bits are the same on every processor and any number of threads. CK_NO_BLOCKS for another type, or rows that blocks do not fill.
int32_t ck_round_rows(const ck_rounded_rows *rows);

// A text's keys and values of one layer, in pages of CK_PAGE_TOKENS tokens; `past` of them are there, and there are pages for the new
// ones. Full pages may be those of several texts. What was never written must be zero.
enum { CK_PAGE_TOKENS = 32 };
typedef struct ck_cache {
    uint32_t *const *pages;
    int64_t past;
} ck_cache;
int64_t ck_page_words(bool bfloat16, int64_t heads, int64_t width);

// A decoder's layer: attention of tokens to those before them and a feed-forward network, each normalized before it. Of `norm`s by the
// root mean square the bias is null.
typedef struct ck_decoder_layer {
    int64_t hidden, intermediate, heads, key_value_heads, width;
    int64_t window;  // tokens that a token attends to, itself included; 0 for all up to it
    int32_t activation;
    float epsilon, offset;  // norms by the root mean square multiply by weight + offset
    float scale;            // of the attention scores
    bool bfloat16;          // the type of the words, where no layer is int8
    bool has_layer_norms;   // norms by mean and variance; then there is no norm but `input_norm` and `inner_norm`
    ck_norm input_norm, inner_norm;
    ck_norm attention_norm, outer_norm;     // of the outputs, and
    ck_norm query_norm, key_norm;           // (D), of heads before they are rotated; the weights null where there are none
    ck_linear query, key, value, output, gate, up, down;  // biases may be null but in int8; `up` without words where nothing is gated
} ck_decoder_layer;
// input (T, H) → output (T, H). The sequences are the tokens after those that the caches hold, which their keys and values are added
// to. `cosine` and `sine` (positions, D / 2) reach as far as the longest text; null where nothing is rotated.
bool ck_decoder_layer_forward(const ck_decoder_layer *layer, const float *cosine, const float *sine, ck_sequences sequences,
                              const ck_cache *caches, const float *input, float *output);

// The last norm of a decoder and its output layer: hidden (rows, H) → logits (rows, outputs).
typedef struct ck_language_head {
    float epsilon, offset;
    bool bfloat16, has_layer_norm;
    ck_norm norm;
    ck_linear output;
} ck_language_head;
bool ck_language_head_forward(const ck_language_head *head, int64_t rows, const float *hidden, float *logits);

#ifdef __cplusplus
}
#endif
