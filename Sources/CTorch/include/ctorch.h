// The C interface to libtorch: the only door between Swift and C++.
//
// Conventions
// - A tensor is an opaque handle that owns one reference; free it with `ct_tensor_free`.
// - Every function that can fail returns a `ct_error`: NULL on success, else an object that the caller frees
//   with `ct_error_free`. Results go to out-parameters, which are untouched on failure.
// - No C++ exception ever crosses this interface.
// - A name that ends in an underscore changes its first tensor in place, as in PyTorch.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_tensor_s *ct_tensor;
typedef struct ct_error_s *ct_error;

// MARK: Errors

typedef enum {
    CT_ERROR_OPERATION = 1,      // wrong shapes, types or values
    CT_ERROR_OUT_OF_MEMORY = 2,  // the device has no room left
    CT_ERROR_INDEX = 3,          // an index out of range
    CT_ERROR_INTERNAL = 4,       // anything else
    CT_ERROR_COMMUNICATION = 5,  // another process has ended, or does not come
} ct_error_kind_t;

ct_error_kind_t ct_error_kind(ct_error error);
const char *ct_error_message(ct_error error);
void ct_error_free(ct_error error);

// MARK: Element types and devices

typedef enum {
    CT_BOOL = 0, CT_UINT8, CT_INT8, CT_INT16, CT_INT32, CT_INT64,
    CT_FLOAT16, CT_BFLOAT16, CT_FLOAT32, CT_FLOAT64,
    CT_OTHER_DTYPE = 100,
} ct_dtype;

typedef enum { CT_CPU = 0, CT_CUDA = 1, CT_MPS = 2, CT_OTHER_DEVICE = 100 } ct_device_type;

typedef struct {
    ct_device_type type;
    int32_t index;  // -1: the current device of that type
} ct_device;

// MARK: Runtime

const char *ct_version(void);
const char *ct_cpu_capability(void);
// True if multiplying bfloat16 matrices is faster than float32 ones on a device other than the CPU.
bool ct_has_fast_bfloat16(ct_device device);
int64_t ct_live_tensors(void);

// Waits until a device has finished all its work.
ct_error ct_synchronize(ct_device device);
// Bytes of a device's memory in use by tensors, and the peak of the memory reserved on the device since the last reset,
// including memory cached for reuse and for captured graphs; 0 for the CPU.
ct_error ct_device_memory(ct_device device, int64_t *now, int64_t *peak);
// Releases memory that is only cached for reuse.
ct_error ct_empty_cache(ct_device device);
ct_error ct_reset_peak_memory(ct_device device);
int32_t ct_device_count(ct_device_type type);
// Processors available to this process, by its affinity and its container's CPU quota.
int32_t ct_available_processors(void);
// The number outside of other threads' turns (`ct_begin_threads`).
int32_t ct_num_threads(void);
// Waits while another thread is between `ct_begin_threads` and `ct_end_threads`.
ct_error ct_set_num_threads(int32_t count);
// Sets the number of threads until `ct_end_threads`, to be called on the same thread with the number that `before` got.
// Such scopes may be nested; those of other threads wait for their turn. After an error nothing has to be ended.
ct_error ct_begin_threads(int32_t count, int32_t *before);
void ct_end_threads(int32_t before);

// MARK: Creation

ct_error ct_full(const int64_t *shape, size_t rank, double value, ct_dtype dtype, ct_device device, ct_tensor *out);
ct_error ct_arange(double start, double end, double step, ct_dtype dtype, ct_device device, ct_tensor *out);
// Copies `byte_count` bytes in C order.
ct_error ct_from_bytes(const void *bytes, size_t byte_count, const int64_t *shape, size_t rank, ct_dtype dtype,
                       ct_device device, ct_tensor *out);
// A tensor over memory that it does not own, such as that of a privately mapped file, aligned to its elements; `release(owner)`
// is called when no tensor needs it any more, or on failure.
ct_error ct_from_mapped(void *memory, size_t byte_count, const int64_t *shape, size_t rank, ct_dtype dtype, void *owner,
                        void (*release)(void *owner), ct_tensor *out);
// Releases the pages of such a tensor, as long as nothing has changed it: they are read again when needed.
void ct_release_pages(ct_tensor tensor);
// Drawn on the CPU from a generator with this seed alone, then moved: the same numbers on every device.
ct_error ct_normal(const int64_t *shape, size_t rank, double mean, double standard_deviation, uint64_t seed,
                   ct_dtype dtype, ct_device device, ct_tensor *out);
ct_error ct_uniform(const int64_t *shape, size_t rank, double low, double high, uint64_t seed, ct_dtype dtype,
                    ct_device device, ct_tensor *out);

// MARK: Lifetime and description

void ct_tensor_free(ct_tensor tensor);
size_t ct_rank(ct_tensor tensor);
void ct_shape(ct_tensor tensor, int64_t *out);
int64_t ct_element_count(ct_tensor tensor);
ct_dtype ct_tensor_dtype(ct_tensor tensor);
ct_device ct_tensor_device(ct_tensor tensor);
bool ct_is_contiguous(ct_tensor tensor);
// Copies the elements in C order to host memory; `byte_count` must be exactly their size.
ct_error ct_copy_to_bytes(ct_tensor tensor, void *bytes, size_t byte_count);
ct_error ct_item(ct_tensor tensor, double *out);
// A counter that grows with every in-place change of the elements.
int64_t ct_version_of(ct_tensor tensor);

// MARK: Conversion

