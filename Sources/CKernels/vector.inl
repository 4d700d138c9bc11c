// Vectors of sixteen 32-bit lanes, and the functions on them. Written with clang's vector types, so that one source
// compiles to AVX-512, AVX2, NEON or whatever else the processor has; only what those types cannot say uses intrinsics.
//
// Included by `instances.inl`, once for every instruction set, each time inside another namespace.

typedef float vf __attribute__((vector_size(64)));
typedef int32_t vi __attribute__((vector_size(64)));
typedef uint32_t vu __attribute__((vector_size(64)));
typedef uint16_t vh __attribute__((vector_size(32)));  // sixteen bfloat16

CT_INLINE vf splat(float value) { return vf{} + value; }
CT_INLINE vu splat(uint32_t value) { return vu{} + value; }

template <class Vector, class Scalar>
CT_INLINE Vector load_as(const Scalar *from) {
    Vector value;
    __builtin_memcpy(&value, from, sizeof value);
    return value;
}
template <class Vector, class Scalar>
CT_INLINE void store_as(Scalar *to, Vector value) {
    __builtin_memcpy(to, &value, sizeof value);
}

CT_INLINE float sum(vf x) {
    float lanes[16];
    store_as(lanes, x);
    for (int width = 8; width > 0; width /= 2)
        for (int i = 0; i < width; ++i) lanes[i] += lanes[i + width];
    return lanes[0];
}

CT_INLINE float largest(vf x) {
    float lanes[16];
    store_as(lanes, x);
    for (int width = 8; width > 0; width /= 2)
        for (int i = 0; i < width; ++i) lanes[i] = lanes[i] > lanes[i + width] ? lanes[i] : lanes[i + width];
    return lanes[0];
}

CT_INLINE vf maximum(vf a, vf b) { return a > b ? a : b; }
CT_INLINE vf minimum(vf a, vf b) { return a < b ? a : b; }

CT_INLINE vf square_root(vf x) {
#if CT_AVX512
    return (vf)_mm512_sqrt_ps((__m512)x);
#elif CT_NEON
    float lanes[16];
    store_as(lanes, x);
    for (int i = 0; i < 16; i += 4) vst1q_f32(lanes + i, vsqrtq_f32(vld1q_f32(lanes + i)));
    return load_as<vf>(lanes);
#else
    float lanes[16];
    store_as(lanes, x);
    for (float &lane : lanes) lane = __builtin_sqrtf(lane);
    return load_as<vf>(lanes);
#endif
}

// MARK: bfloat16

CT_INLINE vf widen(vh x) { return (vf)(__builtin_convertvector(x, vu) << 16); }

// Rounds to nearest, ties to even; NaN stays NaN.
CT_INLINE vh narrow(vf x) {
#if CT_BF16
    return (vh)_mm512_cvtneps_pbh((__m512)x);
#elif CT_BFMMLA
    float lanes[16];
    store_as(lanes, x);
    bfloat16x8_t words[2];
    for (int i = 0; i < 2; ++i)
        words[i] = vcvtq_high_bf16_f32(vcvtq_low_bf16_f32(vld1q_f32(lanes + 8 * i)), vld1q_f32(lanes + 8 * i + 4));
    vh narrowed;
    __builtin_memcpy(&narrowed, words, sizeof narrowed);
    return narrowed;
#else
    vu bits = (vu)x;
    vu rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    return __builtin_convertvector(x == x ? rounded : splat(uint32_t{0x7FC0u}), vh);
#endif
}

CT_INLINE vf load(const float *from) { return load_as<vf>(from); }
CT_INLINE vf load(const bf16 *from) { return widen(load_as<vh>(from)); }
CT_INLINE void store(float *to, vf x) { store_as(to, x); }
CT_INLINE void store(bf16 *to, vf x) { store_as(to, narrow(x)); }

#if CT_AVX512
CT_INLINE __mmask16 first_lanes(int64_t count) {
    return static_cast<__mmask16>(count <= 0 ? 0 : count >= 16 ? 0xFFFF : (1u << count) - 1);
}
#endif

// The first `count` elements, the others zero; `count` may be anything.
template <class Scalar>
CT_INLINE vf load_part(const Scalar *from, int64_t count) {
    if (count >= 16) return load(from);
#if CT_AVX512
    if constexpr (sizeof(Scalar) == 4) return (vf)_mm512_maskz_loadu_ps(first_lanes(count), from);
    else return widen((vh)_mm256_maskz_loadu_epi16(first_lanes(count), from));
#endif
    Scalar lanes[16] = {};
    for (int64_t i = 0; i < count; ++i) lanes[i] = from[i];
    return load(lanes);
}
template <class Scalar>
CT_INLINE void store_part(Scalar *to, vf x, int64_t count) {
    if (count >= 16) return store(to, x);
#if CT_AVX512
    if constexpr (sizeof(Scalar) == 4) return _mm512_mask_storeu_ps(to, first_lanes(count), (__m512)x);
    else return _mm256_mask_storeu_epi16(to, first_lanes(count), (__m256i)narrow(x));
#endif
    Scalar lanes[16];
    store(lanes, x);
    for (int64_t i = 0; i < count; ++i) to[i] = lanes[i];
}

CT_INLINE void store_words(uint32_t *to, vu x, int64_t count) { store_part(reinterpret_cast<float *>(to), (vf)x, count); }

// MARK: Functions

