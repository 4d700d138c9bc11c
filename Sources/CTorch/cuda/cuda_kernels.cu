// Row kernels on CUDA; cuda_kernels.h says what each computes. scripts/cuda.sh compiles this file, SwiftPM does not.
//
// All of them are bound by memory. A row's values are read once, stay in registers in pieces of eight adjacent columns
// (16 bytes of bfloat16, one Philox block), and are written once. Up to 1024 columns a row belongs to one warp, beyond
// that to a whole thread block. The kernels with partial sums go over many rows in each thread block.

#ifdef CK_EMULATED
#include "emulation.h"
#else
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#define CK_LAUNCH(kernel, grid, block, stream, ...) \
    kernel<<<(grid), (block), 0, static_cast<cudaStream_t>(stream)>>>(__VA_ARGS__)
#endif

#include "cuda_kernels.h"

#include <initializer_list>

namespace {

constexpr int warp_size = 32;
constexpr int piece = 8;
// Three thread blocks of ck_residual_norm_backward run at a time on each of an H100's 132 multiprocessors.
constexpr int64_t most_partial_blocks = 3 * 132;

// ---- Elements ----

struct Bfloat16 {
    uint16_t bits;
};

__device__ inline float to_float(float value) { return value; }
__device__ inline float to_float(Bfloat16 value) { return __uint_as_float(static_cast<uint32_t>(value.bits) << 16); }

// Two floats rounded to bfloat16, the first in the lower 16 bits.
__device__ inline uint32_t rounded_pair(float low, float high) {
    __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
    uint32_t bits;
    memcpy(&bits, &pair, sizeof bits);
    return bits;
}

__device__ inline void store_element(float *to, float value) { *to = value; }
__device__ inline void store_element(Bfloat16 *to, float value) {
    to->bits = static_cast<uint16_t>(rounded_pair(value, 0.0f));
}

__device__ inline void load_aligned(const float *from, float (&values)[piece]) {
    float4 first = reinterpret_cast<const float4 *>(from)[0], second = reinterpret_cast<const float4 *>(from)[1];
    values[0] = first.x, values[1] = first.y, values[2] = first.z, values[3] = first.w;
    values[4] = second.x, values[5] = second.y, values[6] = second.z, values[7] = second.w;
}
__device__ inline void load_aligned(const Bfloat16 *from, float (&values)[piece]) {
    uint4 words = *reinterpret_cast<const uint4 *>(from);
    uint32_t pairs[4] = {words.x, words.y, words.z, words.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        values[2 * i] = __uint_as_float(pairs[i] << 16);
        values[2 * i + 1] = __uint_as_float(pairs[i] & 0xffff0000u);
    }
}

__device__ inline void store_aligned(float *to, const float (&values)[piece]) {
    reinterpret_cast<float4 *>(to)[0] = make_float4(values[0], values[1], values[2], values[3]);
    reinterpret_cast<float4 *>(to)[1] = make_float4(values[4], values[5], values[6], values[7]);
}
__device__ inline void store_aligned(Bfloat16 *to, const float (&values)[piece]) {
    *reinterpret_cast<uint4 *>(to) =
        make_uint4(rounded_pair(values[0], values[1]), rounded_pair(values[2], values[3]),
                   rounded_pair(values[4], values[5]), rounded_pair(values[6], values[7]));
}

// Reads `count` elements of a piece, zeros for the rest. With `vector` all eight must be there, whatever `count` is.
template <bool vector, class T>
__device__ inline void load_piece(const T *from, int count, float (&values)[piece]) {
    if constexpr (vector) {
        load_aligned(from, values);
    } else {
#pragma unroll
        for (int i = 0; i < piece; ++i) values[i] = i < count ? to_float(from[i]) : 0.0f;
    }
}

// Writes `count` elements of a piece: with `vector`, eight or none.
template <bool vector, class T>
__device__ inline void store_piece(T *to, int count, const float (&values)[piece]) {
    if constexpr (vector) {
        if (count > 0) store_aligned(to, values);
    } else {
#pragma unroll
        for (int i = 0; i < piece; ++i)
            if (i < count) store_element(to + i, values[i]);
    }
}

// Keeps the compiler from hoisting loads above this point, where their values would occupy registers for long.
__device__ inline void load_here() { __syncwarp(); }

// ---- Dropout ----

// The mask with its state read: kernels call this once, before any other use of the mask.
__device__ inline ck_mask resolved(ck_mask mask) {
    if (mask.state && mask.threshold) {
        mask.seed = mask.state[0];
        mask.offset += mask.state[1];
    }
    return mask;
}

// Bit i is set if draw i of a Philox block is kept. Of a resolved mask.
__device__ inline unsigned kept_bits(const ck_mask &mask, uint64_t block) {
    if (mask.threshold == 0) return 0xffu;
    uint32_t c[4] = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                     static_cast<uint32_t>(mask.offset), static_cast<uint32_t>(mask.offset >> 32)};
    uint32_t k0 = static_cast<uint32_t>(mask.seed), k1 = static_cast<uint32_t>(mask.seed >> 32);
#pragma unroll
    for (int round = 0; round < 10; ++round) {
        uint64_t p0 = uint64_t{0xD2511F53u} * c[0], p1 = uint64_t{0xCD9E8D57u} * c[2];
        c[0] = static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0;
        c[1] = static_cast<uint32_t>(p1);
        c[2] = static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1;
        c[3] = static_cast<uint32_t>(p0);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    unsigned bits = 0;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        bits |= ((c[i] & 0xffffu) >= mask.threshold ? 1u : 0u) << (2 * i);
        bits |= ((c[i] >> 16) >= mask.threshold ? 1u : 0u) << (2 * i + 1);
    }
    return bits;
}