ct_error ct_to(ct_tensor a, ct_dtype dtype, ct_device device, ct_tensor *out);
ct_error ct_contiguous(ct_tensor a, ct_tensor *out);
ct_error ct_clone(ct_tensor a, ct_tensor *out);
ct_error ct_copy_(ct_tensor destination, ct_tensor source);
ct_error ct_fill_(ct_tensor destination, double value);

// MARK: Views and joins

ct_error ct_reshape(ct_tensor a, const int64_t *shape, size_t rank, ct_tensor *out);
ct_error ct_expand(ct_tensor a, const int64_t *shape, size_t rank, ct_tensor *out);
ct_error ct_permute(ct_tensor a, const int64_t *dims, size_t count, ct_tensor *out);
ct_error ct_transpose(ct_tensor a, int64_t dim0, int64_t dim1, ct_tensor *out);
ct_error ct_narrow(ct_tensor a, int64_t dim, int64_t start, int64_t length, ct_tensor *out);
ct_error ct_slice(ct_tensor a, int64_t dim, int64_t start, int64_t end, int64_t step, ct_tensor *out);
ct_error ct_select(ct_tensor a, int64_t dim, int64_t index, ct_tensor *out);
ct_error ct_squeeze(ct_tensor a, int64_t dim, ct_tensor *out);
ct_error ct_unsqueeze(ct_tensor a, int64_t dim, ct_tensor *out);
ct_error ct_cat(const ct_tensor *tensors, size_t count, int64_t dim, ct_tensor *out);
ct_error ct_stack(const ct_tensor *tensors, size_t count, int64_t dim, ct_tensor *out);
// Packed sequences, (T, H), one after another, each padded with zeros to the longest: (B, L, H). `offsets` are B + 1 numbers:
// the beginning of each sequence, and T.
ct_error ct_pad_packed(ct_tensor packed, const int64_t *offsets, size_t offset_count, ct_tensor *out);

// MARK: Indexing

ct_error ct_index_select(ct_tensor a, int64_t dim, ct_tensor index, ct_tensor *out);
ct_error ct_gather(ct_tensor a, int64_t dim, ct_tensor index, ct_tensor *out);
ct_error ct_where(ct_tensor condition, ct_tensor a, ct_tensor b, ct_tensor *out);
ct_error ct_masked_fill(ct_tensor a, ct_tensor mask, double value, ct_tensor *out);

// MARK: Arithmetic

typedef enum {
    CT_ADD, CT_SUBTRACT, CT_MULTIPLY, CT_DIVIDE, CT_POWER, CT_MAXIMUM, CT_MINIMUM,
    CT_EQUAL, CT_NOT_EQUAL, CT_LESS, CT_LESS_EQUAL, CT_GREATER, CT_GREATER_EQUAL,
    CT_LOGICAL_AND, CT_LOGICAL_OR,
} ct_binary_op;
ct_error ct_binary(ct_binary_op op, ct_tensor a, ct_tensor b, ct_tensor *out);
ct_error ct_binary_scalar(ct_binary_op op, ct_tensor a, double b, ct_tensor *out);

typedef enum {
    CT_NEGATE, CT_ABS, CT_EXP, CT_LOG, CT_SQRT, CT_RSQRT, CT_SQUARE, CT_TANH, CT_SIGMOID, CT_RELU, CT_SILU,
    CT_GELU, CT_GELU_TANH, CT_ERF, CT_IS_FINITE, CT_LOGICAL_NOT,
} ct_unary_op;
ct_error ct_unary(ct_unary_op op, ct_tensor a, ct_tensor *out);

ct_error ct_matmul(ct_tensor a, ct_tensor b, ct_tensor *out);
ct_error ct_cumsum(ct_tensor a, int64_t dim, ct_tensor *out);
// Eigenvalues (n), ascending, and eigenvectors (n, n) in columns, of a symmetric matrix (n, n).
ct_error ct_eigh(ct_tensor a, ct_tensor *values, ct_tensor *vectors);
// x of a · x = b, for a (n, n) and b (n, m).
ct_error ct_solve(ct_tensor a, ct_tensor b, ct_tensor *out);

// MARK: Reductions

typedef enum { CT_SUM, CT_MEAN, CT_AMAX, CT_AMIN, CT_LOGSUMEXP, CT_NORM } ct_reduction;
// Without dims, over all dimensions.
ct_error ct_reduce(ct_reduction op, ct_tensor a, const int64_t *dims, size_t count, bool keep, ct_tensor *out);
ct_error ct_argmax(ct_tensor a, int64_t dim, bool keep, ct_tensor *out);

// MARK: Neural network functions

ct_error ct_softmax(ct_tensor a, int64_t dim, ct_tensor *out);
ct_error ct_log_softmax(ct_tensor a, int64_t dim, ct_tensor *out);
ct_error ct_linear(ct_tensor input, ct_tensor weight, ct_tensor bias_or_null, ct_tensor *out);
ct_error ct_embedding(ct_tensor weight, ct_tensor indices, int64_t padding_index, ct_tensor *out);
ct_error ct_layer_norm(ct_tensor input, ct_tensor weight, ct_tensor bias, double epsilon, ct_tensor *out);
// input / its root mean square over the last dimensions, times weight.
ct_error ct_rms_norm(ct_tensor input, ct_tensor weight, double epsilon, ct_tensor *out);
// Causal attention of each example by itself: query (T, N, D), key and value (T, K, D), where K divides N; offsets of `count`
// examples, count + 1 of them. A token attends to itself and to the window - 1 tokens before it; window 0: to all before it.
// Of a single example the queries may be those of its last tokens alone.
ct_error ct_causal_attention(ct_tensor query, ct_tensor key, ct_tensor value, const int64_t *offsets, size_t count,
                             int64_t window, double scale, ct_tensor *out);
