// Matrix products from packed operands.
//
// Both operands are first copied into packed panels, converted on the way to the type they are multiplied in: the left one into
// panels of up to `panel_rows` rows, the right one into panels of 32 columns, both with the summed dimension outermost, so that
// the inner loop reads memory in order (Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", TOMS 2008).
// The unit of a packed panel is a 32-bit word: one float, or two bfloat16 adjacent along the sum.
//
// Every element is summed in the same order whatever tile it falls into: a row's result does not depend on the other rows.

template <class S>
struct Words;
template <>
struct Words<float> {
    static constexpr int64_t per = 1;
};
template <>
struct Words<bf16> {
    static constexpr int64_t per = 2;
};
template <class S>
CT_INLINE int64_t words(int64_t count) {
    return (count + Words<S>::per - 1) / Words<S>::per;
}

// Sixteen 32-bit words of a row, from `count` elements; missing elements are zero.
template <class S, class From>
CT_INLINE vu row_words(const From *from, int64_t count) {
    if constexpr (Words<S>::per == 1) {
        return (vu)load_part(from, count);
    } else if constexpr (sizeof(From) == 1) {
        if (count >= 64) return load_as<vu>(from);
        uint8_t lanes[64] = {};
        for (int64_t i = 0; i < count; ++i) lanes[i] = static_cast<uint8_t>(from[i]);
        return load_as<vu>(lanes);
    } else if constexpr (sizeof(From) == 2) {
        if (count >= 32) return load_as<vu>(from);
        bf16 lanes[32] = {};
        for (int64_t i = 0; i < count; ++i) lanes[i] = from[i];
        return load_as<vu>(lanes);
    } else {
        bf16 lanes[32];
        store(lanes, load_part(from, count));
        store(lanes + 16, load_part(from + 16, count - 16));
        return load_as<vu>(lanes);
    }
}

// Sixteen 32-bit words that pair the elements of two rows; `second` may be null, and counts as zeros.
template <class S, class From>
CT_INLINE vu pair_words(const From *first, const From *second, int64_t count) {
    if constexpr (Words<S>::per == 1) {
        return (vu)load_part(first, count);
    } else {
        vu low = __builtin_convertvector(narrow(load_part(first, count)), vu);
        if (!second) return low;
        return low | __builtin_convertvector(narrow(load_part(second, count)), vu) << 16;
    }
}

// Packs a panel of `count` rows (at most `width`), each of `length` elements that are summed over. Word w of row r is written
// to `to[w * width + r]`.
template <class S, class From>
void pack_rows_panel(const From *from, int64_t stride, int64_t count, int64_t length, int64_t width, uint32_t *to) {
    constexpr int64_t per = Words<S>::per;
    int64_t total = words<S>(length);
    for (int64_t w = 0; w < total; w += 16) {
        int64_t left = std::min<int64_t>(16, total - w);
        for (int64_t r = 0; r < width; r += 16) {
            vu rows[16];
            for (int64_t i = 0; i < 16; ++i)
                rows[i] = r + i < count ? row_words<S>(from + (r + i) * stride + w * per, length - w * per) : vu{};
            transpose(rows);
            for (int64_t i = 0; i < left; ++i) store_words(to + (w + i) * width + r, rows[i], width - r);
        }
    }
}

// Packs a panel of `count` columns (at most `width`) of a matrix whose rows are summed over, `length` of them.
template <class S, class From>
void pack_columns_panel(const From *from, int64_t stride, int64_t count, int64_t length, int64_t width, uint32_t *to) {
    constexpr int64_t per = Words<S>::per;
    for (int64_t w = 0; w < words<S>(length); ++w) {
        const From *first = from + w * per * stride;
        const From *second = w * per + 1 < length ? first + stride : nullptr;
        for (int64_t c = 0; c < width; c += 16)
            store_words(to + w * width + c, pair_words<S>(first + c, second ? second + c : nullptr, count - c), width - c);
    }
}

// MARK: Operands

// The division of `rows` rows into panels of equal height.
struct RowPanels {
    explicit RowPanels(int64_t rows)
        : count((rows + panel_rows - 1) / panel_rows), height(count > 0 ? (rows + count - 1) / count : 1), rows(rows) {}
    int64_t rows_of(int64_t panel) const { return std::min(height, rows - panel * height); }
    int64_t count, height, rows;
};

// The size of packed operands, in 32-bit words.
template <class S>
CT_INLINE int64_t left_words(int64_t rows, int64_t length) {
    RowPanels panels(rows);
    return panels.count * panels.height * words<S>(length);
}
template <class S>
CT_INLINE int64_t right_words(int64_t columns, int64_t length) {
    return (columns + 31) / 32 * 32 * words<S>(length);
}

template <class S, class From>
void pack_left(const From *from, int64_t stride, int64_t rows, int64_t length, uint32_t *to) {
    RowPanels panels(rows);
    for (int64_t p = 0; p < panels.count; ++p)
        pack_rows_panel<S>(from + p * panels.height * stride, stride, panels.rows_of(p), length, panels.height,
                           to + p * panels.height * words<S>(length));
}

