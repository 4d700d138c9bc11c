// Self-attention of one example and head at a time. Scores never leave the cache; the backward pass recomputes them from
// queries, keys and the logarithm of each row's sum (Dao et al., "FlashAttention", arXiv 2205.14135).

// One example's part of a head: rows of queries, keys and values, each D wide.
template <class S>
struct Head {
    const S *query, *key, *value;
    int64_t query_stride, key_stride;
    int64_t queries, length, width;
    float scale;  // 1 / √D, or another
    HeadPositions positions = {};
};

// Scores of the rows of one panel, (rows, padded), from packed queries and keys.
template <class S>
CT_INLINE void score_panel(const Head<S> &head, const uint32_t *queries, int64_t height, int64_t rows,
                           const uint32_t *keys, float *scores, int64_t padded) {
    multiply_panel<S>(queries, height, rows, words<S>(head.width), keys, panels_of(head.length), scores, padded);
}

// Beyond `length`, the rest of the last vector is set to `value`.
CT_INLINE void fill_tail(float *row, int64_t length, int64_t padded, float value) {
    for (int64_t c = length; c < padded; ++c) row[c] = value;
}

// Softmax of a row in place; returns the logarithm of the sum of exponentials.
CT_INLINE float softmax_row(float *row, int64_t length, int64_t padded, float scale) {
    fill_tail(row, length, padded, -3.0e38f);
    vf top = splat(-3.0e38f);
    for (int64_t c = 0; c < padded; c += 16) top = maximum(top, load(row + c));
    float highest = largest(top) * scale;
    vf total = vf{};
    for (int64_t c = 0; c < padded; c += 16) {
        vf e = exponential(load(row + c) * scale - highest);
        store(row + c, e);
        total += e;
    }
    // The tail's exponentials are tiny but not zero.
    float tail = 0;
    for (int64_t c = length; c < padded; ++c) tail += row[c];
    fill_tail(row, length, padded, 0);
    float all = sum(total) - tail;
    vf share = splat(1.0f / all);
    for (int64_t c = 0; c < padded; c += 16) store(row + c, load(row + c) * share);
    return highest + __builtin_logf(all);
}

// Writes the context of one head to `context` (queries, D), with a row stride of `stride`. `log_sum` and `bits` may be null.
template <class S>
void attend(const Head<S> &head, const Mask &mask, const uint16_t *bits, S *context, int64_t stride, float *log_sum) {
    int64_t padded = panels_of(head.length) * 32;
    RowPanels<S> panels(head.queries);
    uint32_t *queries = scratch<uint32_t>(Slot::head_queries, left_words<S>(head.queries, head.width));
    uint32_t *keys = scratch<uint32_t>(Slot::head_keys, right_words<S>(head.length, head.width));
    uint32_t *values = scratch<uint32_t>(Slot::head_values, right_words<S>(head.width, head.length));
    float *scores = scratch<float>(Slot::head_scores, panel_rows<S> * padded);
    uint32_t *weights = scratch<uint32_t>(Slot::head_weights, left_words<S>(panel_rows<S>, head.length));
    pack_left<S>(head.query, head.query_stride, head.queries, head.width, queries);
    pack_right_transposed<S>(head.key, head.key_stride, head.length, head.width, 0, panels_of(head.length), keys);
    pack_right<S>(head.value, head.key_stride, head.width, head.length, 0, panels_of(head.width), values);
    int64_t total = words<S>(head.width), sums = words<S>(head.length);
    alignas(64) float tile[panel_rows<S> * 32];
    DistanceTerms<S> terms(head.positions, head.queries, head.length, head.width, keys);
    TileShapes<S> shapes(panels.height);
    for (int64_t i = 0; i < panels.count; ++i) {
        int64_t first = i * panels.height, rows = panels.rows_of(i);
        score_panel(head, queries + first * total, panels.height, rows, keys, scores, padded);
        if (terms.any()) terms.add(queries + first * total, panels.height, first, rows, scores, padded);
        for (int64_t r = 0; r < rows; ++r) {
            float *row = scores + r * padded, scale = head.scale;
            if (head.positions.bias) {
                scale_and_add(row, head.length, scale, head.positions.bias - (first + r));
                scale = 1;
            }
            float logarithm = softmax_row(row, head.length, padded, scale);
            if (log_sum) log_sum[first + r] = logarithm;
            if (bits) {
                const uint16_t *kept = bits + (first + r) * attention_stride(head.length);
                for (int64_t c = 0; c < head.length; c += 16)
                    store(row + c, keep(load(row + c), kept[c / 16], mask.scale));
            }
        }
        pack_left_panel<S>(scores, padded, rows, head.length, panels.height, weights);
        for (int64_t p = 0; p < panels_of(head.width); ++p) {
            multiply_tile<S>(rows, sums, weights, panels.height, values + p * 32 * sums, tile);
            int64_t left = head.width - p * 32;
            for (int64_t r = 0; r < rows; ++r) {
                S *to = context + (first + r) * stride + p * 32;
                store_part(to, load(tile + r * 32), left);
                if (left > 16) store_part(to + 16, load(tile + r * 32 + 16), left - 16);
            }
        }
    }
}

// Gradients of one head's queries, keys and values from that of its context.
template <class S>
struct HeadGradients {
    const S *context;  // (queries, D)
    int64_t context_stride;
    S *query, *key, *value;
    int64_t query_stride, key_stride;
};