__device__ inline void apply_mask(unsigned bits, float scale, float (&values)[piece]) {
#pragma unroll
    for (int i = 0; i < piece; ++i) values[i] = bits >> i & 1u ? values[i] * scale : 0.0f;
}

// ---- Rows in registers ----

// The instantiation of a kernel: `group_` threads share a row, each with up to `pieces_` pieces of it.
template <class T, int pieces_, int group_, bool vector_>
struct Shape {
    using Element = T;
    static constexpr int pieces = pieces_, group = group_;
    static constexpr bool vector = vector_;
    static constexpr int threads = group == warp_size ? 128 : group;
    static constexpr int groups = threads / group;
};

// The columns of a thread: piece p begins at column (p * group + lane) * 8.
template <class S>
struct Columns {
    int width, lane;
    __device__ explicit Columns(int width) : width(width), lane(static_cast<int>(threadIdx.x) % S::group) {}
    __device__ int first(int p) const { return (p * S::group + lane) * piece; }
    __device__ int count(int p) const { return min(max(width - first(p), 0), piece); }
    // True if element i of piece p is in the row; with 16-byte accesses all eight are or none.
    __device__ bool has(int p, int i) const { return first(p) + (S::vector ? 0 : i) < width; }
    // The address of piece p: with 16-byte loads pieces past the row's end read the row's first, to avoid a branch.
    __device__ int readable(int p) const { return S::vector && first(p) >= width ? 0 : first(p); }
    __device__ uint64_t mask_block(int64_t row, int p) const {
        return static_cast<uint64_t>(row) * static_cast<uint64_t>((width + piece - 1) / piece) +
               static_cast<uint64_t>(p * S::group + lane);
    }
};

// Sums over a group's threads, the same bits in each of them. Where groups are thread blocks, all threads must call it.
template <int group, int count>
__device__ inline void group_sum(float (&values)[count]) {
#pragma unroll
    for (int i = 0; i < count; ++i)
#pragma unroll
        for (int distance = warp_size / 2; distance > 0; distance /= 2)
            values[i] += __shfl_xor_sync(0xffffffffu, values[i], distance);
    if constexpr (group > warp_size) {
        constexpr int warps = group / warp_size;
        __shared__ float parts[count][warps];
        int warp = static_cast<int>(threadIdx.x) / warp_size;
        if (threadIdx.x % warp_size == 0)
            for (int i = 0; i < count; ++i) parts[i][warp] = values[i];
        __syncthreads();
#pragma unroll
        for (int i = 0; i < count; ++i) {
            values[i] = 0.0f;
#pragma unroll
            for (int w = 0; w < warps; ++w) values[i] += parts[i][w];
        }
        __syncthreads();
    }
}

// The inputs of a layer norm besides its rows, and its outputs.
struct Norm {
    const float *gamma, *beta;
    float epsilon;
    float *out;
    void *out_typed, *normalized;
    float *deviation;
};

