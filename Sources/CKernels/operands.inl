// Operands of matrix products, packed into panels: the left one in panels of up to `panel_rows` rows, the right one in panels of
// 32 columns, both converted to the type they are multiplied in on the way.
//
// Both have the summed dimension outermost, so that the inner loop reads memory in order; on tiles a panel of the left operand
// holds sixteen words of each row after one another. A word is one float, or two bfloat16 that follow each other along the sum.

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
// Whether a type is multiplied on AMX tiles (tiles.inl), and the largest number of rows of a packed panel of the left operand.
template <class S>
constexpr bool on_tiles = CT_AMX && std::is_same_v<S, bf16>;
template <class S>
constexpr int64_t panel_rows = on_tiles<S> ? 32 : CT_PANEL_ROWS;

// Whether a packed panel has two words of a row, or of a column, beside each other, as NEON's matrix instructions read them (neon.inl).
template <class S>
#if CT_BFMMLA
constexpr bool in_pairs = std::is_same_v<S, int8_t> || std::is_same_v<S, bf16>;
#elif CT_I8MM
constexpr bool in_pairs = std::is_same_v<S, int8_t>;
#else
constexpr bool in_pairs = false;
#endif

// The 32-bit words of `count` elements; padded with zeros to a multiple of sixteen for AMX tiles, and to whole pairs.
template <class S>
CT_INLINE int64_t words(int64_t count) {
    int64_t exact = (count + Words<S>::per - 1) / Words<S>::per;
    if constexpr (in_pairs<S>) return (exact + 1) / 2 * 2;
    return on_tiles<S> ? (exact + 15) / 16 * 16 : exact;
}

// The place of word `w` of row or column `i` in a panel of `width` of them; AMX reads panels of the left operand otherwise.
template <class S>
CT_INLINE int64_t word_place(int64_t w, int64_t i, int64_t width) {
    if constexpr (in_pairs<S>) return (w / 2 * width + i) * 2 + w % 2;
    return w * width + i;
}

// Sixteen words of a row, from `count` elements; what is missing is zero.
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
#if CT_AVX512
        return (vu)_mm512_maskz_loadu_epi16(count <= 0 ? 0u : (1u << count) - 1, from);
#endif
        bf16 lanes[32] = {};
        for (int64_t i = 0; i < count; ++i) lanes[i] = from[i];
        return load_as<vu>(lanes);
    } else {
#if CT_BF16
        return (vu)_mm512_cvtne2ps_pbh((__m512)load_part(from + 16, count - 16), (__m512)load_part(from, count));
#endif
        bf16 lanes[32];
        store(lanes, load_part(from, count));
        store(lanes + 16, load_part(from + 16, count - 16));
        return load_as<vu>(lanes);
    }
}

#if CT_BF16
// The first `count` elements in bfloat16, the others zero.
CT_INLINE vh narrow_part(const float *from, int64_t count) { return narrow(load_part(from, count)); }
CT_INLINE vh narrow_part(const bf16 *from, int64_t count) {
    return count >= 16 ? load_as<vh>(from) : (vh)_mm256_maskz_loadu_epi16(first_lanes(count), from);
}

// Words of an element of `low` and one of `high`.
CT_INLINE vu interleave(vh low, vh high) {
    typedef uint16_t lanes __attribute__((vector_size(64)));
    constexpr lanes order = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512((__m256i)low), (__m256i)high, 1);
    return (vu)_mm512_permutexvar_epi16((__m512i)order, both);
}
#endif

// Sixteen words that pair the elements of two rows; `second` may be null, and counts for zeros.
template <class S, class From>
CT_INLINE vu pair_words(const From *first, const From *second, int64_t count) {
    if constexpr (Words<S>::per == 1) {
        return (vu)load_part(first, count);
    } else {
#if CT_BF16
        if (second) return interleave(narrow_part(first, count), narrow_part(second, count));
#endif
        vu low = __builtin_convertvector(narrow(load_part(first, count)), vu);
        if (!second) return low;
        return low | __builtin_convertvector(narrow(load_part(second, count)), vu) << 16;
    }
}

// Writes the pairs of two words each of sixteen rows; of these, `count` are in the panel.
CT_INLINE void store_pairs(uint32_t *to, vu first, vu second, int64_t count) {
    store_words(to, __builtin_shufflevector(first, second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), 2 * count);
    store_words(to + 16, __builtin_shufflevector(first, second, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), 2 * count - 16);
}

// Packs a panel of `count` rows (at most `width`), each of `length` elements that are summed over.
// Word w of row r goes to `to[word_place(w, r, width)]`.
template <class S, class From>
void pack_rows_panel(const From *from, int64_t stride, int64_t count, int64_t length, int64_t width, uint32_t *to) {
    constexpr int64_t per = Words<S>::per;
    int64_t total = words<S>(length);
    if (width == 1) {
        for (int64_t w = 0; w < total; w += 16) store_words(to + w, row_words<S>(from + w * per, length - w * per), total - w);
        return;
    }
    for (int64_t w = 0; w < total; w += 16) {
        int64_t left = std::min<int64_t>(16, total - w);
        for (int64_t r = 0; r < width; r += 16) {
            vu rows[16];
            for (int64_t i = 0; i < 16; ++i)
                rows[i] = r + i < count ? row_words<S>(from + (r + i) * stride + w * per, length - w * per) : vu{};
            transpose(rows);
            if constexpr (in_pairs<S>) {
                for (int64_t i = 0; i < left; i += 2) store_pairs(to + word_place<S>(w + i, r, width), rows[i], rows[i + 1], width - r);
            } else {
                for (int64_t i = 0; i < left; ++i) store_words(to + word_place<S>(w + i, r, width), rows[i], width - r);
            }
        }
    }
}