// query, key, value (B, H, L, D); mask broadcastable to (B, H, L, L), boolean (true: attend) or added; may be NULL.
ct_error ct_attention(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor mask_or_null, ct_tensor *out);
// Philox4x32-10 in counter mode: element i of call `offset` depends on (seed, offset, first + i) alone, on the CPU.
ct_error ct_dropout(ct_tensor input, double probability, uint64_t seed, uint64_t offset, int64_t first, ct_tensor *out);

// logits (N, C), targets (N) int64; mean over the targets that are not `ignore_index`.
ct_error ct_cross_entropy(ct_tensor logits, ct_tensor targets, ct_tensor class_weights_or_null, int64_t ignore_index,
                          double label_smoothing, ct_tensor *out);
// sum(target * (log target - input)) / N, from log-probabilities (N, C) on both sides.
ct_error ct_kl_div_batch_mean(ct_tensor input_log, ct_tensor target_log, ct_tensor *out);
ct_error ct_mse_loss(ct_tensor input, ct_tensor target, ct_tensor *out);
// Per element, not reduced: input and target (N, C), the weights (C).
ct_error ct_binary_cross_entropy_with_logits(ct_tensor input, ct_tensor target, ct_tensor weights_or_null,
                                             ct_tensor positive_weights_or_null, ct_tensor *out);
// Euclidean distances between the rows of (N, D) and (M, D): (N, M), computed from the differences themselves.
ct_error ct_cdist(ct_tensor a, ct_tensor b, ct_tensor *out);

// MARK: Autograd

bool ct_grad_enabled(void);          // of this thread
void ct_set_grad_enabled(bool on);   // of this thread
bool ct_requires_grad(ct_tensor tensor);
ct_error ct_set_requires_grad(ct_tensor tensor, bool on);
ct_error ct_detach(ct_tensor a, ct_tensor *out);
ct_error ct_backward(ct_tensor loss);
// Dense, even if the gradient is stored as rows of a sparse tensor; *out is NULL if no gradient has been accumulated.
ct_error ct_grad(ct_tensor tensor, ct_tensor *out);
bool ct_has_grad(ct_tensor tensor);
ct_error ct_clear_grad(ct_tensor tensor);

// MARK: Recomputation

// A part of a forward pass; `run` makes its output from its input, and fails with an error. It is called again by the backward pass.
typedef struct {
    void *context;
    ct_error (*run)(void *context, ct_tensor input, ct_tensor *out);
    void (*release)(void *context);
} ct_checkpoint_body;
// Runs a part of a forward pass without recording it: the backward pass runs it again, and adds gradients to the leaves that it reads.
// Takes over the body. The input must require a gradient.
ct_error ct_checkpoint(ct_tensor input, ct_checkpoint_body body, ct_tensor *out);
// Another handle of a tensor, and an error with a message: what a body answers with.
ct_error ct_alias(ct_tensor tensor, ct_tensor *out);
ct_error ct_make_error(const char *message);

// MARK: Low-rank adapters

// Adapters of a weight (outputs, inputs), or (inputs, outputs) if `transposed`, which is base + scale · b (outputs, rank) · a (rank, inputs).
// With `kernels` on the CPU, bits do not depend on the number of threads.
// From now on a gradient that the weight gets becomes one of a and b at once, and is freed.
ct_error ct_low_rank_attach(ct_tensor weight, ct_tensor a, ct_tensor b, double scale, bool transposed, bool kernels);
void ct_low_rank_detach(ct_tensor weight);
// weight = base + scale · b · a; the base may be of a smaller type.
ct_error ct_low_rank_merge_(ct_tensor weight, ct_tensor base, ct_tensor a, ct_tensor b, double scale, bool transposed, bool kernels);

// MARK: Weights rounded for a GGUF file

// From now on a gradient that the weight gets becomes one of the numbers behind it, of the same shape.
ct_error ct_rounded_weight_attach(ct_tensor weight, ct_tensor numbers);
void ct_rounded_weight_detach(ct_tensor weight);
// weight (rows, columns), or (columns, rows) if `transposed`, = the numbers as blocks of a type hold them (`ck_round_rows`).
ct_error ct_round_weight_(ct_tensor weight, ct_tensor numbers, int32_t type, bool transposed);
// A copy in bfloat16 or float16 where that holds every number exactly, else in the tensor's own type.
ct_error ct_compact_copy(ct_tensor tensor, ct_tensor *out);

// MARK: Encoders on packed sequences (CPU)

// The examples' tokens are stored one after another, without padding; `offsets` (B + 1, int64) holds the beginning of each.

// The ways to compute a transformer layer, and the seconds (CT_WAYS of them) that one layer takes by each on this machine with
// the current number of threads: measured in turn, in some tenths of a second altogether. The last two are of a single example,
// the others of eight.
typedef enum {
    CT_WAY_KERNELS_FLOAT32,
    CT_WAY_KERNELS_BFLOAT16,
    CT_WAY_KERNELS_INT8,
    CT_WAY_LIBTORCH_FLOAT32,
    CT_WAY_LIBTORCH_BFLOAT16,
    CT_WAY_LIBTORCH_INT8,
    CT_WAY_KERNELS_INT8_SINGLE,
    CT_WAY_LIBTORCH_INT8_SINGLE,
    CT_WAYS
} ct_way;
ct_error ct_calibrate(double *seconds);
// Floating-point operations of that layer's matrix products.
double ct_calibration_operations(ct_way way);

