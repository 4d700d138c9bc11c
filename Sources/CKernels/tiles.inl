// Matrix products of bfloat16 on AMX tiles: registers of up to sixteen rows of sixteen 32-bit words (Intel, "Intel Architecture
// Instruction Set Extensions Programming Reference", chapter 3).
//
// Two tiles load a packed panel of the right operand as it is, sixteen of its 32 columns each. A block of 32 rows and 32 columns
// takes all eight tiles: four of sums, two of each operand. Sums are taken over sixteen words at a time, from first to last,
// whichever tile a row falls into.

// The tile configuration for panels of `height` rows. It is set for a piece of work and released after it, as libtorch's own
// products configure the tiles of the same threads.
template <>
struct TileShapes<bf16> {
    explicit TileShapes(int64_t height) {
        struct alignas(64) {
            uint8_t palette = 1, start_row = 0, reserved[14] = {};
            uint16_t row_bytes[16] = {};
            uint8_t rows[16] = {};
        } shapes;
        auto upper = static_cast<uint8_t>(std::min<int64_t>(16, height)), lower = static_cast<uint8_t>(height - upper);
        // Four tiles of sums, two of the left operand, two of the right. For up to sixteen rows the sums are of two panels
        // of the right operand.
        const uint8_t below = lower > 0 ? lower : upper;
        const uint8_t rows[8] = {upper, upper, below, below, upper, below, 16, 16};
        for (int i = 0; i < 8; ++i) {
            shapes.row_bytes[i] = 64;
            shapes.rows[i] = rows[i];
        }
        _tile_loadconfig(&shapes);
    }
    ~TileShapes() { _tile_release(); }
    TileShapes(const TileShapes &) = delete;
};

// The part of the right operand to prefetch into the L2 cache during a product: `lines` cache lines per sixteen words.
struct Ahead {
    const uint32_t *words = nullptr;
    int64_t lines = 0;
    __attribute__((always_inline)) void fetch() {
        for (int64_t i = 0; i < lines; ++i) __builtin_prefetch(words + i * 16, 0, 2);
        words += lines * 16;
    }
};

// tile[r][c] = Σ_w left[r][w] · right[w * 32 + c] for 17 … 32 rows; `onto` adds to what the tile holds.
inline __attribute__((noinline)) void multiply_rows_on_tiles(int64_t length, const uint32_t *left, int64_t height, const uint32_t *right,
                                                             float *tile, Ahead ahead, bool onto = false) {
    if (onto) {
        _tile_loadd(0, tile, 128);
        _tile_loadd(1, tile + 16, 128);
        _tile_loadd(2, tile + 16 * 32, 128);
        _tile_loadd(3, tile + 16 * 32 + 16, 128);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (int64_t w = 0; w < length; w += 16) {
        _tile_loadd(6, right, 128);
        _tile_loadd(4, left, 64);
        _tile_loadd(7, right + 16, 128);
        _tile_loadd(5, left + 256, 64);
        _tile_dpbf16ps(0, 4, 6);
        ahead.fetch();
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
        left += height * 16;
        right += 32 * 16;
    }
    _tile_stored(0, tile, 128);
    _tile_stored(1, tile + 16, 128);
    _tile_stored(2, tile + 16 * 32, 128);
    _tile_stored(3, tile + 16 * 32 + 16, 128);
}

// The same for up to 16 rows.
inline __attribute__((noinline)) void multiply_few_on_tiles(int64_t length, const uint32_t *left, int64_t height, const uint32_t *right,
                                                            float *tile, bool onto = false) {
    if (onto) {
        _tile_loadd(0, tile, 128);
        _tile_loadd(1, tile + 16, 128);
    } else {
        _tile_zero(0);
        _tile_zero(1);
    }
    for (int64_t w = 0; w < length; w += 16) {
        _tile_loadd(4, left, 64);
        _tile_loadd(6, right, 128);
        _tile_loadd(7, right + 16, 128);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        left += height * 16;
        right += 32 * 16;
    }
    _tile_stored(0, tile, 128);
    _tile_stored(1, tile + 16, 128);
}

// The same for two panels of the right operand, `next` words apart: four independent sums hide the latency of the products.
inline __attribute__((noinline)) void multiply_two_on_tiles(int64_t length, const uint32_t *left, int64_t height, const uint32_t *right,
                                                            int64_t next, float *tile, float *next_tile, Ahead ahead) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t w = 0; w < length; w += 16) {
        _tile_loadd(4, left, 64);
        _tile_loadd(6, right, 128);
        _tile_loadd(7, right + 16, 128);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        ahead.fetch();
        _tile_loadd(6, right + next, 128);
        _tile_loadd(7, right + next + 16, 128);
        _tile_dpbf16ps(2, 4, 6);
        _tile_dpbf16ps(3, 4, 7);
        left += height * 16;
        right += 32 * 16;
    }
    _tile_stored(0, tile, 128);
    _tile_stored(1, tile + 16, 128);
    _tile_stored(2, next_tile, 128);
    _tile_stored(3, next_tile + 16, 128);
}

CT_INLINE void multiply_on_tiles(int64_t length, const uint32_t *left, int64_t height, const uint32_t *right, float *tile,
                                 bool onto = false) {
    if (height > 16) multiply_rows_on_tiles(length, left, height, right, tile, {}, onto);
    else multiply_few_on_tiles(length, left, height, right, tile, onto);
}

// `multiply_words` on tiles; a row of an operand has `total` words. While one panel of the right operand is multiplied, the next
// one is prefetched: weights are larger than the L2 cache.
template <class Take>
CT_INLINE void multiply_words_on_tiles(const uint32_t *left, int64_t rows, int64_t total, const uint32_t *right, int64_t columns,
                                       int64_t first, int64_t last, int64_t begin, int64_t end, Take &&take) {
    RowPanels<bf16> panels(rows);
    TileShapes<bf16> shapes(panels.height);
    alignas(64) float tile[32 * 32];
    auto panel = [&](int64_t p) { return right + (p * total + begin) * 32; };
    auto width = [&](int64_t p) { return std::min<int64_t>(32, columns - p * 32); };
    int64_t length = end - begin, lines = (32 + panels.count - 1) / panels.count;
    for (int64_t p = first; p < last; ++p) {
        if (panels.height <= 16 && p + 1 < last) {
            Ahead ahead = p + 3 < last && begin == 0 && end == total ? Ahead{panel(p + 2), 64} : Ahead{};
            multiply_two_on_tiles(length, left + begin * panels.height, panels.height, panel(p), total * 32, tile, tile + 16 * 32, ahead);
            take(0, p * 32, rows, width(p), tile);
            take(0, p * 32 + 32, rows, width(p + 1), tile + 16 * 32);
            ++p;
            continue;
        }
        for (int64_t i = 0; i < panels.count; ++i) {
            const uint32_t *from = left + (i * total + begin) * panels.height;
            Ahead ahead = p + 1 < last ? Ahead{panel(p + 1) + i * lines * length, lines} : Ahead{};
            if (panels.height > 16) multiply_rows_on_tiles(length, from, panels.height, panel(p), tile, ahead);
            else multiply_few_on_tiles(length, from, panels.height, panel(p), tile);
            take(i * panels.height, p * 32, panels.rows_of(i), width(p), tile);
        }
    }
}