// Normalizes a row in registers and writes the requested outputs, through the mask if `masked`.
template <class S>
__device__ inline void normalize_row(const Norm &norm, const Columns<S> &columns, int64_t row,
                                     float (&values)[S::pieces][piece], const ck_mask &mask, bool masked) {
    using T = typename S::Element;
    float width = static_cast<float>(columns.width);
    float sum[1] = {0.0f};
#pragma unroll
    for (int p = 0; p < S::pieces; ++p)
#pragma unroll
        for (int i = 0; i < piece; ++i) sum[0] += columns.has(p, i) ? values[p][i] : 0.0f;
    group_sum<S::group>(sum);
    float mean = sum[0] / width;
    float squares[1] = {0.0f};
#pragma unroll
    for (int p = 0; p < S::pieces; ++p)
#pragma unroll
        for (int i = 0; i < piece; ++i) {
            values[p][i] -= mean;
            squares[0] += columns.has(p, i) ? values[p][i] * values[p][i] : 0.0f;
        }
    group_sum<S::group>(squares);
    float deviation = 1.0f / sqrtf(squares[0] / width + norm.epsilon);
    if (norm.deviation && columns.lane == 0) norm.deviation[row] = deviation;

    int64_t start = row * columns.width;
    T *typed = static_cast<T *>(norm.out_typed), *normalized = static_cast<T *>(norm.normalized);
#pragma unroll
    for (int p = 0; p < S::pieces; ++p) {
        int count = columns.count(p);
        int64_t at = start + columns.first(p);
#pragma unroll
        for (int i = 0; i < piece; ++i) values[p][i] *= deviation;
        if (normalized) store_piece<S::vector>(normalized + at, count, values[p]);
        if (!norm.out && !typed) continue;
        float gamma[piece], beta[piece];
        load_piece<S::vector>(norm.gamma + columns.readable(p), count, gamma);
        load_piece<S::vector>(norm.beta + columns.readable(p), count, beta);
#pragma unroll
        for (int i = 0; i < piece; ++i) values[p][i] = values[p][i] * gamma[i] + beta[i];
        if (masked) apply_mask(kept_bits(mask, columns.mask_block(row, p)), mask.scale, values[p]);
        if (norm.out) store_piece<S::vector>(norm.out + at, count, values[p]);
        if (typed) store_piece<S::vector>(typed + at, count, values[p]);
    }
}

// ---- Residual and norm: forward ----

struct ResidualNormForward {
    int64_t rows;
    int width;
    const void *y;
    const float *residual;
    ck_mask mask;
    Norm norm;
};

template <class S>
__global__ void __launch_bounds__(S::threads) residual_norm_forward_kernel(ResidualNormForward call) {
    using T = typename S::Element;
    Columns<S> columns(call.width);
    ck_mask mask = resolved(call.mask);
    int64_t step = static_cast<int64_t>(gridDim.x) * S::groups;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * S::groups + threadIdx.x / S::group; row < call.rows;
         row += step) {
        const T *y = static_cast<const T *>(call.y) + row * call.width;
        float values[S::pieces][piece], residual[S::pieces][piece];
#pragma unroll
        for (int p = 0; p < S::pieces; ++p)
            load_piece<S::vector>(y + columns.readable(p), columns.count(p), values[p]);
        if (call.residual) {
            const float *from = call.residual + row * call.width;
#pragma unroll
            for (int p = 0; p < S::pieces; ++p)
                load_piece<S::vector>(from + columns.readable(p), columns.count(p), residual[p]);
        } else {
#pragma unroll
            for (int p = 0; p < S::pieces; ++p)
#pragma unroll
                for (int i = 0; i < piece; ++i) residual[p][i] = 0.0f;
        }
        if (mask.threshold) {
#pragma unroll
            for (int p = 0; p < S::pieces; ++p)
                apply_mask(kept_bits(mask, columns.mask_block(row, p)), mask.scale, values[p]);
        }
#pragma unroll
        for (int p = 0; p < S::pieces; ++p)
#pragma unroll
            for (int i = 0; i < piece; ++i) values[p][i] += residual[p][i];
        normalize_row(call.norm, columns, row, values, mask, false);
    }
}

// ---- Embeddings ----

