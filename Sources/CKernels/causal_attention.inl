// Causal attention of decoders, a text and a head of keys at a time: each token attends to the tokens up to it, within a window; in
// encoders also to those after it.
// The heads of queries that one head of keys serves share its packed operands. As in attention.inl, scores never leave the cache,
// and the backward pass recomputes them. Each row's sums have one order, whatever the other rows.

// The places of rows in their text: those of tokens that follow each other, or one place for all.
struct Places {
    int64_t first = 0, step = 1;
    int64_t of(int64_t row) const { return first + row * step; }
};

// One text's part of a head of keys and values, and rows of queries that attend to it, rotated: one of its heads at the text's last
// tokens, or all of its heads at one token.
template <class S>
struct CausalHead {
    const CausalShape &shape;
    int64_t length;        // keys
    const S *query, *key;  // (rows, D), (length, D)
    int64_t query_stride, key_stride;
    int64_t rows;  // of queries
    Places places = {};

    // The first token that row `row` attends to, and the one after the last.
    int64_t begin(int64_t row) const {
        return shape.window > 0 ? std::max<int64_t>(0, places.of(row) - shape.window + 1) : 0;
    }
    int64_t end(int64_t row) const { return std::min(length, places.of(row) + 1 + shape.ahead); }
};

// Rotates rows by their places, forwards or backwards (`sign` -1): dimension d of the first half with that half a head later.
template <class From, class To>
void rotate_rows(const CausalShape &shape, const From *from, int64_t from_stride, int64_t rows, Places places, float sign, To *to,
                 int64_t to_stride) {
    int64_t half = shape.width / 2;
    for (int64_t row = 0; row < rows; ++row) {
        const From *x = from + row * from_stride;
        To *y = to + row * to_stride;
        const float *cosine = shape.cosine + places.of(row) * half, *sine = shape.sine + places.of(row) * half;
        for (int64_t d = 0; d < half; d += 16) {
            int64_t left = half - d;
            vf c = load_part(cosine + d, left), s = load_part(sine + d, left) * sign;
            vf low = load_part(x + d, left), high = load_part(x + half + d, left);
            store_part(y + d, low * c - high * s, left);
            store_part(y + half + d, high * c + low * s, left);
        }
    }
}

// The rows of heads as attention reads them: normalized by the weights `norm`, if any, and rotated, into scratch memory; or as they are.
template <class S>
const S *rotated(const CausalShape &shape, const float *norm, const S *from, int64_t &stride, int64_t rows, Places places, Slot slot) {
    if (!shape.cosine && !norm) return from;
    int64_t width = shape.width;
    S *to = scratch<S>(slot, rows * width);
    if (!norm) {
        rotate_rows(shape, from, stride, rows, places, 1.0f, to, width);
    } else {
        float *normalized = scratch<float>(Slot::causal_row, width);
        for (int64_t row = 0; row < rows; ++row) {
            rms_row(from + row * stride, width, norm, shape.norm_epsilon, shape.norm_offset, normalized);
            if (shape.cosine) {
                rotate_rows(shape, normalized, width, 1, Places{places.of(row), 0}, 1.0f, to + row * width, width);
            } else {
                for (int64_t d = 0; d < width; d += 16) store_part(to + row * width + d, load_part(normalized + d, width - d), width - d);
            }
        }
    }
    stride = width;
    return to;
}

// The columns of scores that rows first ..< first + rows of a panel need, in whole panels of keys.
template <class S>
struct KeyRange {
    KeyRange(const CausalHead<S> &head, int64_t first, int64_t rows)
        : panel_begin(head.begin(first) / 32), panel_end(panels_of(head.end(first + rows - 1))), begin(panel_begin * 32),
          end(std::min(head.length, panel_end * 32)), padded((panel_end - panel_begin) * 32) {}
    int64_t panel_begin, panel_end, begin, end, padded;
};

// Keys, or values by which gradients are multiplied, in panels of 32 tokens of `total` words each, one after another.
struct PanelsInOrder {
    const uint32_t *words;
    int64_t total;
    const uint32_t *panel(int64_t p) const { return words + p * 32 * total; }
};

// A text's packed keys and values of one head; a panel of values has `all` words.
template <class S>
struct PackedHead {
    PanelsInOrder keys;
    const uint32_t *values;
    int64_t all;
    // tile = weights (rows, the range's tokens) · dimensions 32p … of the values
    void multiply(const KeyRange<S> &range, int64_t p, const uint32_t *weights, int64_t height, int64_t rows, float *tile) const {
        multiply_tile<S>(rows, words<S>(range.end - range.begin), weights, height, values + (p * all + range.begin / Words<S>::per) * 32, tile);
    }
};

// Scores of the rows of one panel against the keys of a range, (rows, padded).
template <class S, class Keys>
CT_INLINE void causal_scores(const KeyRange<S> &range, int64_t total, const uint32_t *left, int64_t height, int64_t rows,
                             const Keys &keys, float *scores) {
    alignas(64) float tile[panel_rows<S> * 32];
    for (int64_t p = range.panel_begin; p < range.panel_end; ++p) {
        multiply_tile<S>(rows, total, left, height, keys.panel(p), tile);
        float *to = scores + (p - range.panel_begin) * 32;
        for (int64_t r = 0; r < rows; ++r) {
            store(to + r * range.padded, load(tile + r * 32));
            store(to + r * range.padded + 16, load(tile + r * 32 + 16));
        }
    }
}

