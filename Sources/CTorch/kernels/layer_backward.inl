// The layer's backward pass. Sums over rows are computed block by block, and the blocks added in order, so that the result does
// not depend on which thread took which block.

template <class S>
struct BackwardBuffers {
    S *outer;      // (Q, H) gradients of the second product, after dropout
    S *inner;      // (Q, I) gradients before the activation
    S *attended;   // (Q, H) the recomputed input of the feed-forward network
    S *output;     // (Q, H) gradients of the attention's output product
    S *context;    // (Q, H)
    S *query;      // (Q, H)
    S *key_value;  // (T, 2H)
    float *residual;  // (Q, H) gradients of the residual stream below attention

    BackwardBuffers(const Shape &shape, const Sequences &sequences) {
        int64_t queries = query_count(shape, sequences), hidden = shape.hidden;
        outer = scratch<S>(Slot::gradient_outer, queries * hidden);
        inner = scratch<S>(Slot::gradient_inner, queries * shape.intermediate);
        attended = scratch<S>(Slot::gradient_attended, queries * hidden);
        output = scratch<S>(Slot::gradient_output, queries * hidden);
        context = scratch<S>(Slot::gradient_context, queries * hidden);
        query = scratch<S>(Slot::gradient_query, queries * hidden);
        key_value = scratch<S>(Slot::gradient_key_value, sequences.tokens() * 2 * hidden);
        residual = scratch<float>(Slot::gradient_residual, queries * hidden);
    }
};

// Writes gradient · kept bits · scale in type S, and adds it to `bias_gradient`.
template <class S>
CT_INLINE void drop_row_backward(const float *gradient, const Mask &mask, const uint16_t *kept, int64_t width, S *to,
                                 float *bias_gradient) {
    for (int64_t c = 0; c < width; c += 16) {
        int64_t left = width - c;
        vf d = load_part(gradient + c, left);
        if (mask.on()) d = keep(d, kept[c / 16], mask.scale);
        store_part(to + c, d, left);
        store_part(bias_gradient + c, load_part(bias_gradient + c, left) + d, left);
    }
}

// The contribution of each block of rows to the gradients of biases and norms.
struct RowPartials {
    explicit RowPartials(const Shape &shape) : hidden(shape.hidden), width(6 * shape.hidden + shape.intermediate) {}
    int64_t hidden, width;
    enum Part { norm2_weight, norm2_bias, norm1_weight, norm1_bias, outer_bias, output_bias, inner_bias };
    int64_t at(Part part) const { return part * hidden; }
};