// The instruction set of the kernels; DISTILL_CPU_CAPABILITY (amx_bf16, avx512_bf16, avx512, avx2, default; on ARM neon_bf16, neon_i8mm,
// neon_dotprod, neon, default) selects a lesser one.
const char *ct_kernels_name(void);
// Giga floating-point operations per second that their innermost loop reaches on all threads, from the L1 cache.
ct_error ct_kernels_peak(bool bfloat16, double *out);
// left (rows, length) · right (columns, length)ᵀ as the kernels' layers multiply, in float32 or with operands in bfloat16.
ct_error ct_kernels_product(bool bfloat16, ct_tensor left, ct_tensor right, ct_tensor *out);

enum { CT_LAYER_GELU, CT_LAYER_GELU_TANH, CT_LAYER_RELU, CT_LAYER_SILU };

typedef struct {
    int64_t hidden, intermediate, heads;
    int32_t activation;
    bool bfloat16;    // multiply in bfloat16
    bool first_only;  // only each example's first token goes through: the output is (B, hidden)
    bool recompute;   // the backward pass computes the forward pass again rather than keeping what it leaves (ct_encoder_layer)
    double epsilon, attention_dropout;
    double hidden_dropout, output_dropout;  // after attention; after the second product
    uint64_t seed, offset;  // dropout takes three calls starting at `offset`: attention, after it, after the second product
    // Where the batch is divided among processes, on the CPU: how many rows, and blocks of attention's mask, those before have.
    int64_t rows_before, attention_blocks_before;
} ct_layer_options;

// Parameters in this order, each (out, in) float32: query, key, value and output weights, each with its bias after it;
// the first norm's weight and bias; intermediate and output weights with their biases; the second norm's.
enum { CT_LAYER_PARAMETERS = 16 };

// A layer's weights packed for multiplication, for inference; of the parameters' current values.
typedef struct ct_packed_layer_s *ct_packed_layer;
ct_error ct_pack_layer(const ct_tensor *parameters, ct_layer_options options, ct_packed_layer *out);
void ct_packed_layer_free(ct_packed_layer layer);

// input (rows, inputs) · weightᵀ + bias by the kernels, in float32: the same bits on any number of threads and whatever the
// other rows. `bias` may be null.
ct_error ct_rows_linear(ct_tensor input, ct_tensor weight, ct_tensor bias, ct_tensor *out);

// For each packed sequence the sum of its tokens (T, H), each times its weight (T): (sequences, H), in float32 on the CPU, in
// order of the tokens, so that a sequence's sum has the same bits whatever the others. `offsets`: int64, one more than there
// are sequences. No gradient flows to the weights.
ct_error ct_pool_sequences(ct_tensor tokens, ct_tensor weights, ct_tensor offsets, ct_tensor *out);

// input (rows, inputs) · weightᵀ + bias by the kernels, in the type of the input, float32 or bfloat16, with a float32 weight
// (outputs, inputs), or (inputs, outputs) if `transposed`. `bias` may be null. Recorded for backward if a gradient is wanted;
// otherwise the packed weight is kept in `*packed` (null at first), to be freed with ct_packed_weight_free. `float_output`: the
// output is float32 whatever the input, for inference alone.
typedef struct ct_packed_weight_s *ct_packed_weight;
ct_error ct_projection(ct_tensor input, ct_tensor weight, ct_tensor bias, bool transposed, bool float_output, ct_packed_weight *packed,
                       ct_tensor *out);
// Several layers, with weights (outputs, inputs), on the same rows at once, for inference. `biases`, of which each may be null, and
// `packed` have as many elements as there are weights.
ct_error ct_projections(ct_tensor input, const ct_tensor *weights, const ct_tensor *biases, size_t count, ct_packed_weight *packed,
                        ct_tensor *outs);
void ct_packed_weight_free(ct_packed_weight packed);

// Causal attention of texts, each by itself, by the kernels: query (T, N · D), key and value (T, K · D), all float32 or bfloat16,
// with rotary tables (positions, D / 2) in float32, or null. A token attends to itself and to the window - 1 tokens before it;
// window 0: to all before it. Recorded for backward if a gradient is wanted.
ct_error ct_packed_causal_attention(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor cosine, ct_tensor sine,
                                    ct_tensor offsets, int64_t heads, int64_t key_value_heads, int64_t window, double scale,
                                    ct_tensor *out);

// A text's keys and values of one layer in the form that the kernels read, for generation. It grows with the text.
typedef struct ct_attention_cache_s *ct_attention_cache;
ct_error ct_attention_cache_make(int64_t key_value_heads, int64_t width, bool bfloat16, ct_attention_cache *out);
// A cache with the first tokens of another one, whose pages they share; full pages of CT_PAGE_TOKENS only.
enum { CT_PAGE_TOKENS = 32 };
ct_error ct_attention_cache_share(ct_attention_cache cache, int64_t tokens, ct_attention_cache *out);
void ct_attention_cache_free(ct_attention_cache cache);
int64_t ct_attention_cache_bytes(ct_attention_cache cache);
// The same attention of new tokens, `offsets` of them among all texts', to the first past[i] tokens of the i-th cache and to one
// another. Their keys, rotated, and values are added to the caches: what a cache held beyond past[i] is forgotten. For inference.
ct_error ct_cached_causal_attention(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor cosine, ct_tensor sine,
                                    ct_tensor offsets, const ct_attention_cache *caches, const int64_t *past, int64_t heads,
                                    int64_t window, double scale, ct_tensor *out);

