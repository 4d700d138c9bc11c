// The innermost products on NEON: up to six rows by 32 columns, in passes over as many columns as 24 of the 32 registers hold sums for.
//
// Three instructions read the operands as they are packed for every processor, a word of four columns by a word of one row: FMLA for
// float32 (and bfloat16, widened by shifts), SDOT for int8, SMULL with SADALP for int8 before Armv8.2. The matrix instructions SMMLA
// and BFMMLA multiply two rows by two columns, and read two words of each beside each other (`in_pairs`). Arm, "Architecture Reference
// Manual for A-profile architecture", C7.2.
//
// Activations in int8 are signed here: `quantize_row` subtracts 128.

template <int... i, class Body>
CT_INLINE void each_index(std::integer_sequence<int, i...>, Body &&body) {
    (body(std::integral_constant<int, i>{}), ...);
}
// Calls `body` with constants 0 ..< count.
template <int count, class Body>
CT_INLINE void each(Body &&body) {
    each_index(std::make_integer_sequence<int, count>{}, body);
}

// `count` words, the others of the register zero; nothing beyond them is read.
template <int count>
CT_INLINE uint32x4_t load_words(const uint32_t *from) {
    if constexpr (count >= 4) return vld1q_u32(from);
    else if constexpr (count == 3) return vld1q_lane_u32(from + 2, vcombine_u32(vld1_u32(from), vdup_n_u32(0)), 2);
    else if constexpr (count == 2) return vcombine_u32(vld1_u32(from), vdup_n_u32(0));
    else if constexpr (count == 1) return vld1q_lane_u32(from, vdupq_n_u32(0), 0);
    else return vdupq_n_u32(0);
}

// MARK: A word of a row by four columns

// The sums of `rows` rows by 4 · `quads` columns over a word; `a` has rows 0 … 3 and 4 … 5.
template <class S, int rows, int quads>
CT_INLINE void add_products(float32x4_t (&sums)[rows][quads], const uint32x4_t (&a)[2], const uint32_t *right) {
    each<quads>([&](auto q) __attribute__((always_inline)) {
        uint32x4_t b = vld1q_u32(right + 4 * q);
        each<rows>([&](auto r) __attribute__((always_inline)) {
            float32x4_t &sum = sums[r][q];
            constexpr int lane = r % 4;
            uint32x4_t x = a[r / 4];
            if constexpr (std::is_same_v<S, float>) {
                sum = vfmaq_laneq_f32(sum, vreinterpretq_f32_u32(b), vreinterpretq_f32_u32(x), lane);
            } else if constexpr (std::is_same_v<S, bf16>) {
                const uint32x4_t high = vdupq_n_u32(0xFFFF0000u);
                sum = vfmaq_laneq_f32(sum, vreinterpretq_f32_u32(vshlq_n_u32(b, 16)), vreinterpretq_f32_u32(vshlq_n_u32(x, 16)), lane);
                sum = vfmaq_laneq_f32(sum, vreinterpretq_f32_u32(vandq_u32(b, high)), vreinterpretq_f32_u32(vandq_u32(x, high)), lane);
            } else {
#if CT_DOTPROD
                sum = vreinterpretq_f32_s32(
                    vdotq_laneq_s32(vreinterpretq_s32_f32(sum), vreinterpretq_s8_u32(b), vreinterpretq_s8_u32(x), lane));
#endif
            }
        });
    });
}

template <class S, int rows, int quads>
CT_INLINE void multiply_lanes(int64_t length, const uint32_t *left, int64_t height, const uint32_t *right, float *tile, bool onto) {
    float32x4_t sums[rows][quads];
    for (int r = 0; r < rows; ++r)
        for (int q = 0; q < quads; ++q) sums[r][q] = onto ? vld1q_f32(tile + r * 32 + 4 * q) : vdupq_n_f32(0);
    for (int64_t w = 0; w < length; ++w) {
        const uint32x4_t a[2] = {load_words<rows>(left), load_words<rows - 4>(left + 4)};
        add_products<S, rows, quads>(sums, a, right);
        left += height;
        right += 32;
    }
    for (int r = 0; r < rows; ++r)
        for (int q = 0; q < quads; ++q) vst1q_f32(tile + r * 32 + 4 * q, sums[r][q]);
}

// MARK: Bytes before Armv8.2

