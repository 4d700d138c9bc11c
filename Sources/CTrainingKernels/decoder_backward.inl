// A decoder's layer, backward. Sums over rows are computed block by block, and the blocks added in order, so that the result does not
// depend on the number of threads.

// Gradients between the parts of the backward pass.
template <class S>
struct DecoderBuffers {
    S *outer;             // (T, H) of the feed-forward network's output, before its norm
    S *activated;         // (T, I) its last product's input
    S *inner_normalized;  // (T, H) its input
    S *output;            // (T, H) of the attention's output, before its norm
    S *context;           // (T, N · D)
    S *query, *key, *value;
    S *input_normalized;  // (T, H) the attention's input
    float *residual;      // (T, H) of the residual stream between both

    explicit DecoderBuffers(const DecoderBackward &call) {
        int64_t tokens = call.sequences.tokens(), hidden = call.shape.hidden, keys = key_width(call.shape);
        outer = scratch<S>(Slot::gradient_outer, tokens * hidden);
        activated = scratch<S>(Slot::gradient_inner, tokens * call.shape.intermediate);
        inner_normalized = scratch<S>(Slot::gradient_attended, tokens * hidden);
        output = scratch<S>(Slot::gradient_output, tokens * hidden);
        context = scratch<S>(Slot::gradient_context, tokens * query_width(call.shape));
        query = scratch<S>(Slot::gradient_query, tokens * query_width(call.shape));
        key = scratch<S>(Slot::gradient_key_value, 2 * tokens * keys);
        value = key + tokens * keys;
        input_normalized = scratch<S>(Slot::gradient_inputs, tokens * hidden);
        residual = scratch<float>(Slot::gradient_residual, tokens * hidden);
    }
};

// One block of rows on its way back, with its scratch memory and its contributions (H) to the gradients of the norms.
template <class S>
struct DecoderBackwardBlock {
    const DecoderBackward &call;
    const DecoderBuffers<S> &buffers;
    int64_t first, rows;
    float *outer_norm, *inner_norm, *attention_norm;
    float *gradient;                   // (rows, H) of the feed-forward network's input
    uint32_t *packed;                  // (rows, H) a packed left operand
    uint32_t *packed_gate, *packed_up; // (rows, I) the packed gradients of gate and up
};

// A block's gradients of a branch from those of the residual stream that it was added to: through its norm, if any, from its rows `kept`.
template <class S>
CT_INLINE void branch_backward(const DecoderBackwardBlock<S> &block, const float *gradient, const float *norm, const void *kept, float *partial,
                               S *to) {
    const DecoderShape &shape = block.call.shape;
    for (int64_t r = 0; r < block.rows; ++r) {
        int64_t row = (block.first + r) * shape.hidden;
        if (norm)
            rms_row_backward<float, S, S>(gradient + row, static_cast<const S *>(kept) + row, shape.hidden, norm, shape.epsilon, shape.offset, nullptr,
                                          to + row, partial);
        else write_row(gradient + row, shape.hidden, to + row);
    }
}

// The last product and the gated activation, backward: packs the gradients for the products before it.
template <class S>
CT_INLINE void gate_block_backward(const DecoderBackwardBlock<S> &block) {
    const DecoderBackward &call = block.call;
    int64_t hidden = call.shape.hidden, inner = call.shape.intermediate, total = words<S>(inner);
    RowPanels<S> panels(block.rows);
    pack_left<S>(block.buffers.outer + block.first * hidden, hidden, block.rows, hidden, block.packed);
    alignas(64) float gates[panel_rows<S> * 32], ups[panel_rows<S> * 32];
    multiply<S>(block.packed, block.rows, hidden, call.back.down, inner, 0, panels_of(inner),
                [&](int64_t r, int64_t column, int64_t height, int64_t count, const float *tile) {
                    for (int64_t i = 0; i < height; ++i) {
                        int64_t index = (block.first + r + i) * inner + column;
                        S *gate = static_cast<S *>(call.memory.gate) + index, *up = static_cast<S *>(call.memory.up) + index;
                        for (int64_t half = 0; half < count; half += 16) {
                            int64_t part = count - half;
                            Activated a = activate_with_derivative(call.shape.activation, load_part(gate + half, part));
                            vf u = load_part(up + half, part), d = load(tile + i * 32 + half);
                            store_part(block.buffers.activated + index + half, a.value * u, part);
                            vf to_gate = d * u * a.derivative, to_up = d * a.value;
                            store_part(gate + half, to_gate, part);
                            store_part(up + half, to_up, part);
                            store(gates + i * 32 + half, to_gate);
                            store(ups + i * 32 + half, to_up);
                        }
                    }
                    int64_t at = r * total + column / Words<S>::per * panels.height;
                    pack_left_panel<S>(gates, 32, height, count, panels.height, block.packed_gate + at);
                    pack_left_panel<S>(ups, 32, height, count, panels.height, block.packed_up + at);
                });
}