// A decoder's layer as Llama's by the kernels: attention and a gated feed-forward network, each with a norm by the root mean square before
// it, and of its output in some families.
typedef struct {
    int64_t heads, key_value_heads, head_width;
    int64_t window;      // tokens that a token attends to, itself included; 0 for all up to it
    int32_t activation;  // CT_LAYER_ names
    double scale;        // the factor of attention's scores
    double epsilon;
    double norm_offset;  // added to the norms' weights
    bool bfloat16;       // the type that matrices are multiplied in
    bool recompute;      // the backward pass computes the forward pass again rather than keeping what it leaves
} ct_decoder_layer_options;
// The order of its parameters, float32: the weights (outputs, inputs) of its linear layers, their biases, the norms. Biases may be null, and
// the norms of outputs and heads, those of a pair together.
enum {
    CT_DECODER_LAYER_QUERY, CT_DECODER_LAYER_KEY, CT_DECODER_LAYER_VALUE, CT_DECODER_LAYER_OUTPUT, CT_DECODER_LAYER_GATE,
    CT_DECODER_LAYER_UP, CT_DECODER_LAYER_DOWN, CT_DECODER_LAYER_LINEARS,
    CT_DECODER_LAYER_BIASES = CT_DECODER_LAYER_LINEARS,
    CT_DECODER_LAYER_INPUT_NORM = 2 * CT_DECODER_LAYER_LINEARS, CT_DECODER_LAYER_INNER_NORM, CT_DECODER_LAYER_ATTENTION_NORM,
    CT_DECODER_LAYER_OUTER_NORM, CT_DECODER_LAYER_QUERY_NORM, CT_DECODER_LAYER_KEY_NORM, CT_DECODER_LAYER_PARAMETERS
};
// input (tokens, hidden) float32 → the same. Recorded for backward if a gradient is wanted; otherwise the packed weights of the linear layers
// are kept in `packed` (null at first), as ct_projection keeps them. cosine and sine as in ct_packed_causal_attention. `caches` and `past`
// as in ct_cached_causal_attention, for inference alone; null where texts are whole.
ct_error ct_decoder_layer(ct_tensor input, ct_tensor offsets, const ct_tensor *parameters, ct_decoder_layer_options options,
                          ct_tensor cosine, ct_tensor sine, ct_packed_weight *packed, const ct_attention_cache *caches,
                          const int64_t *past, ct_tensor *out);

// input (rows, width) float32 / root mean square · (weight + offset) by the kernels, in float32 or bfloat16.
ct_error ct_packed_rms_norm(ct_tensor input, ct_tensor weight, double epsilon, double offset, bool bfloat16, ct_tensor *out);

// activation(gate) · up by the kernels, in their type. `up` may be null, for ones, where no gradient is wanted.
ct_error ct_gated(ct_tensor gate, ct_tensor up, int32_t activation, ct_tensor *out);

// MARK: Language models: the output layer and the loss

// Divergences of the teacher's probabilities p and the student's q, both softened by T. Those marked so are multiplied by T².
enum {
    CT_LOSS_CROSS_ENTROPY,    // −log q(target)
    CT_LOSS_KL,               // KL(p ‖ q), T²
    CT_LOSS_REVERSE_KL,       // KL(q ‖ p), T²
    CT_LOSS_JENSEN_SHANNON,   // parameter b: b KL(p ‖ m) + (1 − b) KL(q ‖ m), m = b p + (1 − b) q; b = 0: KL(p ‖ q), 1: KL(q ‖ p)
    CT_LOSS_SKEW_KL,          // parameter a: KL(p ‖ a p + (1 − a) q)
    CT_LOSS_SKEW_REVERSE_KL,  // parameter a: KL(q ‖ (1 − a) p + a q)
    CT_LOSS_TVD,              // ½ Σ |p − q|
    CT_LOSS_ADAPTIVE_KL,      // parameter: the mass of the head, for a mean of KL(p ‖ q) and KL(q ‖ p), T²
};
enum { CT_LOSS_MOST_TERMS = 16 };
typedef struct {
    int32_t kind;
    double weight, temperature, parameter;
} ct_loss_term;

// Rows of the statistics, each (R), at T = 1.
enum {
    CT_TOKEN_STUDENT_SURPRISAL,  // −log q(target)
    CT_TOKEN_TEACHER_SURPRISAL,  // −log p(target)
    CT_TOKEN_DIVERGENCE,         // KL(p ‖ q)
    CT_TOKEN_AGREEMENT,          // 1 where both hold the same token for the most probable
    CT_TOKEN_STUDENT_ENTROPY,
    CT_TOKEN_TEACHER_ENTROPY,
    CT_TOKEN_CORRECTNESS,  // 1 where the student holds the target for the most probable
    CT_TOKEN_CONFIDENCE,   // the student's probability of its most probable token
    CT_TOKEN_STATISTICS
};

typedef struct {
    ct_tensor hidden, weight;                  // (R, H) float32 or bfloat16, (V, H) float32
    ct_tensor teacher_hidden, teacher_weight;  // (R, Ht), (Vt, Ht) float32, bfloat16 or float16; both may be null
    // (R, 2 k + 1) float32, in place of these, or null: of each token k outcomes' ids, -1 for none behind them, their
    // log-probabilities, and the logarithm of the mass that is left. The tokens of the rest are one outcome.
    ct_tensor teacher_outcomes;
    ct_tensor targets;                         // (R) int64
    ct_tensor row_weights;                     // (R) float32; null for 1
    const ct_loss_term *terms;
    size_t term_count;
    bool bfloat16;  // multiply in bfloat16
    bool kernels;   // on the CPU, by the kernels rather than libtorch's operations
    bool statistics;
} ct_fused_loss_call;