// Products of 8 bits as 16, added in pairs to sums of 32: each register has the halves of two columns' sums.
template <int rows, int quads>
CT_INLINE void multiply_bytes(int64_t length, const uint32_t *left, int64_t height, const uint32_t *right, float *tile) {
    int32x4_t sums[rows][2 * quads];
    for (auto &row : sums)
        for (int32x4_t &sum : row) sum = vdupq_n_s32(0);
    for (int64_t w = 0; w < length; ++w) {
        const uint32x4_t a[2] = {load_words<rows>(left), load_words<rows - 4>(left + 4)};
        each<quads>([&](auto q) __attribute__((always_inline)) {
            int8x16_t b = vreinterpretq_s8_u32(vld1q_u32(right + 4 * q));
            each<rows>([&](auto r) __attribute__((always_inline)) {
                int8x16_t x = vreinterpretq_s8_u32(vdupq_laneq_u32(a[r / 4], r % 4));
                sums[r][2 * q] = vpadalq_s16(sums[r][2 * q], vmull_s8(vget_low_s8(b), vget_low_s8(x)));
                sums[r][2 * q + 1] = vpadalq_s16(sums[r][2 * q + 1], vmull_high_s8(b, x));
            });
        });
        left += height;
        right += 32;
    }
    for (int r = 0; r < rows; ++r)
        for (int q = 0; q < quads; ++q)
            vst1q_f32(tile + r * 32 + 4 * q, vreinterpretq_f32_s32(vpaddq_s32(sums[r][2 * q], sums[r][2 * q + 1])));
}

// MARK: Two rows by two columns

#if CT_I8MM
template <class S>
CT_INLINE float32x4_t add_block(float32x4_t sum, uint32x4_t a, uint32x4_t b) {
    if constexpr (std::is_same_v<S, bf16>) {
#if CT_BFMMLA
        return vbfmmlaq_f32(sum, vreinterpretq_bf16_u32(a), vreinterpretq_bf16_u32(b));
#endif
    } else {
        return vreinterpretq_f32_s32(vmmlaq_s32(vreinterpretq_s32_f32(sum), vreinterpretq_s8_u32(a), vreinterpretq_s8_u32(b)));
    }
}

// The sums of rows 2i and 2i + 1 by columns 2j and 2j + 1 are those of `sums[i][j]`, row by row.
template <class S, int rows, int pairs>
CT_INLINE void multiply_pairs(int64_t length, const uint32_t *left, int64_t height, const uint32_t *right, float *tile, bool onto) {
    constexpr int row_pairs = (rows + 1) / 2;
    float32x4_t sums[row_pairs][pairs];
    for (int i = 0; i < row_pairs; ++i)
        for (int j = 0; j < pairs; ++j) {
            const float *from = tile + 2 * i * 32 + 2 * j;
            sums[i][j] = vdupq_n_f32(0);
            if (onto) sums[i][j] = vcombine_f32(vld1_f32(from), 2 * i + 1 < rows ? vld1_f32(from + 32) : vdup_n_f32(0));
        }
    for (int64_t w = 0; w < length; w += 2) {
        uint32x4_t a[row_pairs];
        each<row_pairs>([&](auto i) __attribute__((always_inline)) {
            a[i] = load_words<(2 * i + 1 < rows ? 4 : 2)>(left + 4 * i);
        });
        each<pairs>([&](auto j) __attribute__((always_inline)) {
            uint32x4_t b = vld1q_u32(right + 4 * j);
            each<row_pairs>([&](auto i) __attribute__((always_inline)) { sums[i][j] = add_block<S>(sums[i][j], a[i], b); });
        });
        left += 2 * height;
        right += 64;
    }
    for (int i = 0; i < row_pairs; ++i)
        for (int j = 0; j < pairs; j += 2) {
            float32x4_t x = sums[i][j], y = sums[i][j + 1];
            vst1q_f32(tile + 2 * i * 32 + 2 * j, vcombine_f32(vget_low_f32(x), vget_low_f32(y)));
            if (2 * i + 1 < rows)
                vst1q_f32(tile + (2 * i + 1) * 32 + 2 * j, vcombine_f32(vget_high_f32(x), vget_high_f32(y)));
        }
}
#endif

// MARK: Tiles

// tile[r][c] = Σ_w left[r][w] · right[w][c], of panels as they are packed; `onto` adds to what the tile holds, not in int8.
template <class S, int rows>
__attribute__((noinline)) void multiply_tile(int64_t length, const uint32_t *left, int64_t height, const uint32_t *right, float *tile,
                                             bool onto = false) {
    if constexpr (in_pairs<S>) {
#if CT_I8MM
        constexpr int pairs = rows <= 2 ? 16 : 8;
        for (int c = 0; c < 32; c += 2 * pairs) multiply_pairs<S, rows, pairs>(length, left, height, right + 2 * c, tile + c, onto);
#endif
    } else if constexpr (std::is_same_v<S, int8_t> && !CT_DOTPROD) {
        // Products and repeated words take registers too.
        constexpr int quads = rows <= 2 ? 4 : 2, upper = rows == 6 ? 3 : rows;
        for (int c = 0; c < 32; c += 4 * quads) {
            multiply_bytes<upper, quads>(length, left, height, right + c, tile + c);
            if constexpr (upper < rows)
                multiply_bytes<rows - upper, quads>(length, left + upper, height, right + c, tile + upper * 32 + c);
        }
    } else {
        // So do the halves of pairs of bfloat16.
        constexpr bool halves = std::is_same_v<S, bf16>;
        constexpr int quads = rows <= (halves ? 2 : 3) ? 8 : halves && rows > 4 ? 2 : 4;
        for (int c = 0; c < 32; c += 4 * quads) multiply_lanes<S, rows, quads>(length, left, height, right + c, tile + c, onto);
    }
}
