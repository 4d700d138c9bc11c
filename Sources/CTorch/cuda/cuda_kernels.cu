// Row kernels on CUDA; cuda_kernels.h says what each computes. scripts/cuda.sh compiles this file, SwiftPM does not.
//
// All of them are bound by memory. A row's values are read once, stay in registers in pieces of eight adjacent columns
// (16 bytes of bfloat16, one Philox block), and are written once. Up to 1024 columns a row belongs to one warp, beyond
// that to a whole thread block. The kernels with partial sums go over many rows in each thread block.

#include "cuda_activation.cuh"
#include "cuda_norm.cuh"
#include "cuda_tables.cuh"

namespace {

// ---- Launches ----

int launched() { return static_cast<int>(cudaGetLastError()); }

bool aligned(std::initializer_list<const void *> pointers) {
    for (const void *pointer : pointers)
        if (reinterpret_cast<uintptr_t>(pointer) % 16 != 0) return false;
    return true;
}

bool known_type(int type) { return type == CK_FLOAT32 || type == CK_BFLOAT16; }

// The maximum number of thread blocks in one launch; the kernels loop over the rest.
unsigned grid_size(int64_t blocks) { return static_cast<unsigned>(blocks < 1 << 24 ? blocks : 1 << 24); }

template <class S>
int64_t row_blocks(int64_t rows) {
    return (rows + S::groups - 1) / S::groups;
}

template <class S>
int launch(void *stream, const ResidualNormForward &call, int64_t) {
    auto kernel = residual_norm_forward_kernel<S>;
    CK_LAUNCH(kernel, dim3(grid_size(row_blocks<S>(call.rows))), dim3(S::threads), stream, call);
    return launched();
}

template <class S>
int launch(void *stream, const EmbeddingsForward &call, int64_t) {
    auto kernel = embeddings_forward_kernel<S>;
    CK_LAUNCH(kernel, dim3(grid_size(row_blocks<S>(call.rows))), dim3(S::threads), stream, call);
    return launched();
}

template <class S>
int launch(void *stream, const ResidualNormBackward &call, int64_t blocks) {
    auto kernel = residual_norm_backward_kernel<S>;
    CK_LAUNCH(kernel, dim3(static_cast<unsigned>(blocks)), dim3(S::threads), stream, call);
    return launched();
}

template <class T, class Call>
int launch_width(void *stream, bool vector, const Call &call, int64_t blocks) {
    bool warp = call.width <= 4 * warp_size * piece;
    if (!vector)
        return warp ? launch<Shape<T, 4, 32, false>>(stream, call, blocks)
                    : launch<Shape<T, 4, 256, false>>(stream, call, blocks);
    int share = (warp ? 32 : 256) * piece, pieces = (call.width + share - 1) / share;
    switch (warp ? pieces : 4 + pieces) {
        case 1: return launch<Shape<T, 1, 32, true>>(stream, call, blocks);
        case 2: return launch<Shape<T, 2, 32, true>>(stream, call, blocks);
        case 3: return launch<Shape<T, 3, 32, true>>(stream, call, blocks);
        case 4: return launch<Shape<T, 4, 32, true>>(stream, call, blocks);
        case 5: return launch<Shape<T, 1, 256, true>>(stream, call, blocks);
        case 6: return launch<Shape<T, 2, 256, true>>(stream, call, blocks);
        case 7: return launch<Shape<T, 3, 256, true>>(stream, call, blocks);
        default: return launch<Shape<T, 4, 256, true>>(stream, call, blocks);
    }
}

// Launches a row kernel for an element type and a width that have been checked.
template <class Call>
int launch_rows(void *stream, int type, bool vector, const Call &call, int64_t blocks = 0) {
    return type == CK_BFLOAT16 ? launch_width<Bfloat16>(stream, vector, call, blocks)
                               : launch_width<float>(stream, vector, call, blocks);
}

bool valid(int type, int64_t rows, int64_t width) {
    return known_type(type) && rows >= 0 && width >= 1 && width <= CK_LARGEST_WIDTH;
}

template <class S>
int launch_activation(void *stream, const ActivationForward &call, int64_t) {
    auto kernel = activation_forward_kernel<S>;
    constexpr int64_t share = activation_threads * piece;
    CK_LAUNCH(kernel, dim3(grid_size((call.count + share - 1) / share)), dim3(activation_threads), stream, call);
    return launched();
}

template <class S>
int launch_activation(void *stream, const ActivationBackward &call, int64_t blocks) {
    auto kernel = activation_backward_kernel<S>;
    dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>((call.width + tile_columns - 1) / tile_columns));
    CK_LAUNCH(kernel, grid, dim3(activation_threads), stream, call);
    return launched();
}