// The output layers and the loss of R tokens, in blocks of them: never more than a block's logits are in memory. `out`: Σ over
// terms of weight × Σ over tokens of row weight × value, recorded for backward if a gradient is wanted; it is computed at once,
// and scaled in the backward pass. `sums` (terms): each term's sum over tokens. `statistics` (CT_TOKEN_STATISTICS, R); null unless wanted;
// NaN where they need a teacher and there is none. Where the vocabularies differ, the tokens that only one model has have no mass.
ct_error ct_fused_loss(ct_fused_loss_call call, ct_tensor *out, ct_tensor *sums, ct_tensor *statistics);

// The outcomes that a loss takes for a teacher: logits (R, V) → (R, 2 k + 1) float32, the most probable first; k below V.
ct_error ct_top_outcomes(ct_tensor logits, int64_t k, ct_tensor *out);

// The blocks that one head's attention mask takes of the random numbers' sequence.
int64_t ct_attention_mask_blocks(int64_t queries, int64_t length);

// One transformer layer: (tokens, hidden) float32 → the same, or (B, hidden). Recorded for backward if a gradient is wanted. A position
// bias (heads, 2 · reach + 1) float32 is added to the scores by the distance of key and query, from -reach on, where no example has
// more than reach + 1 tokens; for inference alone.
ct_error ct_encoder_layer(ct_tensor input, ct_tensor offsets, const ct_tensor *parameters, ct_layer_options options,
                          ct_packed_layer packed_or_null, ct_tensor position_bias_or_null, ct_tensor *out);

// Word, position and token type embeddings (and the norm's weight and bias), summed, normalized, with dropout: ids (tokens)
// int32 → (tokens, hidden). The word embedding table's gradient is sparse.
ct_error ct_packed_embeddings(const ct_tensor *parameters, ct_tensor ids, ct_tensor types_or_null, ct_tensor offsets,
                              int64_t padding_index, double epsilon, double dropout, uint64_t seed, uint64_t offset,
                              int64_t tokens_before, ct_tensor *out);

// The mean of each text's rows of a table (V, H) float32 on the CPU, times `weights` (V) where they are not null: ids (tokens) int32,
// offsets int64, one more than there are texts → (texts, H). Tokens with the id `padding_index` are left out, as of
// `torch.nn.EmbeddingBag`; a text without others has zeros. The table's gradient is sparse, that of the weights dense.
ct_error ct_embedding_bag(ct_tensor table, ct_tensor weights_or_null, ct_tensor ids, ct_tensor offsets, int64_t padding_index,
                          ct_tensor *out);

// MARK: Encoders on packed sequences (any device)

// The same by libtorch's operations, and by this package's CUDA kernels if they are loaded. The sequences of a batch as tensors
// on the device: `starts` (B + 1) int32; `padded_indices` (T) int64, the index of each token in the padded batch, row by row,
// NULL if ct_has_variable_length_attention; `longest` is the length of the longest example.
typedef struct {
    ct_tensor starts, padded_indices;
    int64_t longest;
} ct_device_sequences;
// True if attention of such heads needs no `padded_indices` on the device.
bool ct_has_variable_length_attention(ct_device device, bool bfloat16, int64_t head_width);
// The path from which this package's CUDA kernels were loaded; "" if libtorch's operations compute everything.
const char *ct_cuda_kernels_path(void);

// A layer's weights in the type they are multiplied in, for inference and training. A refresh takes the parameters' current
// values if they have changed; it must not happen between a forward pass and its backward pass.
typedef struct ct_composed_handle_s *ct_composed_layer;
ct_error ct_composed_layer_make(const ct_tensor *parameters, ct_layer_options options, ct_composed_layer *out);
ct_error ct_composed_layer_refresh(ct_composed_layer layer, const ct_tensor *parameters);
void ct_composed_layer_free(ct_composed_layer layer);
// input (tokens, hidden) float32 and, where `bfloat16`, the same in bfloat16 or NULL → the layer's output in both forms;
// *typed_out is NULL in float32. Recorded for backward if a gradient is wanted.
ct_error ct_composed_layer_run(ct_composed_layer layer, const ct_tensor *parameters, ct_layer_options options, ct_tensor input,
                               ct_tensor typed_or_null, ct_device_sequences sequences, ct_tensor *out, ct_tensor *typed_out);
// As ct_packed_embeddings, from indices (tokens) int32 on the tables' device, which must be rows of the tables; `ids` are the
// same on the host. `starts` as in ct_device_sequences. The word embedding table's gradient is dense.
ct_error ct_composed_embeddings(const ct_tensor *parameters, const int32_t *ids, ct_tensor device_ids, ct_tensor positions,
                                ct_tensor types_or_null, ct_tensor starts, int64_t padding_index, double epsilon, double dropout,
                                uint64_t seed, uint64_t offset, bool bfloat16, ct_tensor *out, ct_tensor *typed_out);

// MARK: Decoders on packed sequences (CUDA)

// A decoder's layers and its last norm by libtorch's matrix products and this package's CUDA kernels, as one node of the graph.
typedef struct {
    int64_t hidden, heads, key_value_heads, head_width;
    int32_t activation;   // CT_LAYER_ names
    double scale;         // the factor of attention's scores
    double epsilon;
    double norm_offset;   // added to the norms' weights
    bool bfloat16;        // the type that matrices are multiplied in
} ct_decoder_options;
// The order of a layer's parameters. Biases are null where there are none; only queries, keys and values may have them, all three.
enum {
    CT_DECODER_INPUT_NORM, CT_DECODER_QUERY, CT_DECODER_KEY, CT_DECODER_VALUE, CT_DECODER_QUERY_BIAS, CT_DECODER_KEY_BIAS,
    CT_DECODER_VALUE_BIAS, CT_DECODER_OUTPUT, CT_DECODER_INNER_NORM, CT_DECODER_GATE, CT_DECODER_UP, CT_DECODER_DOWN,
    CT_DECODER_PARAMETERS
};
typedef struct ct_decoder_handle_s *ct_decoder;
// True if ct_decoder_run computes on a tensor's device.
bool ct_has_decoder_kernels(ct_tensor tensor);
// `parameters`: those of all layers, then the last norm's weight. `windows` (layers): the tokens that a token attends to, 0 for all.
// Small batches are captured CUDA graphs from the second of a shape on; `emulates_graphs` runs the same code without them, also on
// the CPU, for tests. Only one thread may run the decoders of a device.
ct_error ct_decoder_make(const ct_tensor *parameters, ct_decoder_options options, const int64_t *windows, size_t layers,
                         bool emulates_graphs, ct_decoder *out);
