// Causal attention, backward: blocks of rows of each head of queries, from first to last, add to the gradients of their head of
// keys and values, which are summed in float32.

// to[c] = from[c], in another type
template <class S>
CT_INLINE void write_row(const float *from, int64_t width, S *to) {
    for (int64_t c = 0; c < width; c += 16) store_part(to + c, load_part(from + c, width - c), width - c);
}

// What all heads of queries of one head of keys share.
template <class S>
struct CausalGroup {
    const uint32_t *keys;             // keys as the right operand of scores
    const uint32_t *values;           // values as the right operand of the probabilities' gradients
    float *key_gradient, *value_gradient;  // (length, D) sums
};

// Turns a row's scores `p` and gradients `d` of its probabilities into the probabilities and the gradients of the scores.
template <class S>
CT_INLINE void causal_softmax_backward(int64_t begin, int64_t end, int64_t padded, float scale, float log_sum, float *p, float *d,
                                       S *weight, S *out) {
    int64_t first = begin / 16 * 16, last = (end + 15) / 16 * 16;
    for (int64_t c = 0; c < padded; c += 16)
        if (c < first || c >= last) {
            store(weight + c, vf{});
            store(out + c, vf{});
        }
    vf dot = vf{};
    for (int64_t c = first; c < last; c += 16) {
        store(p + c, exponential(load(p + c) * scale - log_sum));
        if (c < begin) fill(p, c, begin, 0);
        if (c + 16 > end) fill(p, end, c + 16, 0);
        vf probability = load(p + c);
        store(weight + c, probability);
        dot += probability * load(d + c);
    }
    float mean = sum(dot);
    for (int64_t c = first; c < last; c += 16) store(out + c, load(p + c) * (load(d + c) - mean) * scale);
}

// Adds leftᵀ (rows, columns) · right (rows, D) to `to` (columns, D).
template <class S>
CT_INLINE void add_products(const S *left, int64_t padded, int64_t columns, const S *right, int64_t right_stride, int64_t rows,
                            int64_t width, float *to) {
    uint32_t *packed = scratch<uint32_t>(Slot::attention_backward_left, left_words<S>(columns, rows));
    uint32_t *packed_right = scratch<uint32_t>(Slot::attention_backward_right, right_words<S>(width, rows));
    pack_left_transposed<S>(left, padded, columns, rows, packed);
    pack_right<S>(right, right_stride, width, rows, 0, panels_of(width), packed_right);
    multiply<S>(packed, columns, rows, packed_right, width, 0, panels_of(width),
                [&](int64_t row, int64_t column, int64_t height, int64_t count, const float *tile) {
                    add_tile(tile, height, count, to + row * width + column, width, false, true);
                });
}

// One head of queries: the gradients of its queries, before they are rotated back, and its part of the keys' and values'.
template <class S>
void causal_attend_backward(const CausalHead<S> &head, const CausalGroup<S> &group, const S *context_gradient, int64_t stride,
                            const float *log_sum, float *query_gradient) {
    int64_t width = head.shape.width, total = words<S>(width), length = head.length;
    constexpr int64_t most = 8 * panel_rows<S>;
    int64_t widest = panels_of(length) * 32;
    uint32_t *queries = scratch<uint32_t>(Slot::head_queries, left_words<S>(most, width));
    uint32_t *contexts = scratch<uint32_t>(Slot::attention_backward_contexts, left_words<S>(most, width));
    float *scores = scratch<float>(Slot::attention_backward_scores, panel_rows<S> * widest);
    float *gradient = scratch<float>(Slot::attention_backward_score_panel, panel_rows<S> * widest);
    S *weights = scratch<S>(Slot::attention_backward_weights, most * widest);
    S *score_gradients = scratch<S>(Slot::attention_backward_all_scores, most * widest);
    for (int64_t block = 0; block < length; block += most) {
        int64_t count = std::min(most, length - block);
        RowPanels<S> panels(count);
        TileShapes<S> shapes(panels.height);
        KeyRange<S> range(head, block, count);
        pack_left<S>(head.query + block * head.query_stride, head.query_stride, count, width, queries);
        pack_left<S>(context_gradient + block * stride, stride, count, width, contexts);
        for (int64_t i = 0; i < panels.count; ++i) {
            int64_t first = i * panels.height, rows = panels.rows_of(i);
            causal_scores(range, total, queries + first * total, panels.height, rows, PanelsInOrder{group.keys, total}, scores);
            causal_scores(range, total, contexts + first * total, panels.height, rows, PanelsInOrder{group.values, total}, gradient);
            for (int64_t r = 0; r < rows; ++r) {
                int64_t row = block + first + r, at = (first + r) * range.padded;
                causal_softmax_backward(head.begin(row) - range.begin, row + 1 - range.begin, range.padded, head.shape.scale,
                                        log_sum[row], scores + r * range.padded, gradient + r * range.padded, weights + at,
                                        score_gradients + at);
            }
        }
        int64_t columns = range.end - range.begin;
        add_products(weights, range.padded, columns, context_gradient + block * stride, stride, count, width,
                     group.value_gradient + range.begin * width);
        add_products(score_gradients, range.padded, columns, head.query + block * head.query_stride, head.query_stride, count, width,
                     group.key_gradient + range.begin * width);
        uint32_t *left = scratch<uint32_t>(Slot::attention_backward_left, left_words<S>(count, columns));
        uint32_t *right = scratch<uint32_t>(Slot::attention_backward_right, right_words<S>(width, columns));
        pack_left<S>(score_gradients, range.padded, count, columns, left);
        pack_right<S>(head.key + range.begin * head.key_stride, head.key_stride, width, columns, 0, panels_of(width), right);
        multiply_to<S>(left, count, columns, right, width, query_gradient + block * width, width);
    }
}

