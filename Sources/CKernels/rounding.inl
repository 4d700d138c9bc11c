// Numbers rounded to the blocks of GGUF's types: a run's scale, or scale and minimum, is the one of the least squared error among a few.
//
// Sixteen runs are computed at a time, one in each lane, and no product is fused into a sum: the bits are those of any instruction set.
// Layouts and the order of a value's operations are those of ggml (`ggml-common.h`, `ggml-quants.c`).

// The IEEE half nearest to a number; of two, the even one.
inline uint16_t half_bits(float value) {
    uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000u);
    uint32_t magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) return sign | 0x7E00u;
    if (magnitude >= 0x47800000u) return sign | 0x7C00u;
    if (magnitude < 0x38800000u) {  // a multiple of 2^-24, to which adding 0.5 rounds
        float small, half = 0.5f;
        __builtin_memcpy(&small, &magnitude, sizeof small);
        small += half;
        uint32_t rounded, base;
        __builtin_memcpy(&rounded, &small, sizeof rounded);
        __builtin_memcpy(&base, &half, sizeof base);
        return static_cast<uint16_t>(sign | (rounded - base));
    }
    uint32_t odd = magnitude >> 13 & 1u;
    return static_cast<uint16_t>(sign | (magnitude - (112u << 23) + 0xFFFu + odd) >> 13);
}