void ct_decoder_free(ct_decoder decoder);
// input (tokens, hidden) float32 → the last norm's output, the same. Recorded for backward if a gradient is wanted. positions
// (tokens) int32, cosine and sine (positions, head_width / 2) float32, all on the input's device; the tables have as many rows as
// the longest text, rounded up to a power of two and to at least 64. `offsets`: the sequences' starts on the host.
ct_error ct_decoder_run(ct_decoder decoder, const ct_tensor *parameters, ct_tensor input, ct_tensor positions, ct_tensor cosine,
                        ct_tensor sine, ct_device_sequences sequences, const int64_t *offsets, ct_tensor *out);

// A whole encoder whose kernels are launched together by a captured CUDA graph. *out of ct_encoder_make is NULL if there are no
// such graphs; `emulated` runs the same code without them, also on the CPU, for tests. `options` (layers) include the dropout
// probabilities; `parameters` are those of all layers. Only one thread may run the encoders of a device.
typedef struct ct_encoder_handle_s *ct_encoder;
ct_error ct_encoder_make(const ct_tensor *tables, const ct_tensor *parameters, const ct_layer_options *options, size_t layers,
                         int64_t padding_index, int64_t first_position, double epsilon, double dropout, bool emulated,
                         ct_encoder *out);
void ct_encoder_free(ct_encoder encoder);
// The last layer's output for each example's first token, (B, hidden) float32, or NULL if this batch has to be computed layer
// by layer: the first of its shape, a large one, or one while a backward pass is still pending. It is overwritten by the next
// run. `layers` are the layers' weights in this type.
ct_error ct_encoder_run(ct_encoder encoder, const int32_t *ids, const int32_t *types_or_null, const int64_t *offsets,
                        size_t offset_count, const ct_composed_layer *layers, bool bfloat16, bool dropout, uint64_t seed,
                        uint64_t offset, ct_tensor *out);

// The factors by which a kernel's dropout multiplies (rows, width): 0, or 1 / (1 - probability).
ct_error ct_dropout_bits(int64_t rows, int64_t width, double probability, uint64_t seed, uint64_t offset, ct_tensor *out);

// MARK: Processes

// A store of keys that all processes of a group reach over TCP, as PyTorch's TCPStore. `serves`: this process holds it; port 0 then
// takes a free one. For any thread.
typedef struct ct_store_s *ct_store;
ct_error ct_store_open(const char *host, uint16_t port, bool serves, const char *prefix, double timeout_seconds, ct_store *out);
void ct_store_free(ct_store store);
uint16_t ct_store_port(ct_store store);
ct_error ct_store_set(ct_store store, const char *key, const uint8_t *bytes, size_t count);
// Adds to a number, which is 0 at first, and tells the sum: no two processes are told the same.
ct_error ct_store_add(ct_store store, const char *key, int64_t amount, int64_t *out);
// *out: the bytes (uint8), or NULL if the key is not set.
ct_error ct_store_get(ct_store store, const char *key, ct_tensor *out);

// Processes that compute together (Gloo). All of them must call the same operations in the same order.
typedef struct ct_process_group_s *ct_process_group;
typedef struct ct_work_s *ct_work;
ct_error ct_process_group_make(ct_store store, const char *host, int rank, int size, double timeout_seconds,
                               ct_process_group *out);
void ct_process_group_free(ct_process_group group);
// Sums a tensor over all processes, in place, once the work is waited for.
ct_error ct_all_reduce(ct_process_group group, ct_tensor tensor, ct_work *out);
ct_error ct_work_wait(ct_work work);
void ct_work_free(ct_work work);
// (size, …): the tensors of all processes, which have the same shape.
ct_error ct_all_gather(ct_process_group group, ct_tensor own, ct_tensor *out);

// Sums gradients over processes in buckets of about so many bytes, while the backward pass goes on. `is_table` marks parameters
// (rows, width) whose gradients are sparse: of these the rows that are given travel.
typedef struct ct_gradient_reducer_s *ct_gradient_reducer;
ct_error ct_gradient_reducer_make(ct_process_group group, const ct_tensor *parameters, size_t count, const bool *is_table,
                                  int64_t bucket_bytes, ct_gradient_reducer *out);
void ct_gradient_reducer_free(ct_gradient_reducer reducer);
// Before the last backward pass of a step. rows: int64, ascending, all that any process reads.
ct_error ct_gradient_reducer_begin(ct_gradient_reducer reducer, ct_tensor rows);
// After it: waits until all gradients are sums.
ct_error ct_gradient_reducer_finish(ct_gradient_reducer reducer);

// MARK: Int8

// Levels of a quantized activation on each side of zero in libtorch's kernels: 127, or 63 where the processor's products would
// saturate.
int32_t ct_int8_levels(void);
// True if libtorch has int8 kernels here; without them int8 weights are converted to float32 when they are used.
bool ct_int8_kernels_available(void);