struct EmbeddingsForward {
    int64_t rows;
    int width;
    const int32_t *ids, *positions, *types;
    const float *word, *position, *token_type;
    ck_mask mask;
    Norm norm;
};

template <class S>
__global__ void __launch_bounds__(S::threads) embeddings_forward_kernel(EmbeddingsForward call) {
    Columns<S> columns(call.width);
    ck_mask mask = resolved(call.mask);
    int64_t step = static_cast<int64_t>(gridDim.x) * S::groups;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * S::groups + threadIdx.x / S::group; row < call.rows;
         row += step) {
        const float *word = call.word + static_cast<int64_t>(call.ids[row]) * call.width;
        const float *position = call.position + static_cast<int64_t>(call.positions[row]) * call.width;
        const float *type = call.token_type + static_cast<int64_t>(call.types ? call.types[row] : 0) * call.width;
        float values[S::pieces][piece];
#pragma unroll
        for (int p = 0; p < S::pieces; ++p) {
            int count = columns.count(p), from = columns.readable(p);
            float types[piece], positions[piece];
            load_piece<S::vector>(word + from, count, values[p]);
            load_piece<S::vector>(type + from, count, types);
            load_piece<S::vector>(position + from, count, positions);
#pragma unroll
            for (int i = 0; i < piece; ++i) values[p][i] = (values[p][i] + types[i]) + positions[i];
        }
        normalize_row(call.norm, columns, row, values, mask, mask.threshold != 0);
    }
}

// ---- Residual and norm: backward ----

struct ResidualNormBackward {
    int64_t rows;
    int width;
    const float *gradient;
    const void *gradient_typed, *normalized;
    const float *deviation, *gamma;
    ck_mask mask;
    bool mask_after_norm;
    float *gradient_residual;
    void *gradient_y;
    float *partials;
};

// The minimum number of thread blocks per multiprocessor: it limits the registers, of which the sums over rows take 24 per
// piece.
template <class S>
constexpr int resident_blocks = S::group > warp_size ? 1 : S::pieces == 4 ? 2 : 3;