// From the gradient of the layer's output down to those of the contexts.
template <class S>
void backward_blocks(const LayerBackward &call, const BackwardBuffers<S> &buffers) {
    const Shape &shape = call.shape;
    int64_t hidden = shape.hidden, inner = shape.intermediate;
    RowBlocks blocks(query_count(shape, call.sequences), block_rows<S>(inner));
    RowPartials parts(shape);
    float *partials = scratch<float>(Slot::call_partials, blocks.count * parts.width);
    parallel_tasks(blocks.count, product_cost(blocks.size, hidden, hidden + 2 * inner), [&](int64_t block) {
        int64_t first = blocks.first(block), rows = blocks.size_of(block), total = words<S>(inner);
        uint32_t *packed = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, hidden));
        uint32_t *packed_inner = scratch<uint32_t>(Slot::block_inner, left_words<S>(rows, inner));
        float *gradient = scratch<float>(Slot::block_values, rows * hidden);
        float *partial = partials + block * parts.width;
        std::fill(partial, partial + parts.width, 0.0f);
        RowPanels<S> panels(rows);

        for (int64_t r = 0; r < rows; ++r) {
            int64_t row = first + r;
            normalize_row_backward(call.output_gradient + row * hidden, call.memory.normalized2 + row * hidden,
                                   call.memory.deviation2[row], call.weights.norm2_weight, hidden, gradient + r * hidden,
                                   partial + parts.at(parts.norm2_weight), partial + parts.at(parts.norm2_bias));
            drop_row_backward(gradient + r * hidden, call.mask2, call.memory.bits2 + row * mask_stride(hidden), hidden,
                              buffers.outer + row * hidden, partial + parts.at(parts.outer_bias));
            const float *normalized = call.memory.normalized1 + row * hidden;
            for (int64_t c = 0; c < hidden; c += 16) {
                int64_t left = hidden - c;
                vf y = load_part(normalized + c, left) * load_part(call.weights.norm1_weight + c, left) +
                       load_part(call.weights.norm1_bias + c, left);
                store_part(buffers.attended + row * hidden + c, y, left);
            }
        }
        pack_left<S>(buffers.outer + first * hidden, hidden, rows, hidden, packed);
        float *inner_bias = partial + parts.at(parts.inner_bias);
        alignas(64) float values[panel_rows<S> * 32];
        multiply<S>(packed, rows, hidden, call.back.outer, inner, 0, panels_of(inner),
                    [&](int64_t r, int64_t column, int64_t height, int64_t count, const float *tile) {
                        vf s0 = vf{}, s1 = vf{};
                        for (int64_t i = 0; i < height; ++i) {
                            int64_t index = (first + r + i) * inner + column;
                            S *before = static_cast<S *>(call.memory.inner) + index, *to = buffers.inner + index;
                            for (int64_t half = 0; half < 32 && half < count; half += 16) {
                                Activated a = activate_with_derivative(shape.activation, load_part(before + half, count - half));
                                vf d = load(tile + i * 32 + half) * a.derivative;
                                store_part(before + half, a.value, count - half);
                                store_part(to + half, d, count - half);
                                store(values + i * 32 + half, d);
                                (half ? s1 : s0) += d;
                            }
                        }
                        store_part(inner_bias + column, load_part(inner_bias + column, count) + s0, count);
                        if (count > 16)
                            store_part(inner_bias + column + 16, load_part(inner_bias + column + 16, count - 16) + s1, count - 16);
                        pack_left_panel<S>(values, 32, height, count, panels.height,
                                           packed_inner + r * total + column / Words<S>::per * panels.height);
                    });
        multiply<S>(packed_inner, rows, inner, call.back.inner, hidden, 0, panels_of(hidden),
                    [&](int64_t r, int64_t column, int64_t height, int64_t count, const float *tile) {
                        for (int64_t i = 0; i < height; ++i) {
                            float *to = gradient + (r + i) * hidden + column;
                            for (int64_t half = 0; half < count; half += 16)
                                store_part(to + half, load_part(to + half, count - half) + load(tile + i * 32 + half), count - half);
                        }
                    });
        for (int64_t r = 0; r < rows; ++r) {
            int64_t row = first + r;
            float *below = buffers.residual + row * hidden;
            normalize_row_backward(gradient + r * hidden, call.memory.normalized1 + row * hidden,
                                   call.memory.deviation1[row], call.weights.norm1_weight, hidden, below,
                                   partial + parts.at(parts.norm1_weight), partial + parts.at(parts.norm1_bias));
            drop_row_backward(below, call.mask1, call.memory.bits1 + row * mask_stride(hidden), hidden,
                              buffers.output + row * hidden, partial + parts.at(parts.output_bias));
        }
        pack_left<S>(buffers.output + first * hidden, hidden, rows, hidden, packed);
        multiply_to<S>(packed, rows, hidden, call.back.output, hidden, buffers.context + first * hidden, hidden);
    });
    const LayerGradients &to = call.gradients;
    float *targets[] = {to.norm2_weight, to.norm2_bias, to.norm1_weight, to.norm1_bias, to.outer_bias, to.output_bias, to.inner_bias};
    for (int part = 0; part < 7; ++part)
        add_partials(partials + part * hidden, blocks.count, parts.width, part == 6 ? inner : hidden, targets[part]);
}

template <class S>
void attend_all_backward(const LayerBackward &call, const BackwardBuffers<S> &buffers) {
    const Shape &shape = call.shape;
    const Sequences &sequences = call.sequences;
    int64_t hidden = shape.hidden, width = hidden / shape.heads, queries = query_count(shape, sequences);
    bool masked = call.attention_mask.on();
    const int64_t *starts = masked ? attention_starts(shape, sequences) : nullptr;
    parallel_tasks(sequences.count * shape.heads, 3 * attention_cost(shape, sequences), [&](int64_t task) {
        int64_t s = task / shape.heads, h = task % shape.heads, start = sequences.offsets[s];
        int64_t row = shape.first_only ? s : start;
        const uint16_t *bits = masked ? call.memory.attention_bits + starts[s] * shape.heads + h * (starts[s + 1] - starts[s]) : nullptr;
        S *key = buffers.key_value + start * 2 * hidden + h * width;
        attend_backward<S>(head_of<S>(shape, sequences, call.memory, s, h), call.attention_mask, bits,
                           call.memory.log_sum + h * queries + row,
                           {buffers.context + row * hidden + h * width, hidden, buffers.query + row * hidden + h * width,
                            key, key + hidden, hidden, 2 * hidden});
    });
}

// Adds up the columns of `rows` rows of gradients.
template <class S>
CT_INLINE void sum_columns(const S *from, int64_t stride, int64_t rows, int64_t width, float *to) {
    for (int64_t c = 0; c < width; c += 16) {
        vf total = vf{};
        for (int64_t r = 0; r < rows; ++r) total += load_part(from + r * stride + c, width - c);
        store_part(to + c, total, width - c);
    }
}