// Packs a panel of `count` columns (at most `width`) of a matrix whose rows are summed over, `length` of them.
template <class S, class From>
void pack_columns_panel(const From *from, int64_t stride, int64_t count, int64_t length, int64_t width, uint32_t *to) {
    constexpr int64_t per = Words<S>::per;
    auto words_at = [&](int64_t w, int64_t c) __attribute__((always_inline)) {
        const From *first = from + w * per * stride + c;
        return pair_words<S>(first, w * per + 1 < length ? first + stride : nullptr, count - c);
    };
    if constexpr (in_pairs<S>) {
        for (int64_t w = 0; w < words<S>(length); w += 2)
            for (int64_t c = 0; c < width; c += 16)
                store_pairs(to + word_place<S>(w, c, width), words_at(w, c), (w + 1) * per < length ? words_at(w + 1, c) : vu{}, width - c);
        return;
    }
    for (int64_t w = 0; w < words<S>(length); ++w)
        for (int64_t c = 0; c < width; c += 16)
            store_words(to + w * width + c, on_tiles<S> && w * per >= length ? vu{} : words_at(w, c), width - c);
}

// Packs a panel of a left operand: `count` rows, padded with zeros to `height` on AMX tiles.
template <class S, class From>
void pack_left_panel(const From *from, int64_t stride, int64_t count, int64_t length, int64_t height, uint32_t *to) {
    if constexpr (!on_tiles<S>) {
        pack_rows_panel<S>(from, stride, count, length, height, to);
    } else {
        // Sixteen words of each row, then the next sixteen.
        for (int64_t r = 0; r < height; ++r)
            for (int64_t w = 0; w < words<S>(length); w += 16)
                store_as(to + w * height + r * 16,
                         r < count ? row_words<S>(from + r * stride + w * 2, length - w * 2) : vu{});
    }
}

// Packs words w ..< w + 16 of a panel of a left operand for AMX tiles, from a matrix whose rows are summed over, `length` of them.
template <class S, class From>
CT_INLINE void pack_left_columns(const From *from, int64_t stride, int64_t count, int64_t length, int64_t height, int64_t w,
                                 uint32_t *to) {
    for (int64_t r = 0; r < height; r += 16) {
        vu rows[16];
        for (int64_t i = 0; i < 16; ++i) {
            int64_t place = (w + i) * 2;
            const From *first = from + place * stride + r;
            rows[i] = place < length ? pair_words<S>(first, place + 1 < length ? first + stride : nullptr, count - r) : vu{};
        }
        transpose(rows);
        for (int64_t i = 0; i < std::min<int64_t>(16, height - r); ++i) store_as(to + w * height + (r + i) * 16, rows[i]);
    }
}

// MARK: Operands

// How `rows` rows are cut into panels of equal height.
template <class S>
struct RowPanels {
    explicit RowPanels(int64_t rows)
        : count((rows + panel_rows<S> - 1) / panel_rows<S>), height(count > 0 ? (rows + count - 1) / count : 1), rows(rows) {}
    int64_t rows_of(int64_t panel) const { return std::min(height, rows - panel * height); }
    int64_t count, height, rows;
};

// Words that operands of these sizes take.
template <class S>
CT_INLINE int64_t left_words(int64_t rows, int64_t length) {
    RowPanels<S> panels(rows);
    return panels.count * panels.height * words<S>(length);
}
template <class S>
CT_INLINE int64_t right_words(int64_t columns, int64_t length) {
    return (columns + 31) / 32 * 32 * words<S>(length);
}

template <class S, class From>
void pack_left(const From *from, int64_t stride, int64_t rows, int64_t length, uint32_t *to) {
    RowPanels<S> panels(rows);
    for (int64_t p = 0; p < panels.count; ++p)
        pack_left_panel<S>(from + p * panels.height * stride, stride, panels.rows_of(p), length, panels.height,
                           to + p * panels.height * words<S>(length));
}

// The left operand is the transpose of `from` (length, rows).
template <class S, class From>
void pack_left_transposed(const From *from, int64_t stride, int64_t rows, int64_t length, uint32_t *to) {
    RowPanels<S> panels(rows);
    for (int64_t p = 0; p < panels.count; ++p) {
        const From *first = from + p * panels.height;
        uint32_t *panel = to + p * panels.height * words<S>(length);
        if constexpr (on_tiles<S>) {
            for (int64_t w = 0; w < words<S>(length); w += 16)
                pack_left_columns<S>(first, stride, panels.rows_of(p), length, panels.height, w, panel);
        } else {
            pack_columns_panel<S>(first, stride, panels.rows_of(p), length, panels.height, panel);
        }
    }
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

CT_INLINE int64_t panels_of(int64_t columns) { return (columns + 31) / 32; }