template <class S>
__global__ void __launch_bounds__(S::threads, resident_blocks<S>)
    residual_norm_backward_kernel(ResidualNormBackward call) {
    using T = typename S::Element;
    Columns<S> columns(call.width);
    float width = static_cast<float>(call.width);
    ck_mask mask = resolved(call.mask);
    bool before = mask.threshold && !call.mask_after_norm, after = mask.threshold && call.mask_after_norm;
    float sums[3][S::pieces][piece];
#pragma unroll
    for (int k = 0; k < 3; ++k)
#pragma unroll
        for (int p = 0; p < S::pieces; ++p)
#pragma unroll
            for (int i = 0; i < piece; ++i) sums[k][p][i] = 0.0f;

    int group = static_cast<int>(threadIdx.x) / S::group;
    int64_t step = static_cast<int64_t>(gridDim.x) * S::groups;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * S::groups + group; row < call.rows; row += step) {
        int64_t start = row * call.width;
        float deviation = call.deviation[row];
        float gradient[S::pieces][piece], normalized[S::pieces][piece];
        {
            const T *from = static_cast<const T *>(call.normalized) + start;
#pragma unroll
            for (int p = 0; p < S::pieces; ++p)
                load_piece<S::vector>(from + columns.readable(p), columns.count(p), normalized[p]);
        }
        if (call.gradient) {
            const float *from = call.gradient + start;
#pragma unroll
            for (int p = 0; p < S::pieces; ++p)
                load_piece<S::vector>(from + columns.readable(p), columns.count(p), gradient[p]);
        } else {
#pragma unroll
            for (int p = 0; p < S::pieces; ++p)
#pragma unroll
                for (int i = 0; i < piece; ++i) gradient[p][i] = 0.0f;
        }
        if (call.gradient_typed) {
            const T *from = static_cast<const T *>(call.gradient_typed) + start;
#pragma unroll
            for (int p = 0; p < S::pieces; ++p) {
                float more[piece];
                load_piece<S::vector>(from + columns.readable(p), columns.count(p), more);
#pragma unroll
                for (int i = 0; i < piece; ++i) gradient[p][i] += more[i];
            }
        }

        // Sums over the row of h and h * normalized, where h = gamma * g is the gradient of `normalized`.
        float means[2] = {0.0f, 0.0f};
#pragma unroll
        for (int p = 0; p < S::pieces; ++p) {
            load_here();
            int count = columns.count(p);
            float gamma[piece];
            load_piece<S::vector>(call.gamma + columns.readable(p), count, gamma);
            if (after) apply_mask(kept_bits(mask, columns.mask_block(row, p)), mask.scale, gradient[p]);
#pragma unroll
            for (int i = 0; i < piece; ++i) {
                float g = columns.has(p, i) ? gradient[p][i] : 0.0f, x = normalized[p][i];
                sums[0][p][i] += g * x;
                sums[1][p][i] += g;
                float h = g * gamma[i];
                means[0] += h;
                means[1] += h * x;
                gradient[p][i] = h;
            }
        }
        group_sum<S::group>(means);
        means[0] /= width;
        means[1] /= width;

#pragma unroll
        for (int p = 0; p < S::pieces; ++p) {
            int count = columns.count(p);
            int64_t at = start + columns.first(p);
#pragma unroll
            for (int i = 0; i < piece; ++i)
                gradient[p][i] = deviation * (gradient[p][i] - means[0] - normalized[p][i] * means[1]);
            if (call.gradient_residual) store_piece<S::vector>(call.gradient_residual + at, count, gradient[p]);
            if (before) apply_mask(kept_bits(mask, columns.mask_block(row, p)), mask.scale, gradient[p]);
            // Sums beyond the row's end are never written.
#pragma unroll
            for (int i = 0; i < piece; ++i) sums[2][p][i] += gradient[p][i];
            if (call.gradient_y) store_piece<S::vector>(static_cast<T *>(call.gradient_y) + at, count, gradient[p]);
        }
    }

    if (!call.partials) return;
    float *partials = call.partials + static_cast<int64_t>(blockIdx.x) * 3 * call.width;
    if constexpr (S::groups == 1) {
#pragma unroll
        for (int k = 0; k < 3; ++k)
#pragma unroll
            for (int p = 0; p < S::pieces; ++p)
                store_piece<S::vector>(partials + k * call.width + columns.first(p), columns.count(p), sums[k][p]);
    } else {
        // One warp after the other adds its sums, in an order that is free of bank conflicts.
        __shared__ float totals[3][S::pieces][piece][warp_size];
        for (int turn = 0; turn < S::groups; ++turn) {
            if (group == turn) {
#pragma unroll
                for (int k = 0; k < 3; ++k)
#pragma unroll
                    for (int p = 0; p < S::pieces; ++p)
#pragma unroll
                        for (int i = 0; i < piece; ++i) {
                            float &total = totals[k][p][i][columns.lane];
                            total = turn == 0 ? sums[k][p][i] : total + sums[k][p][i];
                        }
            }
            __syncthreads();
        }
        for (int k = 0; k < 3; ++k)
            for (int c = static_cast<int>(threadIdx.x); c < call.width; c += S::threads)
                partials[k * call.width + c] =
                    totals[k][c / (piece * warp_size)][c % piece][c / piece % warp_size];
    }
}

// ---- Column sums ----

constexpr int sum_warps = 32;

// One thread block for 32 columns: warp w sums rows w, w + 32, …, then the warps' sums are added column by column.
__global__ void __launch_bounds__(sum_warps *warp_size)
    column_sums_kernel(const float *partials, int64_t blocks, int64_t columns, float *out) {
    __shared__ float parts[sum_warps][warp_size + 1];
    int lane = static_cast<int>(threadIdx.x) % warp_size, warp = static_cast<int>(threadIdx.x) / warp_size;
    int64_t first = static_cast<int64_t>(blockIdx.x) * warp_size;
    float sum = 0.0f;
    if (first + lane < columns) {
#pragma unroll 4
        for (int64_t b = warp; b < blocks; b += sum_warps) sum += partials[b * columns + first + lane];
    }
    parts[warp][lane] = sum;
    __syncthreads();
    float total[1] = {parts[lane][warp]};
    group_sum<warp_size>(total);
    if (lane == 0 && first + warp < columns) out[first + warp] = total[0];
}

// ---- Activations ----

struct Activated {
    float value, derivative;
};

// exp and 1 / x to about 22 bits, enough for values that are rounded to bfloat16.
template <bool fast>
__device__ inline float exponential(float x) {
    return fast ? __expf(x) : expf(x);
}
template <bool fast>
__device__ inline float reciprocal(float x) {
    return fast ? __fdividef(1.0f, x) : 1.0f / x;
}

