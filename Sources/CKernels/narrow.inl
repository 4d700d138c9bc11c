// Products in float32 with right operands of 16 bits (RightType), which are widened as they are read: half of the bytes come from memory,
// which generation waits for. Widening is exact, and the sums are those of gemm.inl.

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

template <RightType type>
CT_INLINE vf widen_narrow(const uint16_t *from) {
    if constexpr (type == RightType::float16) return widen_halves(from);
    return (vf)(__builtin_convertvector(load_as<vh>(from), vu) << 16);
}

// A panel of `length` rows of 32 numbers as the words of one.
template <RightType type>
void widen_panel(const uint16_t *from, int64_t length, uint32_t *to) {
    for (int64_t i = 0; i < 32 * length; i += 16) store_as(to + i, widen_narrow<type>(from + i));
}

#if CT_NEON
constexpr bool widens_first = true;
#else
constexpr bool widens_first = false;

// As multiply_tile<float, rows>.
template <RightType type, int rows>
__attribute__((noinline)) void multiply_narrow_tile(int64_t length, const uint32_t *left, int64_t height, const uint16_t *right, float *tile) {
    vf sums[rows][2];
    for (int r = 0; r < rows; ++r) sums[r][0] = sums[r][1] = vf{};
    for (int64_t w = 0; w < length; ++w) {
        vu b0 = (vu)widen_narrow<type>(right), b1 = (vu)widen_narrow<type>(right + 16);
        right += 32;
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; ++r) {
            vu a = splat(left[r]);
            sums[r][0] = multiply_add<float>(sums[r][0], a, b0);
            sums[r][1] = multiply_add<float>(sums[r][1], a, b1);
        }
        left += height;
    }
    for (int r = 0; r < rows; ++r) {
        store(tile + r * 32, sums[r][0]);
        store(tile + r * 32 + 16, sums[r][1]);
    }
}

template <RightType type>
CT_INLINE void multiply_narrow_tile(int64_t rows, int64_t length, const uint32_t *left, int64_t height, const uint16_t *right, float *tile) {
#define CT_ROWS(n) \
    case n: return multiply_narrow_tile<type, (n <= panel_rows<float> ? n : 1)>(length, left, height, right, tile);
    switch (rows) {
        CT_ROWS(1) CT_ROWS(2) CT_ROWS(3) CT_ROWS(4) CT_ROWS(5) CT_ROWS(6) CT_ROWS(7)
        CT_ROWS(8) CT_ROWS(9) CT_ROWS(10) CT_ROWS(11) CT_ROWS(12) CT_ROWS(13) CT_ROWS(14)
    }
#undef CT_ROWS
}
#endif

// As `multiply`. Rows of one panel widen the numbers in registers; those of several widen a panel of the right operand once.
template <RightType type, class Take>
CT_INLINE void multiply_narrow(const uint32_t *left, int64_t rows, int64_t length, const uint16_t *right, int64_t columns, int64_t first,
                               int64_t last, Take &&take) {
    alignas(64) float tile[panel_rows<float> * 32];
    RowPanels<float> panels(rows);
    uint32_t *wide = widens_first || panels.count > 1 ? scratch<uint32_t>(Slot::widened, 32 * length) : nullptr;
    for (int64_t p = first; p < last; ++p) {
        const uint16_t *narrow = right + p * length * 32;
        if (wide) widen_panel<type>(narrow, length, wide);
        for (int64_t i = 0; i < panels.count; ++i) {
            int64_t height = panels.rows_of(i);
            const uint32_t *from = left + i * length * panels.height;
            if (wide) multiply_tile<float>(height, length, from, panels.height, wide, tile);
#if !CT_NEON
            else multiply_narrow_tile<type>(height, length, from, panels.height, narrow, tile);
#endif
            take(i * panels.height, p * 32, height, std::min<int64_t>(32, columns - p * 32), tile);
        }
    }
}

template <class Take>
CT_INLINE void multiply_narrow(const uint32_t *left, int64_t rows, int64_t length, RightOperand right, int64_t columns, int64_t first,
                               int64_t last, Take &&take) {
    auto numbers = reinterpret_cast<const uint16_t *>(right.words);
    if (right.type == RightType::float16) multiply_narrow<RightType::float16>(left, rows, length, numbers, columns, first, last, take);
    else multiply_narrow<RightType::bfloat16>(left, rows, length, numbers, columns, first, last, take);
}
