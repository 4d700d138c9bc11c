// The elements, dropout masks and rows in registers that the row kernels share.

#pragma once

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

}  // namespace
