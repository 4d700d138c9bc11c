// Matrix products from packed operands (Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", TOMS 2008).
//
// Every element is summed in the same order whatever tile it falls into: a row's result does not depend on the other rows.

// The AMX tile configuration of a thread; other instruction sets have none.
template <class S>
struct TileShapes {
    explicit TileShapes(int64_t) {}
};
#if CT_AMX
#include "tiles.inl"
#endif

#if CT_NEON
#include "neon.inl"
#else
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

// Sixteen words of a right operand, or numbers of 16 bits as words (narrow.inl).
CT_INLINE vu right_words(const uint32_t *from) { return load_as<vu>(from); }
template <class Narrow>
CT_INLINE vu right_words(const Narrow *from) {
    return (vu)load(from);
}

// tile[r][c] = Σ_w left[w * height + r] · right[w * 32 + c]; `onto` adds to what the tile holds, as if it were one sum.
//
// Sums, a row of the right operand and one element of the left take all registers: a function of its own, so that
// nothing else claims one.
template <class S, int rows, class Right>
__attribute__((noinline)) void multiply_tile(int64_t length, const uint32_t *left, int64_t height, const Right *right, float *tile,
                                             bool onto = false) {
    vf sums[rows][2];
    for (int r = 0; r < rows; ++r) sums[r][0] = sums[r][1] = vf{};
    if (onto)
        for (int r = 0; r < rows; ++r) {
            sums[r][0] = load(tile + r * 32);
            sums[r][1] = load(tile + r * 32 + 16);
        }
    for (int64_t w = 0; w < length; ++w) {
        vu b0 = right_words(right), b1 = right_words(right + 16);
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
#endif

template <class S, class Right>
CT_INLINE void multiply_tile(int64_t rows, int64_t length, const uint32_t *left, int64_t height, const Right *right,
                             float *tile, bool onto = false) {
#if CT_AMX
    if constexpr (on_tiles<S>) return multiply_on_tiles(length, left, height, right, tile, onto);
#endif
#define CT_ROWS(n) \
    case n: return multiply_tile<S, (n <= panel_rows<S> ? n : 1)>(length, left, height, right, tile, onto);
    switch (rows) {
        CT_ROWS(1) CT_ROWS(2) CT_ROWS(3) CT_ROWS(4) CT_ROWS(5) CT_ROWS(6) CT_ROWS(7)
        CT_ROWS(8) CT_ROWS(9) CT_ROWS(10) CT_ROWS(11) CT_ROWS(12) CT_ROWS(13) CT_ROWS(14)
    }
#undef CT_ROWS
}

// Panels first…last of a right operand by panels begin_rows ..< end_rows of a left one whose rows have `total` words; words begin ..< end
// of both.
template <class S, class Right, class Take>
CT_INLINE void multiply_panels(const uint32_t *left, const RowPanels<S> &panels, int64_t begin_rows, int64_t end_rows, int64_t total,
                               const Right *right, int64_t columns, int64_t first, int64_t last, int64_t begin, int64_t end, Take &&take) {
    alignas(64) float tile[panel_rows<S> * 32];
    for (int64_t p = first; p < last; ++p) {
        int64_t width = std::min<int64_t>(32, columns - p * 32);
        for (int64_t i = begin_rows; i < end_rows; ++i) {
            int64_t height = panels.rows_of(i);
            multiply_tile<S>(height, end - begin, left + (i * total + begin) * panels.height, panels.height,
                             right + (p * total + begin) * 32, tile);
            take(i * panels.height, p * 32, height, width, tile);
        }
    }
}

#if CT_BLAS
#include "blas.inl"
#endif

// Multiplies words begin ..< end of a packed left operand by those of panels first…last of a packed right one; passes each
// finished tile to `take(row, column, rows, columns, tile)`, with a row stride of 32 elements.
template <class S, class Take>
CT_INLINE void multiply_words(const uint32_t *left, int64_t rows, int64_t length, const uint32_t *right,
                              int64_t columns, int64_t first, int64_t last, int64_t begin, int64_t end, Take &&take) {
#if CT_AMX
    if constexpr (on_tiles<S>)
        return multiply_words_on_tiles(left, rows, words<S>(length), right, columns, first, last, begin, end, take);
#endif
#if CT_BLAS
    if constexpr (std::is_same_v<S, float>)
        if (rows >= blas_rows / 2 && length >= least_blas_length && last - first >= least_blas_panels && begin == 0 && end == length &&
            uses_blas(length))
            return multiply_by_blas(left, rows, length, right, columns, first, last, take);
#endif
    RowPanels<S> panels(rows);
    multiply_panels<S>(left, panels, 0, panels.count, words<S>(length), right, columns, first, last, begin, end, take);
}

// The same for all words.
template <class S, class Take>
CT_INLINE void multiply(const uint32_t *left, int64_t rows, int64_t length, const uint32_t *right, int64_t columns,
                        int64_t first, int64_t last, Take &&take) {
    multiply_words<S>(left, rows, length, right, columns, first, last, 0, words<S>(length), take);
}

#include "narrow.inl"

// The same with a right operand of any type.
template <class S, class Take>
CT_INLINE void multiply(const uint32_t *left, int64_t rows, int64_t length, RightOperand right, int64_t columns, int64_t first,
                        int64_t last, Take &&take) {
    if constexpr (std::is_same_v<S, float>)
        if (right.type != RightType::words) return multiply_narrow(left, rows, length, right, columns, first, last, take);
    multiply<S>(left, rows, length, right.words, columns, first, last, take);
}

// Multiplies a packed left operand (rows, sums) by a packed right one (sums, width) into `to`, with a row stride of `stride`.
template <class S, class To>
void multiply_to(const uint32_t *left, int64_t rows, int64_t sums, const uint32_t *right, int64_t width, To *to,
                 int64_t stride) {
    multiply<S>(left, rows, sums, right, width, 0, panels_of(width),
                [&](int64_t row, int64_t column, int64_t height, int64_t count, const float *tile) {
                    for (int64_t r = 0; r < height; ++r) {
                        To *at = to + (row + r) * stride + column;
                        store_part(at, load(tile + r * 32), count);
                        if (count > 16) store_part(at + 16, load(tile + r * 32 + 16), count - 16);
                    }
                });
}

// Multiplies a packed panel of `rows` rows by `panels` panels of a right operand, both of `total` words, into `to`, with a row stride
// of `stride` of at least 32 · panels. On tiles their shapes are set already.
template <class S>
CT_INLINE void multiply_panel(const uint32_t *left, int64_t height, int64_t rows, int64_t total, const uint32_t *right, int64_t panels,
                              float *to, int64_t stride) {
    alignas(64) float tile[panel_rows<S> * 32];
    for (int64_t p = 0; p < panels; ++p) {
        multiply_tile<S>(rows, total, left, height, right + p * 32 * total, tile);
        for (int64_t r = 0; r < rows; ++r) {
            store(to + r * stride + p * 32, load(tile + r * 32));
            store(to + r * stride + p * 32 + 16, load(tile + r * 32 + 16));
        }
    }
}