// Gradients of the layer's input.
template <class S>
void project_backward(const LayerBackward &call, const BackwardBuffers<S> &buffers) {
    const Shape &shape = call.shape;
    int64_t hidden = shape.hidden;
    // rows of `left` (rows, length) times `right`, passed on row by row of a tile
    auto product = [&](const S *left, int64_t rows, int64_t length, const uint32_t *right, auto &&take) {
        uint32_t *packed = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, length));
        pack_left<S>(left, length, rows, length, packed);
        multiply<S>(packed, rows, length, right, hidden, 0, panels_of(hidden),
                    [&](int64_t r, int64_t column, int64_t height, int64_t count, const float *tile) {
                        for (int64_t i = 0; i < height; ++i)
                            for (int64_t half = 0; half < count; half += 16)
                                take(r + i, column + half, count - half, load(tile + i * 32 + half));
                    });
    };
    RowBlocks blocks(call.sequences.tokens(), block_rows<S>(2 * hidden));
    float *partials = scratch<float>(Slot::call_partials, blocks.count * 3 * hidden);
    parallel_tasks(blocks.count, product_cost(blocks.size, hidden, 3 * hidden), [&](int64_t block) {
        int64_t first = blocks.first(block), rows = blocks.size_of(block);
        float *to = call.input_gradient + first * hidden;
        const float *residual = shape.first_only ? nullptr : buffers.residual + first * hidden;
        float *partial = partials + block * 3 * hidden;
        sum_columns(buffers.key_value + first * 2 * hidden, 2 * hidden, rows, 2 * hidden, partial);
        product(buffers.key_value + first * 2 * hidden, rows, 2 * hidden, call.back.key_value,
                [&](int64_t r, int64_t c, int64_t left, vf x) {
                    if (residual) x += load_part(residual + r * hidden + c, left);
                    store_part(to + r * hidden + c, x, left);
                });
        if (shape.first_only) return;
        sum_columns(buffers.query + first * hidden, hidden, rows, hidden, partial + 2 * hidden);
        product(buffers.query + first * hidden, rows, hidden, call.back.query,
                [&](int64_t r, int64_t c, int64_t left, vf x) {
                    store_part(to + r * hidden + c, load_part(to + r * hidden + c, left) + x, left);
                });
    });
    add_partials(partials, blocks.count, 3 * hidden, 2 * hidden, call.gradients.key_value_bias);
    if (!shape.first_only) {
        add_partials(partials + 2 * hidden, blocks.count, 3 * hidden, hidden, call.gradients.query_bias);
        return;
    }
    int64_t queries = call.sequences.count;
    sum_columns(buffers.query, hidden, queries, hidden, call.gradients.query_bias);
    RowBlocks firsts(queries, block_rows<S>(hidden));
    parallel_tasks(firsts.count, product_cost(firsts.size, hidden, hidden), [&](int64_t block) {
        int64_t first = firsts.first(block);
        product(buffers.query + first * hidden, firsts.size_of(block), hidden, call.back.query,
                [&](int64_t r, int64_t c, int64_t left, vf x) {
                    float *to = call.input_gradient + call.sequences.offsets[first + r] * hidden + c;
                    x += load_part(buffers.residual + (first + r) * hidden + c, left);
                    store_part(to, load_part(to, left) + x, left);
                });
    });
}

// MARK: Gradients of the weights

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

template <class S>
void weight_gradients(const LayerBackward &call, const BackwardBuffers<S> &buffers) {
    const Shape &shape = call.shape;
    int64_t hidden = shape.hidden, queries = query_count(shape, call.sequences), tokens = call.sequences.tokens();
    const LayerGradients &to = call.gradients;
    const float *query_input = query_inputs(shape, call.sequences, call.input, 0, queries, Slot::gradient_inputs);
    const WeightProduct<S> products[] = {
        {static_cast<const S *>(call.memory.inner), shape.intermediate, buffers.outer, nullptr, queries, to.outer, true},
        {buffers.inner, shape.intermediate, buffers.attended, nullptr, queries, to.inner, false},
        {buffers.key_value, 2 * hidden, nullptr, call.input, tokens, to.key_value, false},
        {buffers.output, hidden, static_cast<const S *>(call.memory.context), nullptr, queries, to.output, false},
        {buffers.query, hidden, nullptr, query_input, queries, to.query, false},
    };
    constexpr int64_t count = 5, block = (on_tiles<S> ? 4 : 8) * panel_rows<S>, chunk = 4096 / static_cast<int64_t>(sizeof(S));
    int64_t panels = panels_of(hidden);
    int64_t starts[count + 1] = {0};
    for (int64_t i = 0; i < count; ++i) starts[i + 1] = starts[i] + (products[i].m + block - 1) / block;
    uint32_t *packed = scratch<uint32_t>(Slot::gradient_right, count * right_words<S>(hidden, std::min(chunk, tokens)));
    for (int64_t begin = 0; begin < tokens; begin += chunk) {
        auto rows_of = [&](int64_t i) { return std::max<int64_t>(0, std::min(chunk, products[i].rows - begin)); };
        auto right_of = [&](int64_t i) { return packed + i * right_words<S>(hidden, std::min(chunk, tokens)); };
        parallel_tasks(count * panels, element_cost(32 * std::min(chunk, tokens)), [&](int64_t task) {
            int64_t i = task / panels, p = task % panels, rows = rows_of(i);
            const WeightProduct<S> &product = products[i];
            if (rows == 0) return;
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

template <class S>
void layer_backward(const LayerBackward &call) {
    BackwardBuffers<S> buffers(call.shape, call.sequences);
    backward_blocks<S>(call, buffers);
    attend_all_backward<S>(call, buffers);
    project_backward<S>(call, buffers);
    weight_gradients<S>(call, buffers);
}