inline float half_value(uint16_t half) {
    uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 0x1Fu, fraction = half & 0x3FFu, bits;
    if (exponent == 0) {
        float magnitude = static_cast<float>(fraction) * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    bits = exponent == 0x1F ? sign | 0x7F800000u | fraction << 13 : sign | (exponent + 112) << 23 | fraction << 13;
    float value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

// Halves of sixteen numbers: their bits, and their values.
struct Halves {
    uint16_t bits[16];
    vf values;
    explicit Halves(vf x) {
        float lanes[16];
        store_as(lanes, x);
        for (int i = 0; i < 16; ++i) {
            bits[i] = half_bits(lanes[i]);
            lanes[i] = half_value(bits[i]);
        }
        values = load_as<vf>(lanes);
    }
};

CT_INLINE vf magnitude(vf x) { return (vf)((vu)x & 0x7FFFFFFFu); }
CT_INLINE vf inverse_or_zero(vf x) { return x == splat(0.0f) ? splat(0.0f) : 1.0f / x; }

// The nearest whole numbers, of two the even one, within bounds. What is no number becomes the lower bound.
CT_INLINE vf whole(vf x, float low, float high) {
    vf kept = x > splat(high) ? splat(high) : x;
    kept = kept >= splat(low) ? kept : splat(low);
    return (kept + 12582912.0f) - 12582912.0f;
}

// Reads runs of N numbers, one into each lane, and writes them again. Lanes without a run are zero.
template <int N>
CT_INLINE void load_runs(const float *from, int64_t runs, vf *x) {
    float lanes[N][16] = {};
    for (int64_t run = 0; run < runs; ++run)
        for (int i = 0; i < N; ++i) lanes[i][run] = from[run * N + i];
    for (int i = 0; i < N; ++i) x[i] = load_as<vf>(lanes[i]);
}

template <int N>
CT_INLINE void store_runs(const vf *y, int64_t runs, float *to) {
    float lanes[N][16];
    for (int i = 0; i < N; ++i) store_as(lanes[i], y[i]);
    for (int64_t run = 0; run < runs; ++run)
        for (int i = 0; i < N; ++i) to[run * N + i] = lanes[i][run];
}

// Numbers of runs as bytes, counted from `low`.
template <int N>
CT_INLINE void store_numbers(const vf *q, float low, uint8_t (*to)[N]) {
    for (int i = 0; i < N; ++i) {
        float lanes[16];
        store_as(lanes, q[i]);
        for (int run = 0; run < 16; ++run) to[run][i] = static_cast<uint8_t>(lanes[run] - low);
    }
}

// MARK: Searches

// The scale of numbers low … high: x ≈ scale · q; 0 for a run of zeros. The targets are what the largest number becomes.
template <int N>
inline vf symmetric_scale(const vf *x, float low, float high, const float *targets, int count) {
#pragma clang fp contract(off)
    vf most = splat(0.0f), extreme = splat(0.0f);
    for (int i = 0; i < N; ++i) {
        vi larger = magnitude(x[i]) > most;
        most = larger ? magnitude(x[i]) : most;
        extreme = larger ? x[i] : extreme;
    }
    // The error is Σ x² less this.
    vf best = splat(-1.0f), scale = splat(0.0f);
    auto consider = [&](vf inverse) {
#pragma clang fp contract(off)
        vf product = splat(0.0f), square = splat(0.0f);
        for (int i = 0; i < N; ++i) {
            vf q = whole(x[i] * inverse, low, high);
            product += x[i] * q;
            square += q * q;
        }
        vf found = product / square, gain = product * found;
        vi better = (square > splat(0.0f)) & (gain > best);
        best = better ? gain : best;
        scale = better ? found : scale;
    };
    vf unit = 1.0f / extreme;
    for (int i = 0; i < count; ++i) consider(targets[i] * unit);
    for (int i = 0; i < 2; ++i) consider(1.0f / scale);
    return most == splat(0.0f) ? splat(0.0f) : scale;
}

// Scale and offset of numbers 0 … highest: x ≈ scale · q + offset. With `below`, the offset is at most 0. The targets are the numbers
// that the whole range becomes.
template <int N>
inline void affine_scale(const vf *x, float highest, bool below, const float *targets, int count, vf &scale, vf &offset) {
#pragma clang fp contract(off)
    vf low = x[0], high = x[0], u[N], total = splat(0.0f);
    for (int i = 1; i < N; ++i) low = minimum(low, x[i]), high = maximum(high, x[i]);
    if (below) low = minimum(low, splat(0.0f));
    for (int i = 0; i < N; ++i) {
        u[i] = x[i] - low;
        total += u[i];
    }
    // The error is Σ u² less this.
    vf best = splat(0.0f), shift = splat(0.0f);
    scale = splat(0.0f);
    auto consider = [&](vf inverse, vf start) {
#pragma clang fp contract(off)
        vf first = splat(0.0f), square = splat(0.0f), product = splat(0.0f);
        for (int i = 0; i < N; ++i) {
            vf q = whole((u[i] - start) * inverse, 0, highest);
            first += q;
            square += q * q;
            product += u[i] * q;
        }
        vf determinant = float(N) * square - first * first;
        vi determined = determinant > splat(0.0f);
        vf s = determined ? (float(N) * product - total * first) / determinant : product / square;
        vf o = determined ? (square * total - first * product) / determinant : splat(0.0f);
        if (below) {
            vi above = o > -low;
            o = above ? -low : o;
            s = above ? (product - o * first) / square : s;
        }
        vf gain = 2.0f * (s * product + o * total) - (s * s * square + 2.0f * s * o * first + float(N) * o * o);
        vi better = (square > splat(0.0f)) & (s > splat(0.0f)) & (gain > best);
        best = better ? gain : best;
        scale = better ? s : scale;
        shift = better ? o : shift;
    };
    vf unit = 1.0f / (high - low);
    for (int i = 0; i < count; ++i) consider(targets[i] * unit, splat(0.0f));
    for (int i = 0; i < 2; ++i) consider(1.0f / scale, shift);
    offset = low + shift;
}

constexpr float four_bits[] = {-8.8f, -8.4f, -8.0f, -7.7f, -7.35f, -7.0f, -6.6f, 6.3f, 6.65f, 7.0f, 7.3f, 7.7f};
constexpr float five_bits[] = {-16.8f, -16.0f, -15.4f, -14.8f, -14.2f, 14.2f, 14.8f, 15.4f};
constexpr float six_bits[] = {-32.6f, -32.0f, -31.4f, -30.8f, -30.2f, -29.6f, 30.4f, 31.0f};
constexpr float from_four_bits[] = {14.0f, 14.5f, 15.0f, 15.5f, 16.0f, 16.6f, 17.3f, 18.2f};
constexpr float from_five_bits[] = {30.2f, 31.0f, 31.7f, 32.5f, 33.5f, 34.8f};

#include "rounding_blocks.inl"
#include "rounding_super.inl"

// MARK: Tensors

inline void round_halves(const float *from, int64_t count, float *values, uint8_t *blocks) {
    for (int64_t i = 0; i < count; ++i) {
        uint16_t bits = half_bits(from[i]);
        if (blocks) __builtin_memcpy(blocks + 2 * i, &bits, 2);
        if (values) values[i] = half_value(bits);
    }
}

using RoundBlocks = void (*)(const float *from, int64_t count, float *values, uint8_t *blocks);

// How a type is rounded: the numbers and bytes of a block, how many blocks are computed at a time.
struct BlockRounding {
    int64_t numbers, bytes, at_once;
    RoundBlocks round;
};

inline BlockRounding block_rounding(int32_t type) {
    switch (type) {
        case 1: return {1, 2, 4096, round_halves};
        case 2: return {32, 18, 16, round_around_zero<4>};
        case 6: return {32, 22, 16, round_around_zero<5>};
        case 7: return {32, 24, 16, round_q5_1};
        case 8: return {32, 34, 16, round_q8_0};
        case 12: return {256, 144, 2, round_scale_and_minimum<4>};
        case 13: return {256, 176, 2, round_scale_and_minimum<5>};
        case 14: return {256, 210, 1, round_q6_k};
        default: return {0, 0, 0, nullptr};
    }
}

// Exchanges rows that lie side by side for rows that follow one another, or back.
inline void gather_rows(const RoundRows &call, int64_t first, int64_t rows, float *to) {
    for (int64_t column = 0; column < call.columns; ++column)
        for (int64_t row = 0; row < rows; ++row)
            to[row * call.columns + column] = call.source[(first + row) * call.row_stride + column * call.column_stride];
}

inline void scatter_rows(const RoundRows &call, int64_t first, int64_t rows, const float *from) {
    for (int64_t column = 0; column < call.columns; ++column)
        for (int64_t row = 0; row < rows; ++row)
            call.values[(first + row) * call.row_stride + column * call.column_stride] = from[row * call.columns + column];
}

inline bool round_rows(const RoundRows &call) {
    const BlockRounding type = block_rounding(call.type);
    if (!type.round || call.columns % type.numbers != 0) return false;
    const bool in_order = call.column_stride == 1 && call.row_stride == call.columns;
    const int64_t in_row = call.columns / type.numbers, part = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, call.columns));
    parallel_tasks((call.rows + part - 1) / part, element_cost(part * call.columns * 8), [&](int64_t task) {
        int64_t first = task * part, rows = std::min(part, call.rows - first);
        std::vector<float> own;
        const float *from = call.source + first * call.columns;
        float *values = call.values ? call.values + first * call.columns : nullptr;
        if (!in_order) {
            own.resize(static_cast<size_t>(rows * call.columns));
            gather_rows(call, first, rows, own.data());
            from = own.data();
            if (values) values = own.data();
        }
        uint8_t *blocks = call.blocks ? call.blocks + first * in_row * type.bytes : nullptr;
        for (int64_t block = 0; block < rows * in_row; block += type.at_once)
            type.round(from + block * type.numbers, std::min(type.at_once, rows * in_row - block),
                       values ? values + block * type.numbers : nullptr, blocks ? blocks + block * type.bytes : nullptr);
        if (!in_order && call.values) scatter_rows(call, first, rows, own.data());
    });
    return true;
}