template <class T, bool vector, class Call>
int launch_kind(void *stream, int activation, const Call &call, int64_t blocks) {
    switch (activation) {
        case CK_GELU: return launch_activation<ActivationShape<T, CK_GELU, vector>>(stream, call, blocks);
        case CK_GELU_TANH: return launch_activation<ActivationShape<T, CK_GELU_TANH, vector>>(stream, call, blocks);
        case CK_RELU: return launch_activation<ActivationShape<T, CK_RELU, vector>>(stream, call, blocks);
        case CK_SILU: return launch_activation<ActivationShape<T, CK_SILU, vector>>(stream, call, blocks);
        default: return cudaErrorInvalidValue;
    }
}

template <class Call>
int launch_elements(void *stream, int type, int activation, bool vector, const Call &call, int64_t blocks = 0) {
    if (type == CK_BFLOAT16)
        return vector ? launch_kind<Bfloat16, true>(stream, activation, call, blocks)
                      : launch_kind<Bfloat16, false>(stream, activation, call, blocks);
    return vector ? launch_kind<float, true>(stream, activation, call, blocks)
                  : launch_kind<float, false>(stream, activation, call, blocks);
}

// Returns true if the thread blocks of a row of the table fit a grid.
bool valid_table(int64_t width) { return width >= 1 && width <= int64_t{65535} * most_table_threads; }

// Launches a kernel on `rows` by `units` values, with as few idle threads as whole warps allow.
template <class Call>
int launch_table(void *stream, void (*kernel)(Call), unsigned rows, int64_t units, const Call &call) {
    int64_t tiles = (units + most_table_threads - 1) / most_table_threads;
    int64_t warps = ((units + tiles - 1) / tiles + warp_size - 1) / warp_size;
    CK_LAUNCH(kernel, dim3(rows, static_cast<unsigned>(tiles)), dim3(static_cast<unsigned>(warps * warp_size)), stream,
              call);
    return launched();
}

}  // namespace

// ---- The interface ----