CT_INLINE void fill(float *row, int64_t begin, int64_t end, float value) {
    for (int64_t c = begin; c < end; ++c) row[c] = value;
}

// Softmax of a row's columns begin ..< end in place, the others zero; returns the logarithm of the sum of exponentials.
CT_INLINE float softmax_columns(float *row, int64_t begin, int64_t end, int64_t padded, float scale) {
    fill(row, 0, begin, -3.0e38f);
    fill(row, end, padded, -3.0e38f);
    vf top = splat(-3.0e38f);
    for (int64_t c = 0; c < padded; c += 16) top = maximum(top, load(row + c));
    float highest = largest(top) * scale;
    int64_t first = begin / 16 * 16, last = (end + 15) / 16 * 16;
    fill(row, 0, first, 0);
    fill(row, last, padded, 0);
    vf total = vf{};
    for (int64_t c = first; c < last; c += 16) {
        store(row + c, exponential(load(row + c) * scale - highest));
        if (c < begin) fill(row, c, begin, 0);
        if (c + 16 > end) fill(row, end, c + 16, 0);
        total += load(row + c);
    }
    float all = sum(total);
    vf share = splat(1.0f / all);
    for (int64_t c = first; c < last; c += 16) store(row + c, load(row + c) * share);
    return highest + __builtin_logf(all);
}

// Writes the context of the rows to `context` (rows, D), from packed keys and values.
template <class S, class Held>
void causal_attend(const CausalHead<S> &head, const Held &held, S *context, int64_t stride, float *log_sum) {
    int64_t width = head.shape.width, total = words<S>(width);
    RowPanels<S> panels(head.rows);
    uint32_t *queries = scratch<uint32_t>(Slot::head_queries, left_words<S>(head.rows, width));
    float *scores = scratch<float>(Slot::head_scores, panel_rows<S> * panels_of(head.length) * 32);
    uint32_t *weights = scratch<uint32_t>(Slot::head_weights, left_words<S>(panel_rows<S>, head.length + 32));
    pack_left<S>(head.query, head.query_stride, head.rows, width, queries);
    alignas(64) float tile[panel_rows<S> * 32];
    TileShapes<S> shapes(panels.height);
    for (int64_t i = 0; i < panels.count; ++i) {
        int64_t first = i * panels.height, rows = panels.rows_of(i);
        KeyRange<S> range(head, first, rows);
        causal_scores(range, total, queries + first * total, panels.height, rows, held.keys, scores);
        for (int64_t r = 0; r < rows; ++r) {
            float logarithm = softmax_columns(scores + r * range.padded, head.begin(first + r) - range.begin,
                                              head.end(first + r) - range.begin, range.padded, head.shape.scale);
            if (log_sum) log_sum[first + r] = logarithm;
        }
        int64_t count = range.end - range.begin;
        pack_left_panel<S>(scores, range.padded, rows, count, panels.height, weights);
        for (int64_t p = 0; p < panels_of(width); ++p) {
            held.multiply(range, p, weights, panels.height, rows, tile);
            int64_t left = width - p * 32;
            for (int64_t r = 0; r < rows; ++r) {
                S *to = context + (first + r) * stride + p * 32;
                store_part(to, load(tile + r * 32), left);
                if (left > 16) store_part(to + 16, load(tile + r * 32 + 16), left - 16);
            }
        }
    }
}

CT_INLINE int64_t causal_cost(const CausalShape &shape, const Sequences &sequences) {
    int64_t length = sequences.tokens() / std::max<int64_t>(1, sequences.count);
    return shape.heads / shape.key_value_heads * (product_cost(length, shape.width, length) + element_cost(length * length));
}

template <class S>
void causal_forward(const CausalForward &call) {
    const CausalShape &shape = call.shape;
    int64_t width = shape.width, group = shape.heads / shape.key_value_heads, tokens = call.sequences.tokens();
    parallel_tasks(call.sequences.count * shape.key_value_heads, causal_cost(shape, call.sequences), [&](int64_t task) {
        int64_t s = task / shape.key_value_heads, k = task % shape.key_value_heads, start = call.sequences.offsets[s];
        int64_t length = call.sequences.offsets[s + 1] - start, stride = shape.key_value_heads * width, key_stride = stride;
        const S *key = rotated(shape, shape.key_norm, static_cast<const S *>(call.key) + start * stride + k * width, key_stride, length,
                               Places{}, Slot::causal_key);
        uint32_t *keys = scratch<uint32_t>(Slot::head_keys, right_words<S>(length, width));
        uint32_t *values = scratch<uint32_t>(Slot::head_values, right_words<S>(width, length));
        pack_right_transposed<S>(key, key_stride, length, width, 0, panels_of(length), keys);
        pack_right<S>(static_cast<const S *>(call.value) + start * stride + k * width, stride, width, length, 0, panels_of(width),
                      values);
        for (int64_t h = k * group; h < (k + 1) * group; ++h) {
            int64_t row = start * shape.heads * width + h * width, query_stride = shape.heads * width;
            const S *query = rotated(shape, shape.query_norm, static_cast<const S *>(call.query) + row, query_stride, length, Places{},
                                     Slot::causal_query);
            CausalHead<S> head{shape, length, query, key, query_stride, key_stride, length};
            causal_attend<S>(head, PackedHead<S>{{keys, words<S>(width)}, values, words<S>(length)},
                             static_cast<S *>(call.context) + row, shape.heads * width,
                             call.log_sum ? call.log_sum + h * tokens + start : nullptr);
        }
    });
}