// Softmax, backward, of one row: recomputes the probabilities from the scores `p`, and turns them and the gradients `d` of the
// attention weights into the weights after dropout and the gradients of the scores. `kept` may be null.
template <class S>
CT_INLINE void softmax_row_backward(const Head<S> &head, int64_t padded, const Mask &mask, const uint16_t *kept, float log_sum,
                                    float *p, float *d, S *weight, S *out) {
    int64_t length = head.length;
    vf dot = vf{};
    for (int64_t c = 0; c < padded; c += 16) {
        vf probability = exponential(load(p + c) * head.scale - log_sum);
        if (c + 16 > length) {
            store(p + c, probability);
            fill_tail(p, c > length ? c : length, c + 16, 0);
            probability = load(p + c);
        }
        vf gradient_here = load(d + c), weighted = probability;
        if (kept) {
            uint16_t word = c < length ? kept[c / 16] : uint16_t{0};
            weighted = keep(probability, word, mask.scale);
            gradient_here = keep(gradient_here, word, mask.scale);
        }
        store(weight + c, weighted);
        dot += probability * gradient_here;
        store(p + c, probability);
        store(d + c, gradient_here);
    }
    float mean = sum(dot);
    for (int64_t c = 0; c < padded; c += 16)
        store(out + c, load(p + c) * (load(d + c) - mean) * head.scale);
}

// Gradients of values, keys and queries, from the attention weights after dropout and the gradients of the scores, both
// (queries, padded).
template <class S>
CT_INLINE void project_scores_backward(const Head<S> &head, const S *weights, const S *score_gradients, int64_t padded,
                                       const HeadGradients<S> &gradients) {
    int64_t length = head.length, width = head.width;
    uint32_t *left = scratch<uint32_t>(
        Slot::attention_backward_left, std::max(left_words<S>(length, head.queries), left_words<S>(head.queries, length)));
    uint32_t *right = scratch<uint32_t>(Slot::attention_backward_right, right_words<S>(width, std::max(length, head.queries)));
    // Values: weightsᵀ · context's gradients
    pack_left_transposed<S>(weights, padded, length, head.queries, left);
    pack_right<S>(gradients.context, gradients.context_stride, width, head.queries, 0, panels_of(width), right);
    multiply_to<S>(left, length, head.queries, right, width, gradients.value, gradients.key_stride);
    // Keys: score gradientsᵀ · queries
    pack_left_transposed<S>(score_gradients, padded, length, head.queries, left);
    pack_right<S>(head.query, head.query_stride, width, head.queries, 0, panels_of(width), right);
    multiply_to<S>(left, length, head.queries, right, width, gradients.key, gradients.key_stride);
    // Queries: score gradients · keys
    pack_left<S>(score_gradients, padded, head.queries, length, left);
    pack_right<S>(head.key, head.key_stride, width, length, 0, panels_of(width), right);
    multiply_to<S>(left, head.queries, length, right, width, gradients.query, gradients.query_stride);
}

// Self-attention, backward, of one head: panels of scores and their gradients row by row, then the three products.
template <class S>
void attend_backward(const Head<S> &head, const Mask &mask, const uint16_t *bits, const float *log_sum,
                     const HeadGradients<S> &gradients) {
    int64_t length = head.length, width = head.width, padded = panels_of(length) * 32;
    RowPanels<S> panels(head.queries);
    uint32_t *queries = scratch<uint32_t>(Slot::head_queries, left_words<S>(head.queries, width));
    uint32_t *keys = scratch<uint32_t>(Slot::head_keys, right_words<S>(length, width));
    uint32_t *values = scratch<uint32_t>(Slot::head_values, right_words<S>(length, width));
    uint32_t *contexts = scratch<uint32_t>(Slot::attention_backward_contexts, left_words<S>(head.queries, width));
    float *scores = scratch<float>(Slot::attention_backward_scores, panel_rows<S> * padded);
    float *gradient = scratch<float>(Slot::attention_backward_score_panel, panel_rows<S> * padded);
    // Of all rows: the attention weights after dropout, and the gradients of the scores.
    S *weights = scratch<S>(Slot::attention_backward_weights, head.queries * padded);
    S *score_gradients = scratch<S>(Slot::attention_backward_all_scores, head.queries * padded);
    pack_left<S>(head.query, head.query_stride, head.queries, width, queries);
    pack_left<S>(gradients.context, gradients.context_stride, head.queries, width, contexts);
    pack_right_transposed<S>(head.key, head.key_stride, length, width, 0, panels_of(length), keys);
    pack_right_transposed<S>(head.value, head.key_stride, length, width, 0, panels_of(length), values);
    int64_t total = words<S>(width);
    TileShapes<S> shapes(panels.height);
    for (int64_t i = 0; i < panels.count; ++i) {
        int64_t first = i * panels.height, rows = panels.rows_of(i);
        score_panel(head, queries + first * total, panels.height, rows, keys, scores, padded);
        score_panel(head, contexts + first * total, panels.height, rows, values, gradient, padded);
        for (int64_t r = 0; r < rows; ++r) {
            float *p = scores + r * padded, *d = gradient + r * padded;
            const uint16_t *kept = bits ? bits + (first + r) * attention_stride(length) : nullptr;
            S *weight = weights + (first + r) * padded, *out = score_gradients + (first + r) * padded;
            softmax_row_backward(head, padded, mask, kept, log_sum[first + r], p, d, weight, out);
        }
    }
    project_scores_backward(head, weights, score_gradients, padded, gradients);
}
