// Products in float32 with right operands of 16 bits (RightType), which are widened as they are read: half of the bytes come from memory,
// which generation waits for. Widening is exact, and the sums are those of gemm.inl.

// A number of IEEE 754's binary16.
struct f16 {
    uint16_t bits;
};

// Sixteen halves that are finite.
CT_INLINE vf widen_halves(const void *from) {
#if CT_AVX512
    return (vf)_mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i *>(from)));
#else
    vu bits = __builtin_convertvector(load_as<vh>(static_cast<const uint16_t *>(from)), vu);
    // The exponent's bias differs by 112; what has no exponent of its own is right too.
    vf magnitude = (vf)((bits & 0x7FFFu) << 13) * 0x1p112f;
    return (vf)((vu)magnitude | (bits & 0x8000u) << 16);
#endif
}
CT_INLINE vf load(const f16 *from) { return widen_halves(from); }

#if CT_NEON
constexpr bool widens_first = true;
#else
constexpr bool widens_first = false;
#endif

// As `multiply`. Rows of one panel widen the numbers in registers; those of several widen a panel of the right operand once.
template <class Narrow, class Take>
CT_INLINE void multiply_narrow(const uint32_t *left, int64_t rows, int64_t length, const Narrow *right, int64_t columns, int64_t first,
                               int64_t last, Take &&take) {
    RowPanels<float> panels(rows);
    if constexpr (!widens_first)
        if (panels.count == 1) return multiply_panels<float>(left, panels, 0, 1, length, right, columns, first, last, 0, length, take);
    uint32_t *wide = scratch<uint32_t>(Slot::widened, 32 * length);
    for (int64_t p = first; p < last; ++p) {
        const Narrow *panel = right + p * length * 32;
        for (int64_t i = 0; i < 32 * length; i += 16) store_as(wide + i, load(panel + i));
        multiply_panels<float>(left, panels, 0, panels.count, length, wide, columns - p * 32, 0, 1, 0, length,
                               [&](int64_t row, int64_t column, int64_t height, int64_t count, const float *tile) {
                                   take(row, p * 32 + column, height, count, tile);
                               });
    }
}

template <class Take>
CT_INLINE void multiply_narrow(const uint32_t *left, int64_t rows, int64_t length, RightOperand right, int64_t columns, int64_t first,
                               int64_t last, Take &&take) {
    if (right.type == RightType::float16)
        multiply_narrow(left, rows, length, reinterpret_cast<const f16 *>(right.words), columns, first, last, take);
    else multiply_narrow(left, rows, length, reinterpret_cast<const bf16 *>(right.words), columns, first, last, take);
}
