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

// Writes gradient · kept bits of a row · scale in type S, and adds it to `bias_gradient`. `bits` is null without dropout.
template <class S>
CT_INLINE void drop_row_backward(const float *gradient, const Mask &mask, const uint16_t *bits, int64_t row, int64_t width, S *to,
                                 float *bias_gradient) {
    const uint16_t *kept = mask.on() ? bits + row * mask_stride(width) : nullptr;
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

// One block of rows on its way back through the feed-forward network, with its scratch memory.
template <class S>
struct BackwardBlock {
    const LayerBackward &call;
    const BackwardBuffers<S> &buffers;
    const RowPartials &parts;
    int64_t first, rows;
    float *partial;          // the block's contribution to the gradients of biases and norms
    float *gradient;         // (rows, H) gradients below the second norm
    uint32_t *packed;        // (rows, H) a packed left operand
    uint32_t *packed_inner;  // (rows, I) the packed gradients before the activation

    float *at(RowPartials::Part part) const { return partial + parts.at(part); }
};

// The second layer norm and its dropout, backward; recomputes the input of the feed-forward network.
template <class S>
CT_INLINE void norm2_backward(const BackwardBlock<S> &block) {
    const LayerBackward &call = block.call;
    int64_t hidden = call.shape.hidden;
    for (int64_t r = 0; r < block.rows; ++r) {
        int64_t row = block.first + r;
        normalize_row_backward(call.output_gradient + row * hidden, call.memory.normalized2 + row * hidden,
                               call.memory.deviation2[row], call.weights.norm2_weight, hidden, block.gradient + r * hidden,
                               block.at(RowPartials::norm2_weight), block.at(RowPartials::norm2_bias));
        drop_row_backward(block.gradient + r * hidden, call.mask2, call.memory.bits2, row, hidden,
                          block.buffers.outer + row * hidden, block.at(RowPartials::outer_bias));
        const float *normalized = call.memory.normalized1 + row * hidden;
        for (int64_t c = 0; c < hidden; c += 16) {
            int64_t left = hidden - c;
            vf y = load_part(normalized + c, left) * load_part(call.weights.norm1_weight + c, left) +
                   load_part(call.weights.norm1_bias + c, left);
            store_part(block.buffers.attended + row * hidden + c, y, left);
        }
    }
}

// The feed-forward network's second product and the activation, backward: packs the gradients for the first product.
template <class S>
CT_INLINE void activation_backward(const BackwardBlock<S> &block) {
    const LayerBackward &call = block.call;
    int64_t hidden = call.shape.hidden, inner = call.shape.intermediate, total = words<S>(inner);
    RowPanels<S> panels(block.rows);
    pack_left<S>(block.buffers.outer + block.first * hidden, hidden, block.rows, hidden, block.packed);
    float *inner_bias = block.at(RowPartials::inner_bias);
    alignas(64) float values[panel_rows<S> * 32];
    multiply<S>(block.packed, block.rows, hidden, call.back.outer, inner, 0, panels_of(inner),
                [&](int64_t r, int64_t column, int64_t height, int64_t count, const float *tile) {
                    vf s0 = vf{}, s1 = vf{};
                    for (int64_t i = 0; i < height; ++i) {
                        int64_t index = (block.first + r + i) * inner + column;
                        S *before = static_cast<S *>(call.memory.inner) + index, *to = block.buffers.inner + index;
                        for (int64_t half = 0; half < 32 && half < count; half += 16) {
                            Activated a = activate_with_derivative(call.shape.activation, load_part(before + half, count - half));
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
                                       block.packed_inner + r * total + column / Words<S>::per * panels.height);
                });
}

// The feed-forward network's first product, backward, added to the gradients of the residual connection.
template <class S>
CT_INLINE void inner_backward(const BackwardBlock<S> &block) {
    int64_t hidden = block.call.shape.hidden;
    multiply<S>(block.packed_inner, block.rows, block.call.shape.intermediate, block.call.back.inner, hidden, 0, panels_of(hidden),
                [&](int64_t r, int64_t column, int64_t height, int64_t count, const float *tile) {
                    for (int64_t i = 0; i < height; ++i) {
                        float *to = block.gradient + (r + i) * hidden + column;
                        for (int64_t half = 0; half < count; half += 16)
                            store_part(to + half, load_part(to + half, count - half) + load(tile + i * 32 + half), count - half);
                    }
                });
}

// The first layer norm, its dropout and attention's output product, backward.
template <class S>
CT_INLINE void norm1_backward(const BackwardBlock<S> &block) {
    const LayerBackward &call = block.call;
    int64_t hidden = call.shape.hidden;
    for (int64_t r = 0; r < block.rows; ++r) {
        int64_t row = block.first + r;
        float *below = block.buffers.residual + row * hidden;
        normalize_row_backward(block.gradient + r * hidden, call.memory.normalized1 + row * hidden,
                               call.memory.deviation1[row], call.weights.norm1_weight, hidden, below,
                               block.at(RowPartials::norm1_weight), block.at(RowPartials::norm1_bias));
        drop_row_backward(below, call.mask1, call.memory.bits1, row, hidden,
                          block.buffers.output + row * hidden, block.at(RowPartials::output_bias));
    }
    pack_left<S>(block.buffers.output + block.first * hidden, hidden, block.rows, hidden, block.packed);
    multiply_to<S>(block.packed, block.rows, hidden, call.back.output, hidden, block.buffers.context + block.first * hidden, hidden);
}

// From the gradient of the layer's output down to those of the contexts.
template <class S>
void backward_blocks(const LayerBackward &call, const BackwardBuffers<S> &buffers) {
    const Shape &shape = call.shape;
    int64_t hidden = shape.hidden, inner = shape.intermediate;
    RowBlocks blocks(query_count(shape, call.sequences), block_rows<S>(inner));
    RowPartials parts(shape);
    float *partials = scratch<float>(Slot::call_partials, blocks.count * parts.width);
    parallel_tasks(blocks.count, product_cost(blocks.size, hidden, hidden + 2 * inner), [&](int64_t index) {
        int64_t rows = blocks.size_of(index);
        BackwardBlock<S> block{
            .call = call, .buffers = buffers, .parts = parts, .first = blocks.first(index), .rows = rows,
            .partial = partials + index * parts.width,
            .gradient = scratch<float>(Slot::block_values, rows * hidden),
            .packed = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, hidden)),
            .packed_inner = scratch<uint32_t>(Slot::block_inner, left_words<S>(rows, inner))};
        std::fill(block.partial, block.partial + parts.width, 0.0f);
        norm2_backward(block);
        activation_backward(block);
        inner_backward(block);
        norm1_backward(block);
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

// Gradients of the layer's weight matrices.
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
    weight_products(products, hidden, tokens);
}

template <class S>
void layer_backward(const LayerBackward &call) {
    BackwardBuffers<S> buffers(call.shape, call.sequences);
    backward_blocks<S>(call, buffers);
    attend_all_backward<S>(call, buffers);
    project_backward<S>(call, buffers);
    weight_gradients<S>(call, buffers);
}
