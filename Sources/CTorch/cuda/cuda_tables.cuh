// Gradients of embedding tables.

#pragma once

#include "cuda_rows.cuh"

namespace {

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

}  // namespace