// Each row of a matrix as int8 with one scale, float32 (rows, 1): row = values · scale, symmetric.
ct_error ct_quantize_rows(ct_tensor weight, ct_tensor *values, ct_tensor *scales);
ct_error ct_dequantize_rows(ct_tensor values, ct_tensor scales, ct_tensor *out);
// The same values rounded as by quantization to `levels` levels on each side of zero, per row of the last dimension or with one
// scale for all; detached.
ct_error ct_fake_quantize(ct_tensor x, bool by_row, int32_t levels, ct_tensor *out);

// Returns the number of elements in each of `bins` equal parts of low … high: float32 (bins); others are ignored.
ct_error ct_histogram(ct_tensor x, int64_t bins, double low, double high, ct_tensor *out);

// The int8 weights (out, in) of a linear layer with their scales (out, 1), on the CPU.
typedef struct ct_int8_linear_s *ct_int8_linear;
ct_error ct_int8_linear_make(ct_tensor values, ct_tensor scales, ct_int8_linear *out);
void ct_int8_linear_free(ct_int8_linear layer);

enum { CT_INT8_PER_TOKEN, CT_INT8_PER_TENSOR, CT_INT8_STATIC };
typedef struct {
    int32_t kind;
    double scale;        // if static, of 8 bits
    int64_t zero_point;  // if static, -128 … 127
} ct_int8_input;
// x · weightᵀ + bias: (…, in) float → (…, out) float32, multiplied in int8.
ct_error ct_int8_linear_run(ct_int8_linear layer, ct_tensor input, ct_tensor bias_or_null, ct_int8_input how, ct_tensor *out);

// A quantized transformer layer on packed sequences, each of its weights int8 or float32, by this package's kernels, for
// inference. Parameters as `ct_encoder_layer` takes them; `scales` and `inputs` for the six weights in their order, a scale
// NULL if the weight is float32. Inputs are quantized per token or statically.
typedef struct ct_mixed_layer_s *ct_mixed_layer;
// Levels of an activation on each side of zero in such layers.
int32_t ct_mixed_levels(void);
ct_error ct_mixed_layer_make(const ct_tensor *parameters, const ct_tensor *scales, const ct_int8_input *inputs,
                             ct_layer_options options, ct_mixed_layer *out);
void ct_mixed_layer_free(ct_mixed_layer layer);
// With a position bias as `ct_encoder_layer`.
ct_error ct_mixed_layer_run(ct_mixed_layer layer, ct_tensor input, ct_tensor offsets, bool first_only, ct_tensor position_bias_or_null,
                            ct_tensor *out);

// Rows of an int8 embedding table, converted: indices (…) → (…, width) float32.
ct_error ct_int8_embedding(ct_tensor values, ct_tensor scales, ct_tensor indices, ct_tensor *out);

// MARK: Optimization

// Scales the gradients so that their joint 2-norm is at most `max_norm`; reports the norm before that.
ct_error ct_clip_grad_norm_(const ct_tensor *parameters, size_t count, double max_norm, double *total_norm);

typedef struct {
    double learning_rate, beta1, beta2, epsilon, weight_decay;
    int64_t step;  // 1 for the first update
} ct_adamw_options;
// One fused AdamW update of every parameter from its accumulated gradient; all must have one. Gradients are divided by `scale`,
// and nothing is changed if `skips` is 1: float32 scalars on the device, or NULL.
ct_error ct_adamw_(const ct_tensor *parameters, const ct_tensor *first_moments, const ct_tensor *second_moments,
                   size_t count, ct_adamw_options options, ct_tensor scale_or_null, ct_tensor skips_or_null);
// The same for one parameter whose moments are a byte (int8, as bits) for each number, with a float32 for each 256 of them: the largest
// magnitude, by which bitsandbytes' dynamic tree is scaled. The same bits on any number of threads.
ct_error ct_adamw_8bit_(ct_tensor parameter, ct_tensor first_moment, ct_tensor second_moment, ct_tensor first_scales,
                        ct_tensor second_scales, ct_adamw_options options);
// The gradients' joint 2-norm, without waiting for the device. *scale is the divisor that brings the gradients' norm down to
// `max_norm`, NULL if that is infinite; `skips` becomes 1, and stays so, if the norm or a loss is not finite.
ct_error ct_measure_gradients(const ct_tensor *parameters, size_t count, double max_norm, const ct_tensor *losses,
                              size_t loss_count, ct_tensor skips, ct_tensor *norm, ct_tensor *scale);

// The same for an embedding table whose gradient is sparse, touching only the rows that occur in it: `row_steps` (rows, int32)
// counts the steps that each row has had, `rates[s]` is the learning rate of step s + 1. A row first catches up on the steps
// that it missed, whose gradients were zero, so that the result is dense AdamW's.
ct_error ct_adamw_rows_(ct_tensor parameter, ct_tensor first_moment, ct_tensor second_moment, ct_tensor row_steps,
                        const double *rates, ct_adamw_options options);
// Brings the rows of `ids` (int32), or all rows, up to date with step `options.step`: before they are read.
ct_error ct_adamw_catch_up_(ct_tensor parameter, ct_tensor first_moment, ct_tensor second_moment, ct_tensor row_steps,
                            ct_tensor ids_or_null, const double *rates, ct_adamw_options options);

// Moves each tensor by the fraction `weight` toward its end: tensor += weight * (end - tensor), detached.
ct_error ct_lerp_(const ct_tensor *tensors, const ct_tensor *ends, size_t count, double weight);

#ifdef __cplusplus
}
#endif