// to (rows, H) = a packed left operand · right, or added to it.
template <class S>
CT_INLINE void product_rows(const uint32_t *left, int64_t rows, int64_t length, const uint32_t *right, int64_t hidden, float *to, bool add) {
    multiply<S>(left, rows, length, right, hidden, 0, panels_of(hidden),
                [&](int64_t r, int64_t column, int64_t height, int64_t count, const float *tile) {
                    add_tile(tile, height, count, to + r * hidden + column, hidden, false, add);
                });
}

// A norm of the layer's input or the feed-forward network's, backward: from a block's gradients of its output to those of the stream,
// `residual` among them; recomputes the normalized rows.
template <class S>
CT_INLINE void norm_block_backward(const DecoderShape &shape, int64_t first, int64_t rows, const float *gradient, const float *stream,
                                   const float *weight, const float *residual, S *normalized, float *to, float *partial) {
    int64_t hidden = shape.hidden;
    normalize_rows(shape, stream + first * hidden, rows, weight, normalized + first * hidden);
    for (int64_t r = 0; r < rows; ++r) {
        int64_t row = (first + r) * hidden;
        rms_row_backward<float, float, float>(gradient + r * hidden, stream + row, hidden, weight, shape.epsilon, shape.offset, residual + row,
                                              to + row, partial);
    }
}

// From the gradient of the layer's output down to those of the contexts.
template <class S>
void decoder_blocks_backward(const DecoderBackward &call, const DecoderBuffers<S> &buffers) {
    const DecoderShape &shape = call.shape;
    const DecoderWeights &w = call.weights;
    int64_t hidden = shape.hidden, inner = shape.intermediate, queries = query_width(shape);
    RowBlocks blocks(call.sequences.tokens(), block_rows<S>(2 * inner));
    float *partials = scratch<float>(Slot::call_partials, blocks.count * 3 * hidden);
    parallel_tasks(blocks.count, product_cost(blocks.size, hidden, queries + 3 * inner), [&](int64_t index) {
        int64_t first = blocks.first(index), rows = blocks.size_of(index);
        float *partial = partials + index * 3 * hidden;
        std::fill(partial, partial + 3 * hidden, 0.0f);
        uint32_t *inner_words = scratch<uint32_t>(Slot::block_inner, 2 * left_words<S>(rows, inner));
        DecoderBackwardBlock<S> block{
            .call = call, .buffers = buffers, .first = first, .rows = rows, .outer_norm = partial, .inner_norm = partial + hidden,
            .attention_norm = partial + 2 * hidden,
            .gradient = scratch<float>(Slot::block_values, rows * hidden),
            .packed = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, hidden)),
            .packed_gate = inner_words, .packed_up = inner_words + left_words<S>(rows, inner)};
        branch_backward(block, call.output_gradient, w.outer_norm, call.memory.fed, block.outer_norm, buffers.outer);
        gate_block_backward(block);
        product_rows<S>(block.packed_gate, rows, inner, call.back.gate, hidden, block.gradient, false);
        product_rows<S>(block.packed_up, rows, inner, call.back.up, hidden, block.gradient, true);
        norm_block_backward(shape, first, rows, block.gradient, call.memory.middle, w.inner_norm, call.output_gradient, buffers.inner_normalized,
                            buffers.residual, block.inner_norm);
        branch_backward(block, buffers.residual, w.attention_norm, call.memory.attended, block.attention_norm, buffers.output);
        pack_left<S>(buffers.output + first * hidden, hidden, rows, hidden, block.packed);
        multiply_to<S>(block.packed, rows, hidden, call.back.output, queries, buffers.context + first * queries, queries);
    });
    float *const targets[] = {call.gradients.outer_norm, call.gradients.inner_norm, call.gradients.attention_norm};
    for (int part = 0; part < 3; ++part)
        if (targets[part]) add_partials(partials + part * hidden, blocks.count, 3 * hidden, hidden, targets[part]);
}

