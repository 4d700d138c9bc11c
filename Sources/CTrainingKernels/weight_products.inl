// Gradients of weights: products of two matrices over their rows, the batch's tokens, the first of them transposed. Several
// products are computed together, so that the threads share blocks of all.

// to (M, N) = leftᵀ (rows, M) · right (rows, N), or its transpose.
template <class S>
struct WeightProduct {
    const S *left;
    int64_t m;
    const S *right;            // null if `right_float` is given
    const float *right_float;
    int64_t rows;
    float *to;
    bool transposed;

    bool reads_as(const WeightProduct &other) const {
        return right == other.right && right_float == other.right_float && rows == other.rows;
    }
};

// Packs `count` columns of `length` rows in one pass over the rows, panel by panel.
template <class S>
void pack_left_block(const S *from, int64_t stride, int64_t count, int64_t length, uint32_t *to) {
    RowPanels<S> panels(count);
    int64_t total = words<S>(length);
    constexpr int64_t per = Words<S>::per;
    if constexpr (on_tiles<S>) {
        for (int64_t w = 0; w < total; w += 16)
            for (int64_t p = 0; p < panels.count; ++p) {
                int64_t column = p * panels.height;
                pack_left_columns<S>(from + column, stride, panels.rows_of(p), length, panels.height, w, to + column * total);
            }
        return;
    }
    if constexpr (in_pairs<S>) return pack_left_transposed<S>(from, stride, count, length, to);
    for (int64_t w = 0; w < total; ++w) {
        const S *first = from + w * per * stride, *second = w * per + 1 < length ? first + stride : nullptr;
        for (int64_t c = 0; c < count; c += 64 / static_cast<int64_t>(sizeof(S))) {
            __builtin_prefetch(first + 16 * stride + c);
            if (per == 2) __builtin_prefetch(first + 17 * stride + c);
        }
        for (int64_t p = 0; p < panels.count; ++p) {
            int64_t column = p * panels.height;
            store_words(to + column * total + w * panels.height,
                        pair_words<S>(first + column, second ? second + column : nullptr, panels.rows_of(p)),
                        panels.height);
        }
    }
}

// Adds (or writes) a tile, transposed or not, to a matrix.
CT_INLINE void add_tile(const float *tile, int64_t height, int64_t count, float *to, int64_t stride, bool transposed,
                        bool add) {
    if (!transposed) {
        for (int64_t i = 0; i < height; ++i)
            for (int64_t half = 0; half < count; half += 16) {
                float *at = to + i * stride + half;
                vf x = load(tile + i * 32 + half);
                store_part(at, add ? x + load_part(at, count - half) : x, count - half);
            }
        return;
    }
    for (int64_t r = 0; r < height; r += 16)
        for (int64_t half = 0; half < count; half += 16) {
            vu rows[16];
            for (int64_t i = 0; i < 16; ++i) rows[i] = r + i < height ? (vu)load(tile + (r + i) * 32 + half) : vu{};
            transpose(rows);
            for (int64_t j = 0; j < std::min<int64_t>(16, count - half); ++j) {
                float *at = to + (half + j) * stride + r;
                store_part(at, add ? (vf)rows[j] + load_part(at, height - r) : (vf)rows[j], height - r);
            }
        }
}

// Matrix products, transposed on the left, of several weights at once: right operands are `hidden` wide, and no operand has more
// than `tokens` rows. One of no rows is left out.
template <class S, int64_t count>
void weight_products(const WeightProduct<S> (&products)[count], int64_t hidden, int64_t tokens) {
    constexpr int64_t block = (on_tiles<S> ? 4 : 8) * panel_rows<S>, chunk = 4096 / static_cast<int64_t>(sizeof(S));
    int64_t panels = panels_of(hidden);
    int64_t starts[count + 1] = {0};
    for (int64_t i = 0; i < count; ++i) starts[i + 1] = starts[i] + (products[i].rows > 0 ? (products[i].m + block - 1) / block : 0);
    // Products of one right operand share what is packed of it.
    int64_t owners[count], places[count], distinct = 0;
    for (int64_t i = 0; i < count; ++i) {
        owners[i] = 0;
        while (owners[i] < i && !products[owners[i]].reads_as(products[i])) ++owners[i];
        places[i] = owners[i] < i ? places[owners[i]] : distinct++;
    }
    uint32_t *packed = scratch<uint32_t>(Slot::gradient_right, distinct * right_words<S>(hidden, std::min(chunk, tokens)));
    for (int64_t begin = 0; begin < tokens; begin += chunk) {
        auto rows_of = [&](int64_t i) { return std::max<int64_t>(0, std::min(chunk, products[i].rows - begin)); };
        auto right_of = [&](int64_t i) { return packed + places[i] * right_words<S>(hidden, std::min(chunk, tokens)); };
        parallel_tasks(count * panels, element_cost(32 * std::min(chunk, tokens)), [&](int64_t task) {
            int64_t i = task / panels, p = task % panels, rows = rows_of(i);
            const WeightProduct<S> &product = products[i];
            if (rows == 0 || owners[i] < i) return;
            if (product.right) pack_right<S>(product.right + begin * hidden, hidden, hidden, rows, p, p + 1, right_of(i));
            else pack_right<S>(product.right_float + begin * hidden, hidden, hidden, rows, p, p + 1, right_of(i));
        });
        parallel_tasks(starts[count], product_cost(std::min(chunk, tokens), block, hidden), [&](int64_t task) {
            int64_t i = 0;
            while (task >= starts[i + 1]) ++i;
            const WeightProduct<S> &product = products[i];
            int64_t rows = rows_of(i), m = (task - starts[i]) * block, size = std::min(block, product.m - m);
            if (rows == 0) return;
            uint32_t *left = scratch<uint32_t>(Slot::block_left, left_words<S>(size, rows));
            pack_left_block<S>(product.left + begin * product.m + m, product.m, size, rows, left);
            // So many words at a time that a packed panel of the right operand stays in the L1 cache; on tiles in the L2 cache, as
            // adding up takes longer than a product of so few.
            constexpr int64_t step = on_tiles<S> ? 512 : 128;
            for (int64_t w = 0; w < words<S>(rows); w += step)
                multiply_words<S>(left, size, rows, right_of(i), hidden, 0, panels, w, std::min(w + step, words<S>(rows)),
                                  [&](int64_t r, int64_t column, int64_t height, int64_t width, const float *tile) {
                                      float *at = product.transposed ? product.to + column * product.m + m + r
                                                                     : product.to + (m + r) * hidden + column;
                                      add_tile(tile, height, width, at, product.transposed ? product.m : hidden,
                                               product.transposed, begin > 0 || w > 0);
                                  });
        });
    }
}