// e^x for x ≤ 88; underflows to zero. Relative error below 2e-7 (Cody and Waite's reduction, a Taylor polynomial on
// ±ln 2 / 2).
CT_INLINE vf exponential(vf given) {
    vf x = maximum(minimum(given, splat(88.0f)), splat(-87.3f));
    vf shifted = x * 1.44269504f + 12582912.0f;  // 1.5 · 2^23: rounds to a whole number in the low bits
    vi power = (vi)shifted - 0x4B400000;
    vf whole = shifted - 12582912.0f;
    vf r = x - whole * 0.693145752f;
    r = r - whole * 1.42860677e-6f;
    vf p = splat(1.0f / 5040);
    p = p * r + (1.0f / 720);
    p = p * r + (1.0f / 120);
    p = p * r + (1.0f / 24);
    p = p * r + (1.0f / 6);
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    // NaN stays NaN: it must reach the loss, where it is detected.
    return given == given ? (vf)((vi)p + (power << 23)) : given;
}

// ln x of a positive normal number. Relative error below 2e-7 (a polynomial on √½ … √2, as in Moshier's Cephes).
CT_INLINE vf logarithm(vf x) {
    vi bits = (vi)x - 0x3F3504F3;
    vf power = __builtin_convertvector(bits >> 23, vf);
    vf f = (vf)((bits & 0x007FFFFF) + 0x3F3504F3) - 1.0f;
    vf p = f * 7.0376836292e-2f - 1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f - 1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f - 1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f - 2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    vf s = f * f;
    vf small = p * f * s - 2.12194440e-4f * power - 0.5f * s;
    return x == x ? 0.693359375f * power + (f + small) : x;
}

CT_INLINE vf hyperbolic_tangent(vf x) {
    // 1 - 2 / (e^2x + 1); near zero its series, since the difference would lose digits.
    vf limited = maximum(minimum(x, splat(15.0f)), splat(-15.0f));
    vf far = 1.0f - 2.0f / (exponential(2.0f * limited) + 1.0f);
    vf s = x * x;
    vf near = x * (1.0f + s * (-1.0f / 3 + s * (2.0f / 15 + s * (-17.0f / 315))));
    return s < splat(0.04f) ? near : far;
}

// The standard normal distribution function and density. erf by Abramowitz and Stegun, 7.1.26: absolute error below 1.5e-7.
struct Normal {
    vf cumulative, density;
};
CT_INLINE Normal normal(vf x) {
    vf z = (x < 0.0f ? -x : x) * 0.70710678f;
    vf t = 1.0f / (1.0f + z * 0.3275911f);
    vf poly = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
    vf e = exponential(-z * z);
    vf tail = 0.5f * poly * e;
    return {x < 0.0f ? tail : 1.0f - tail, e * 0.398942280f};
}

CT_INLINE vf activate(Activation kind, vf x) {
    switch (kind) {
    case Activation::gelu: return x * normal(x).cumulative;
    case Activation::gelu_tanh:
        return 0.5f * x * (1.0f + hyperbolic_tangent(0.797884561f * (x + 0.044715f * x * x * x)));
    case Activation::relu: return x < 0.0f ? splat(0.0f) : x;
    case Activation::silu: return x / (1.0f + exponential(-x));
    }
    __builtin_unreachable();
}

struct Activated {
    vf value, derivative;
};
CT_INLINE Activated activate_with_derivative(Activation kind, vf x) {
    switch (kind) {
    case Activation::gelu: {
        Normal n = normal(x);
        return {x * n.cumulative, n.cumulative + x * n.density};
    }
    case Activation::gelu_tanh: {
        vf t = hyperbolic_tangent(0.797884561f * (x + 0.044715f * x * x * x));
        vf inner = 0.797884561f * (1.0f + 0.134145f * x * x);
        return {0.5f * x * (1.0f + t), 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * inner};
    }
    case Activation::relu: return {x < 0.0f ? splat(0.0f) : x, x > 0.0f ? splat(1.0f) : splat(0.0f)};
    case Activation::silu: {
        vf s = 1.0f / (1.0f + exponential(-x));
        return {x * s, s * (1.0f + x * (1.0f - s))};
    }
    }
    __builtin_unreachable();
}

// MARK: Masks

// x · scale where the bit is set, otherwise zero.
CT_INLINE vf keep(vf x, uint16_t bits, float scale) {
#if CT_AVX512
    return (vf)_mm512_maskz_mul_ps(bits, (__m512)x, (__m512)splat(scale));
#else
    const vu lane = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
    vu set = splat(uint32_t{bits}) & lane;
    return set != 0 ? x * scale : splat(0.0f);
#endif
}

// Transposes sixteen vectors of sixteen 32-bit lanes.
template <int distance>
CT_INLINE void transpose_stage(vu *rows) {
    constexpr int d = distance;
    // Lane j of the lower row: its own if bit d of j is clear, otherwise the upper row's lane j - d; and the reverse.
#define CT_LOW(j) (((j) & d) ? 16 + (j) - d : (j))
#define CT_HIGH(j) (((j) & d) ? 16 + (j) : (j) + d)
#define CT_LANES(f) f(0), f(1), f(2), f(3), f(4), f(5), f(6), f(7), f(8), f(9), f(10), f(11), f(12), f(13), f(14), f(15)
    for (int i = 0; i < 16; ++i) {
        if (i & d) continue;
        vu a = rows[i], b = rows[i + d];
        rows[i] = __builtin_shufflevector(a, b, CT_LANES(CT_LOW));
        rows[i + d] = __builtin_shufflevector(a, b, CT_LANES(CT_HIGH));
    }
#undef CT_LANES
#undef CT_HIGH
#undef CT_LOW
}

CT_INLINE void transpose(vu *rows) {
    transpose_stage<8>(rows);
    transpose_stage<4>(rows);
    transpose_stage<2>(rows);
    transpose_stage<1>(rows);
}