// The activation and its derivative. `fast`: for bfloat16.
template <int activation, bool fast>
__device__ inline Activated activate(float u) {
    if constexpr (activation == CK_GELU) {
        // The normal distribution's function and density.
        float density = exponential<fast>(-0.5f * u * u), below;
        if constexpr (fast) {
            // Abramowitz and Stegun, formula 7.1.26: within 1.5e-7, with the exponential that the density needs anyway.
            float t = reciprocal<true>(1.0f + 0.3275911f * 0.70710678f * fabsf(u));
            float tail =
                0.5f * density * t *
                (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
            below = u < 0.0f ? tail : 1.0f - tail;
        } else {
            below = 0.5f * (1.0f + erff(0.70710678f * u));
        }
        return {u * below, below + 0.39894228f * u * density};
    } else if constexpr (activation == CK_GELU_TANH) {
        // (1 + tanh(a)) / 2 is the logistic function of 2a, with a = sqrt(2 / pi) (u + 0.044715 u³).
        float square = u * u;
        float s = reciprocal<fast>(1.0f + exponential<fast>(-1.59576912f * u * (1.0f + 0.044715f * square)));
        return {u * s, s + u * s * (1.0f - s) * 1.59576912f * (1.0f + 0.134145f * square)};
    } else if constexpr (activation == CK_RELU) {
        // Comparisons that let NaN through.
        return {u <= 0.0f ? 0.0f : u, u <= 0.0f ? 0.0f : 1.0f};
    } else {
        float s = reciprocal<fast>(1.0f + exponential<fast>(-u));
        return {u * s, s + u * s * (1.0f - s)};
    }
}

constexpr int activation_threads = 256;
constexpr int activation_warps = activation_threads / warp_size;
constexpr int tile_columns = warp_size * piece;

// Shape of an activation kernel: element type, activation, 16-byte accesses.
template <class T, int activation_, bool vector_>
struct ActivationShape {
    using Element = T;
    static constexpr int activation = activation_;
    static constexpr bool vector = vector_, fast = sizeof(T) == 2;
};

struct ActivationForward {
    int64_t count;
    const void *u;
    void *out;
};

template <class S>
__global__ void __launch_bounds__(activation_threads) activation_forward_kernel(ActivationForward call) {
    using T = typename S::Element;
    const T *u = static_cast<const T *>(call.u);
    T *out = static_cast<T *>(call.out);
    int64_t step = static_cast<int64_t>(gridDim.x) * activation_threads * piece;
    for (int64_t at = (static_cast<int64_t>(blockIdx.x) * activation_threads + threadIdx.x) * piece; at < call.count;
         at += step) {
        float values[piece];
        int count = call.count - at < piece ? static_cast<int>(call.count - at) : piece;
        bool whole = S::vector && count == piece;
        if (whole)
            load_piece<S::vector>(u + at, count, values);
        else
            load_piece<false>(u + at, count, values);
#pragma unroll
        for (int i = 0; i < piece; ++i) values[i] = activate<S::activation, S::fast>(values[i]).value;
        if (whole)
            store_piece<S::vector>(out + at, count, values);
        else
            store_piece<false>(out + at, count, values);
    }
}

struct ActivationBackward {
    int64_t rows, width;
    const void *u, *gradient;
    void *gradient_u, *out;
    float *partials;
};

// A thread block has 256 columns and, with a fixed stride, groups of eight rows; a warp has two rows at a time.
template <class S>
__global__ void __launch_bounds__(activation_threads) activation_backward_kernel(ActivationBackward call) {
    using T = typename S::Element;
    constexpr int together = 2;
    const T *from = static_cast<const T *>(call.u), *gradient = static_cast<const T *>(call.gradient);
    T *gradient_u = static_cast<T *>(call.gradient_u), *out = static_cast<T *>(call.out);
    int lane = static_cast<int>(threadIdx.x) % warp_size, warp = static_cast<int>(threadIdx.x) / warp_size;
    int64_t tile = static_cast<int64_t>(blockIdx.y) * tile_columns, column = tile + lane * piece;
    int64_t left = call.width - column;
    int count = left <= 0 ? 0 : left < piece ? static_cast<int>(left) : piece;
    float sums[piece];
#pragma unroll
    for (int i = 0; i < piece; ++i) sums[i] = 0.0f;

    int64_t step = static_cast<int64_t>(gridDim.x) * activation_warps;
    int64_t first = static_cast<int64_t>(blockIdx.x) * activation_warps + warp;
    for (int64_t row = count > 0 ? first : call.rows; row < call.rows; row += together * step) {
        float u[together][piece], g[together][piece];
#pragma unroll
        for (int k = 0; k < together; ++k) {
            // Past the last row the first of the two is read again.
            int64_t at = (row + k * step < call.rows ? row + k * step : row) * call.width + column;
            load_piece<S::vector>(from + at, count, u[k]);
            load_piece<S::vector>(gradient + at, count, g[k]);
        }
#pragma unroll
        for (int k = 0; k < together; ++k) {
            if (row + k * step >= call.rows) continue;
            int64_t at = (row + k * step) * call.width + column;
#pragma unroll
            for (int i = 0; i < piece; ++i) {
                Activated activated = activate<S::activation, S::fast>(u[k][i]);
                u[k][i] = activated.value;
                g[k][i] *= activated.derivative;
                sums[i] += g[k][i];
            }
            store_piece<S::vector>(gradient_u + at, count, g[k]);
            if (out) store_piece<S::vector>(out + at, count, u[k]);
        }
    }

    if (!call.partials) return;
    __shared__ float totals[activation_warps][piece][warp_size];
#pragma unroll
    for (int i = 0; i < piece; ++i) totals[warp][i][lane] = sums[i];
    __syncthreads();
    int64_t c = tile + threadIdx.x;
    if (c >= call.width) return;
    float total = 0.0f;
#pragma unroll
    for (int w = 0; w < activation_warps; ++w) total += totals[w][threadIdx.x % piece][threadIdx.x / piece];
    call.partials[static_cast<int64_t>(blockIdx.x) * call.width + c] = total;
}

// ---- The mask's factors ----

__global__ void __launch_bounds__(256) mask_factors_kernel(int64_t rows, int64_t width, ck_mask given, float *out) {
    ck_mask mask = resolved(given);
    int64_t pieces = (width + piece - 1) / piece, step = static_cast<int64_t>(gridDim.x) * 256;
    for (int64_t block = static_cast<int64_t>(blockIdx.x) * 256 + threadIdx.x; block < rows * pieces; block += step) {
        int64_t row = block / pieces, column = block % pieces * piece;
        float values[piece] = {1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f};
        apply_mask(kept_bits(mask, static_cast<uint64_t>(block)), mask.threshold ? mask.scale : 1.0f, values);
        int count = width - column < piece ? static_cast<int>(width - column) : piece;
        store_piece<false>(out + row * width + column, count, values);
    }
}

// ---- Gradients of embedding tables ----

constexpr int most_table_threads = 128;

__device__ inline void add(float &sum, float value) { sum += value; }
__device__ inline void add(float4 &sum, float4 value) {
    sum.x += value.x, sum.y += value.y, sum.z += value.z, sum.w += value.w;
}

// Adds `count` tokens' values to `sum`, one after the other. `column`: the first of the thread's columns in token 0's row.
//
// For many tokens sixteen loads are always in flight: each value that has been added makes room for the one sixteen tokens
// later, whose token is known already. Carrying values from one iteration to the next keeps the compiler from moving each load
// to its addition, which would then wait for it. Loads past the last token read it again.
template <class V>
__device__ inline void add_tokens(V &sum, const float *column, int64_t width, const int32_t *tokens, int count) {
    constexpr int many = 16, few = 8;
    auto value_of = [&](int32_t token) { return *reinterpret_cast<const V *>(column + token * width); };
    V values[many];
    if (count <= few) {
        int32_t token[few];
#pragma unroll
        for (int k = 0; k < few; ++k) token[k] = k < count ? tokens[k] : 0;
#pragma unroll
        for (int k = 0; k < few; ++k) {
            values[k] = V{};
            if (k < count) values[k] = value_of(token[k]);
        }
        // Sums are never -0, so that adding the zeros past the end changes nothing.
#pragma unroll
        for (int k = 0; k < few; ++k) add(sum, values[k]);
        return;
    }
    int32_t next[many];
#pragma unroll
    for (int k = 0; k < many; ++k) next[k] = tokens[min(k, count - 1)];
#pragma unroll
    for (int k = 0; k < many; ++k) values[k] = value_of(next[k]);
#pragma unroll
    for (int k = 0; k < many; ++k) next[k] = tokens[min(many + k, count - 1)];
    int at = 0;
#pragma unroll 1
    for (; at + many <= count; at += many) {
#pragma unroll
        for (int k = 0; k < many; ++k) {
            add(sum, values[k]);
            values[k] = value_of(next[k]);
            next[k] = tokens[min(at + 2 * many + k, count - 1)];
        }
    }
#pragma unroll
    for (int k = 0; k < many; ++k)
        if (at + k < count) add(sum, values[k]);
}

// The first of the columns that a thread has, as many as a `V` holds. Threads past the row's end read its first columns
// and write nothing.
template <class V>
struct TableColumn {
    int64_t first;
    bool inside;
    __device__ explicit TableColumn(int64_t width)
        : first((static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * (sizeof(V) / sizeof(float))),
          inside(first < width) {}
    __device__ const float *readable(const float *gradient) const { return gradient + (inside ? first : 0); }
    __device__ void store(float *row, V value) const {
        if (inside) *reinterpret_cast<V *>(row + first) = value;
    }
};

struct RowsGradient {
    int64_t width;
    const float *gradient;
    const int32_t *order, *starts, *rows, *count;
    float *out;
};

template <class V>
__global__ void __launch_bounds__(most_table_threads) rows_gradient_kernel(RowsGradient call) {
    TableColumn<V> column(call.width);
    int count = *call.count;
    for (int64_t group = blockIdx.x; group < count; group += gridDim.x) {
        int start = call.starts[group], end = call.starts[group + 1];
        int64_t row = call.rows[group];
        V sum = V{};
        add_tokens(sum, column.readable(call.gradient), call.width, call.order + start, end - start);
        column.store(call.out + row * call.width, sum);
    }
}

struct PositionGradient {
    int64_t width;
    const float *gradient;
    const int32_t *starts;
    int64_t count, first_row;
    float *out;
};

// A thread block has one row of the table. It looks at up to four sequences per thread, lists the tokens of those that
// are long enough in order, and adds them.
template <class V>
__global__ void __launch_bounds__(most_table_threads) position_gradient_kernel(PositionGradient call) {
    constexpr int turns = 4, most_warps = most_table_threads / warp_size;
    __shared__ int32_t tokens[turns * most_table_threads];
    __shared__ int found[turns][most_warps];
    int threads = static_cast<int>(blockDim.x), thread = static_cast<int>(threadIdx.x), warps = threads / warp_size;
    int lane = thread % warp_size, warp = thread / warp_size;
    TableColumn<V> column(call.width);
    int64_t position = static_cast<int64_t>(blockIdx.x) - call.first_row;
    V sum = V{};
    for (int64_t first = 0; position >= 0 && first < call.count; first += turns * threads) {
        int32_t token[turns];
        unsigned long_enough[turns];
#pragma unroll
        for (int turn = 0; turn < turns; ++turn) {
            int64_t b = first + turn * threads + thread;
            int start = 0, end = 0;
            if (b < call.count) start = call.starts[b], end = call.starts[b + 1];
            // Unused if the sequence is not long enough.
            token[turn] = static_cast<int32_t>(start + position);
            long_enough[turn] = position < end - start;
        }
#pragma unroll
        for (int turn = 0; turn < turns; ++turn) {
            long_enough[turn] = __ballot_sync(0xffffffffu, static_cast<int>(long_enough[turn]));
            if (lane == 0) found[turn][warp] = __popc(long_enough[turn]);
        }
        __syncthreads();
        int listed = 0;
#pragma unroll
        for (int turn = 0; turn < turns; ++turn)
            for (int w = 0; w < warps; ++w) {
                if (w == warp && long_enough[turn] >> lane & 1u)
                    tokens[listed + __popc(long_enough[turn] & ((1u << lane) - 1u))] = token[turn];
                listed += found[turn][w];
            }
        __syncthreads();
        add_tokens(sum, column.readable(call.gradient), call.width, tokens, listed);
        // No barrier here: no thread lists tokens again before all have reached the next iteration's first one.
    }
    column.store(call.out + static_cast<int64_t>(blockIdx.x) * call.width, sum);
}

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