extern "C" {

#ifdef CK_EMULATED
// Only if the kernels were compiled for the processor.
extern "C" int ck_emulated(void) { return 1; }
#endif

int ck_abi_version(void) { return CK_ABI_VERSION; }

const char *ck_error_text(int error) { return cudaGetErrorString(static_cast<cudaError_t>(error)); }

int64_t ck_partial_blocks(int64_t rows) {
    int64_t blocks = (rows + 7) / 8;
    return blocks < 1 ? 1 : blocks < most_partial_blocks ? blocks : most_partial_blocks;
}

int ck_residual_norm_forward(void *stream, int type, int64_t rows, int64_t width, const void *y, const float *residual,
                             const float *gamma, const float *beta, float epsilon, ck_mask mask, float *out,
                             void *out_typed, void *normalized, float *deviation) {
    if (!valid(type, rows, width)) return cudaErrorInvalidValue;
    if (rows == 0) return 0;
    Norm norm{gamma, beta, epsilon, out, out_typed, normalized, deviation};
    ResidualNormForward call{rows, static_cast<int>(width), y, residual, mask, norm};
    bool vector = width % piece == 0 && aligned({y, residual, gamma, beta, out, out_typed, normalized});
    return launch_rows(stream, type, vector, call);
}

int ck_embeddings_forward(void *stream, int type, int64_t rows, int64_t width, const int32_t *ids,
                          const int32_t *positions, const int32_t *types, const float *word, const float *position,
                          const float *token_type, const float *gamma, const float *beta, float epsilon, ck_mask mask,
                          float *out, void *out_typed, void *normalized, float *deviation) {
    if (!valid(type, rows, width)) return cudaErrorInvalidValue;
    if (rows == 0) return 0;
    Norm norm{gamma, beta, epsilon, out, out_typed, normalized, deviation};
    EmbeddingsForward call{rows, static_cast<int>(width), ids, positions, types, word, position, token_type, mask, norm};
    bool vector = width % piece == 0 &&
                  aligned({word, position, token_type, gamma, beta, out, out_typed, normalized});
    return launch_rows(stream, type, vector, call);
}

int ck_residual_norm_backward(void *stream, int type, int64_t rows, int64_t width, const float *gradient,
                              const void *gradient_typed, const void *normalized, const float *deviation,
                              const float *gamma, ck_mask mask, int mask_after_norm, float *gradient_residual,
                              void *gradient_y, float *partials, int64_t blocks) {
    if (!valid(type, rows, width) || blocks < 1 || blocks > INT32_MAX) return cudaErrorInvalidValue;
    if (rows == 0 && !partials) return 0;
    ResidualNormBackward call{rows, static_cast<int>(width), gradient, gradient_typed, normalized, deviation, gamma,
                              mask, mask_after_norm != 0, gradient_residual, gradient_y, partials};
    bool vector = width % piece == 0 && aligned({gradient, gradient_typed, normalized, gamma, gradient_residual,
                                                 gradient_y, partials});
    return launch_rows(stream, type, vector, call, blocks);
}

int ck_column_sums(void *stream, const float *partials, int64_t blocks, int64_t columns, float *out) {
    if (blocks < 0 || columns < 0 || columns > int64_t{INT32_MAX} * warp_size) return cudaErrorInvalidValue;
    if (columns == 0) return 0;
    CK_LAUNCH(column_sums_kernel, dim3(static_cast<unsigned>((columns + warp_size - 1) / warp_size)),
              dim3(sum_warps * warp_size), stream, partials, blocks, columns, out);
    return launched();
}

int ck_activation_forward(void *stream, int type, int activation, int64_t count, const void *u, void *out) {
    if (!known_type(type) || count < 0) return cudaErrorInvalidValue;
    if (count == 0) return 0;
    ActivationForward call{count, u, out};
    return launch_elements(stream, type, activation, aligned({u, out}), call);
}

int ck_activation_backward(void *stream, int type, int activation, int64_t rows, int64_t width, const void *u,
                           const void *gradient, void *gradient_u, void *out, float *partials, int64_t blocks) {
    if (!known_type(type) || rows < 0 || width < 1 || width > int64_t{65535} * tile_columns || blocks < 1 ||
        blocks > INT32_MAX)
        return cudaErrorInvalidValue;
    if (rows == 0 && !partials) return 0;
    ActivationBackward call{rows, width, u, gradient, gradient_u, out, partials};
    bool vector = width % piece == 0 && aligned({u, gradient, gradient_u, out});
    return launch_elements(stream, type, activation, vector, call, blocks);
}

int ck_mask_factors(void *stream, int64_t rows, int64_t width, ck_mask mask, float *out) {
    if (rows < 0 || width < 0) return cudaErrorInvalidValue;
    int64_t pieces = rows * ((width + piece - 1) / piece);
    if (pieces == 0) return 0;
    CK_LAUNCH(mask_factors_kernel, dim3(grid_size((pieces + 255) / 256)), dim3(256), stream, rows, width, mask, out);
    return launched();
}

int ck_rows_gradient(void *stream, int64_t width, const float *gradient, const int32_t *order, const int32_t *starts,
                     const int32_t *rows, const int32_t *count, int64_t most, float *out) {
    if (!valid_table(width) || most < 0) return cudaErrorInvalidValue;
    if (most == 0) return 0;
    RowsGradient call{width, gradient, order, starts, rows, count, out};
    if (width % 4 == 0 && aligned({gradient, out}))
        return launch_table(stream, rows_gradient_kernel<float4>, grid_size(most), width / 4, call);
    return launch_table(stream, rows_gradient_kernel<float>, grid_size(most), width, call);
}

int ck_position_gradient(void *stream, int64_t width, const float *gradient, const int32_t *starts, int64_t count,
                         int64_t first_row, int64_t table_rows, float *out) {
    if (!valid_table(width) || count < 0 || first_row < 0 || table_rows < 0 || table_rows > INT32_MAX)
        return cudaErrorInvalidValue;
    if (table_rows == 0) return 0;
    PositionGradient call{width, gradient, starts, count, first_row, out};
    auto rows = static_cast<unsigned>(table_rows);
    if (width % 4 == 0 && aligned({gradient, out}))
        return launch_table(stream, position_gradient_kernel<float4>, rows, width / 4, call);
    return launch_table(stream, position_gradient_kernel<float>, rows, width, call);
}

}  // extern "C"

#include "cuda_language_model.cuh"