// Writes summed gradients of rows of heads, rotated back where the rows were rotated, and through their norm where there is one: from
// the rows `given`, with its gradient added to `partial`. `sums` may be overwritten.
template <class S>
void write_gradient(const CausalShape &shape, float *sums, int64_t length, const float *norm, const S *given, float *partial, S *to,
                    int64_t stride) {
    int64_t width = shape.width;
    if (!norm && shape.cosine) return rotate_rows(shape, sums, width, length, Places{}, -1.0f, to, stride);
    if (shape.cosine) rotate_rows(shape, sums, width, length, Places{}, -1.0f, sums, width);
    for (int64_t row = 0; row < length; ++row) {
        const float *from = sums + row * width;
        S *out = to + row * stride;
        if (norm) rms_row_backward<float, S, S>(from, given + row * stride, width, norm, shape.norm_epsilon, shape.norm_offset, nullptr, out, partial);
        else write_row(from, width, out);
    }
}

// One text's part of a head of keys and values, and the heads of queries that it serves. Adds the gradients of the norms' weights to
// `partial`, the queries' before the keys'.
template <class S>
void causal_group_backward(const CausalBackward &call, int64_t s, int64_t k, float *partial) {
    const CausalShape &shape = call.shape;
    int64_t width = shape.width, size = shape.heads / shape.key_value_heads, tokens = call.sequences.tokens();
    int64_t start = call.sequences.offsets[s], length = call.sequences.offsets[s + 1] - start;
    int64_t stride = shape.key_value_heads * width, key_stride = stride, place = start * stride + k * width;
    const S *given_key = static_cast<const S *>(call.key) + place, *given_value = static_cast<const S *>(call.value) + place;
    const S *key = rotated(shape, shape.key_norm, given_key, key_stride, length, Places{}, Slot::causal_key);
    uint32_t *keys = scratch<uint32_t>(Slot::head_keys, right_words<S>(length, width));
    uint32_t *values = scratch<uint32_t>(Slot::head_values, right_words<S>(length, width));
    pack_right_transposed<S>(key, key_stride, length, width, 0, panels_of(length), keys);
    pack_right_transposed<S>(given_value, stride, length, width, 0, panels_of(length), values);
    float *sums = scratch<float>(Slot::causal_gradients, 3 * length * width);
    CausalGroup<S> group{keys, values, sums, sums + length * width};
    std::fill(sums, sums + 2 * length * width, 0.0f);
    float *query_gradient = sums + 2 * length * width;
    for (int64_t h = k * size; h < (k + 1) * size; ++h) {
        int64_t row = start * shape.heads * width + h * width, query_stride = shape.heads * width;
        const S *given = static_cast<const S *>(call.query) + row;
        const S *query = rotated(shape, shape.query_norm, given, query_stride, length, Places{}, Slot::causal_query);
        CausalHead<S> head{shape, length, query, key, query_stride, key_stride, length};
        causal_attend_backward<S>(head, group, static_cast<const S *>(call.context_gradient) + row, shape.heads * width,
                                  call.log_sum + h * tokens + start, query_gradient);
        write_gradient(shape, query_gradient, length, shape.query_norm, given, partial, static_cast<S *>(call.query_gradient) + row,
                       shape.heads * width);
    }
    write_gradient(shape, group.key_gradient, length, shape.key_norm, given_key, partial + width, static_cast<S *>(call.key_gradient) + place,
                   stride);
    S *value_gradient = static_cast<S *>(call.value_gradient) + place;
    for (int64_t row = 0; row < length; ++row) write_row(group.value_gradient + row * width, width, value_gradient + row * stride);
}

template <class S>
void causal_backward(const CausalBackward &call) {
    const CausalShape &shape = call.shape;
    int64_t tasks = call.sequences.count * shape.key_value_heads, width = shape.width;
    float *partials = scratch<float>(Slot::call_partials, tasks * 2 * width);
    parallel_tasks(tasks, 3 * causal_cost(shape, call.sequences), [&](int64_t task) {
        float *partial = partials + task * 2 * width;
        std::fill(partial, partial + 2 * width, 0.0f);
        causal_group_backward<S>(call, task / shape.key_value_heads, task % shape.key_value_heads, partial);
    });
    if (call.query_norm_gradient) add_partials(partials, tasks, 2 * width, width, call.query_norm_gradient);
    if (call.key_norm_gradient) add_partials(partials + width, tasks, 2 * width, width, call.key_norm_gradient);
}