// The left operand is the transpose of `from` (length, rows).
template <class S, class From>
void pack_left_transposed(const From *from, int64_t stride, int64_t rows, int64_t length, uint32_t *to) {
    RowPanels panels(rows);
    for (int64_t p = 0; p < panels.count; ++p)
        pack_columns_panel<S>(from + p * panels.height, stride, panels.rows_of(p), length, panels.height,
                              to + p * panels.height * words<S>(length));
}

// Panels first…last of a right operand `from` (length, columns).
template <class S, class From>
void pack_right(const From *from, int64_t stride, int64_t columns, int64_t length, int64_t first, int64_t last,
                uint32_t *to) {
    for (int64_t p = first; p < last; ++p)
        pack_columns_panel<S>(from + p * 32, stride, std::min<int64_t>(32, columns - p * 32), length, 32,
                              to + p * 32 * words<S>(length));
}

// Panels of a right operand that is the transpose of `from` (columns, length), as a linear layer's weight is.
template <class S, class From>
void pack_right_transposed(const From *from, int64_t stride, int64_t columns, int64_t length, int64_t first,
                           int64_t last, uint32_t *to) {
    for (int64_t p = first; p < last; ++p)
        pack_rows_panel<S>(from + p * 32 * stride, stride, std::min<int64_t>(32, columns - p * 32), length, 32,
                           to + p * 32 * words<S>(length));
}

// MARK: Multiplication

template <class S>
CT_INLINE vf multiply_add(vf sum, vu a, vu b) {
    if constexpr (Words<S>::per == 1) {
        return (vf)a * (vf)b + sum;
    } else {
#if CT_BF16
        return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)b, (__m512bh)a);
#else
        sum = (vf)(a << 16) * (vf)(b << 16) + sum;
        return (vf)(a & 0xFFFF0000u) * (vf)(b & 0xFFFF0000u) + sum;
#endif
    }
}

// tile[r][c] = Σ_w left[w * height + r] · right[w * 32 + c]
//
// Sums, a row of the right operand and one element of the left take all registers: a function of its own, so that
// nothing else claims one.
template <class S, int rows>
__attribute__((noinline)) void multiply_tile(int64_t length, const uint32_t *left, int64_t height, const uint32_t *right, float *tile) {
    vf sums[rows][2];
    for (int r = 0; r < rows; ++r) sums[r][0] = sums[r][1] = vf{};
    for (int64_t w = 0; w < length; ++w) {
        vu b0 = load_as<vu>(right), b1 = load_as<vu>(right + 16);
        right += 32;
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; ++r) {
            vu a = splat(left[r]);
            sums[r][0] = multiply_add<S>(sums[r][0], a, b0);
            sums[r][1] = multiply_add<S>(sums[r][1], a, b1);
        }
        left += height;
    }
    for (int r = 0; r < rows; ++r) {
        store(tile + r * 32, sums[r][0]);
        store(tile + r * 32 + 16, sums[r][1]);
    }
}

template <class S>
CT_INLINE void multiply_tile(int64_t rows, int64_t length, const uint32_t *left, int64_t height, const uint32_t *right,
                             float *tile) {
#define CT_ROWS(n) \
    case n: return multiply_tile<S, (n <= panel_rows ? n : 1)>(length, left, height, right, tile);
    switch (rows) {
        CT_ROWS(1) CT_ROWS(2) CT_ROWS(3) CT_ROWS(4) CT_ROWS(5) CT_ROWS(6) CT_ROWS(7)
        CT_ROWS(8) CT_ROWS(9) CT_ROWS(10) CT_ROWS(11) CT_ROWS(12) CT_ROWS(13) CT_ROWS(14)
    }
#undef CT_ROWS
}

// Multiplies words begin ..< end of a packed left operand by those of panels first…last of a packed right one; passes each
// finished tile to `take(row, column, rows, columns, tile)`, with a row stride of 32 elements.
template <class S, class Take>
CT_INLINE void multiply_words(const uint32_t *left, int64_t rows, int64_t length, const uint32_t *right,
                              int64_t columns, int64_t first, int64_t last, int64_t begin, int64_t end, Take &&take) {
    RowPanels panels(rows);
    int64_t total = words<S>(length);
    alignas(64) float tile[panel_rows * 32];
    for (int64_t p = first; p < last; ++p) {
        int64_t width = std::min<int64_t>(32, columns - p * 32);
        for (int64_t i = 0; i < panels.count; ++i) {
            int64_t height = panels.rows_of(i);
            multiply_tile<S>(height, end - begin, left + (i * total + begin) * panels.height, panels.height,
                             right + (p * total + begin) * 32, tile);
            take(i * panels.height, p * 32, height, width, tile);
        }
    }
}

// The same for all words.
template <class S, class Take>
CT_INLINE void multiply(const uint32_t *left, int64_t rows, int64_t length, const uint32_t *right, int64_t columns,
                        int64_t first, int64_t last, Take &&take) {
    multiply_words<S>(left, rows, length, right, columns, first, last, 0, words<S>(length), take);
}

CT_INLINE int64_t panels_of(int64_t columns) { return (columns + 31) / 32; }