// From the gradients of queries, keys and values to that of the layer's input.
template <class S>
void decoder_input_backward(const DecoderBackward &call, const DecoderBuffers<S> &buffers) {
    const DecoderShape &shape = call.shape;
    int64_t hidden = shape.hidden, queries = query_width(shape), keys = key_width(shape), longest = std::max(queries, keys);
    RowBlocks blocks(call.sequences.tokens(), block_rows<S>(std::max(longest, hidden)));
    float *partials = scratch<float>(Slot::call_partials, blocks.count * hidden);
    parallel_tasks(blocks.count, product_cost(blocks.size, hidden, queries + 2 * keys), [&](int64_t index) {
        int64_t first = blocks.first(index), rows = blocks.size_of(index);
        float *partial = partials + index * hidden, *gradient = scratch<float>(Slot::block_values, rows * hidden);
        uint32_t *packed = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, longest));
        std::fill(partial, partial + hidden, 0.0f);
        auto add = [&](const S *from, int64_t length, const uint32_t *right, bool is_first) {
            pack_left<S>(from + first * length, length, rows, length, packed);
            product_rows<S>(packed, rows, length, right, hidden, gradient, !is_first);
        };
        add(buffers.query, queries, call.back.query, true);
        add(buffers.key, keys, call.back.key, false);
        add(buffers.value, keys, call.back.value, false);
        norm_block_backward(shape, first, rows, gradient, call.input, call.weights.input_norm, buffers.residual, buffers.input_normalized,
                            call.input_gradient, partial);
    });
    if (call.gradients.input_norm) add_partials(partials, blocks.count, hidden, hidden, call.gradients.input_norm);
}

// Gradients of the weight matrices and biases.
template <class S>
void decoder_weight_gradients(const DecoderBackward &call, const DecoderBuffers<S> &buffers) {
    const DecoderGradients &to = call.gradients;
    int64_t tokens = call.sequences.tokens(), hidden = call.shape.hidden, inner = call.shape.intermediate;
    int64_t queries = query_width(call.shape), keys = key_width(call.shape);
    const S *gate = static_cast<const S *>(call.memory.gate), *up = static_cast<const S *>(call.memory.up);
    auto product = [&](const S *left, int64_t m, const S *right, float *target, bool transposed) {
        return WeightProduct<S>{left, m, right, nullptr, target ? tokens : 0, target, transposed};
    };
    const WeightProduct<S> products[] = {
        product(buffers.activated, inner, buffers.outer, to.down, true),
        product(gate, inner, buffers.inner_normalized, to.gate, false),
        product(up, inner, buffers.inner_normalized, to.up, false),
        product(static_cast<const S *>(call.memory.context), queries, buffers.output, to.output, true),
        product(buffers.query, queries, buffers.input_normalized, to.query, false),
        product(buffers.key, keys, buffers.input_normalized, to.key, false),
        product(buffers.value, keys, buffers.input_normalized, to.value, false),
    };
    weight_products(products, hidden, tokens);
    auto sums = [&](const S *from, int64_t width, float *target) {
        if (target) column_sums(from, tokens, width, target);
    };
    sums(buffers.outer, hidden, to.down_bias);
    sums(gate, inner, to.gate_bias);
    sums(up, inner, to.up_bias);
    sums(buffers.output, hidden, to.output_bias);
    sums(buffers.query, queries, to.query_bias);
    sums(buffers.key, keys, to.key_bias);
    sums(buffers.value, keys, to.value_bias);
}

template <class S>
void decoder_backward(const DecoderBackward &call) {
    DecoderBuffers<S> buffers(call);
    decoder_blocks_backward<S>(call, buffers);
    causal_backward<S>({.shape = call.shape.attention,
                        .sequences = call.sequences,
                        .query = call.memory.query,
                        .key = call.memory.key,
                        .value = call.memory.value,
                        .context_gradient = buffers.context,
                        .log_sum = call.memory.log_sum,
                        .query_gradient = buffers.query,
                        .key_gradient = buffers.key,
                        .value_gradient = buffers.value,
                        .query_norm_gradient = call.gradients.query_norm,
                        .key_norm_gradient = call.gradients.key_norm});
    decoder_input_backward<S>(call, buffers);
    decoder_weight_gradients<S>(call, buffers);
}
