// A decoder's layer: forward (decoder.h). Rows are processed in blocks whose intermediate results stay in the L2 cache, or, where there
// are few of them, in one block whose columns the threads divide; a row's result depends on neither.

// Queries, keys and values of all rows.
template <class S>
void project_decoder(const DecoderForward &call) {
    const DecoderShape &shape = call.shape;
    const DecoderWeights &w = call.weights;
    int64_t hidden = shape.hidden, queries = query_width(shape), keys = key_width(shape), rows = call.sequences.tokens();
    const ProjectionPart parts[] = {{queries, w.query.right, w.query.bias, call.memory.query},
                                    {keys, w.key.right, w.key.bias, call.memory.key},
                                    {keys, w.value.right, w.value.bias, call.memory.value}};
    const ProjectionForward projection{.rows = rows, .inputs = hidden, .input = nullptr, .parts = parts, .count = 3, .float_output = false};
    int64_t panels = panels_of(queries) + 2 * panels_of(keys), chunks = column_chunks<S>(rows, panels);
    RowBlocks blocks = chunks > 1 ? RowBlocks::whole(rows) : RowBlocks(rows, block_rows<S>(hidden));
    parallel_tasks(blocks.count * chunks, projection_cost<S>(blocks.size, hidden, panels) / chunks, [&](int64_t task) {
        int64_t block = task / chunks, chunk = task % chunks, first = blocks.first(block), count = blocks.size_of(block);
        S *normalized = scratch<S>(Slot::block_inputs, count * hidden);
        uint32_t *packed = scratch<uint32_t>(Slot::block_left, left_words<S>(count, hidden));
        normalize_rows(shape, call.input + first * hidden, count, w.input_norm, normalized);
        pack_left<S>(normalized, hidden, count, hidden, packed);
        project_panels<S, S>(projection, packed, first, count, panels * chunk / chunks, panels * (chunk + 1) / chunks);
    });
}

// A product that is added to the residual stream: residual + (product + bias), normalized before it is added where it has a norm.
template <class S>
struct DecoderBranch {
    const DecoderLinear &linear;
    const float *norm;      // (H), or null
    S *kept;                // (rows, H) the product before its norm, for training; else null
    float *values;          // (rows, H) the same where it has a norm
    const float *residual;  // (rows, H)
    float *to;              // (rows, H)
};

// Panels first ..< last of a branch, from its packed left operand. Where it has a norm, `add_normalized` adds it.
template <class S>
CT_INLINE void multiply_branch(const DecoderBranch<S> &branch, int64_t hidden, const uint32_t *left, int64_t rows, int64_t length,
                               int64_t first, int64_t last) {
    const float *bias = branch.linear.bias;
    multiply<S>(left, rows, length, branch.linear.right, hidden, first, last,
                [&](int64_t r, int64_t column, int64_t height, int64_t count, const float *tile) {
                    for (int64_t half = 0; half < count; half += 16) {
                        vf shift = bias ? load_part(bias + column + half, count - half) : vf{};
                        for (int64_t i = 0; i < height; ++i) {
                            int64_t at = (r + i) * hidden + column + half;
                            vf x = load(tile + i * 32 + half) + shift;
                            if (!branch.norm) {
                                store_part(branch.to + at, load_part(branch.residual + at, count - half) + x, count - half);
                                continue;
                            }
                            if (branch.kept) {
                                // The backward pass computes with the stored values, so continue from those here too.
                                store_part(branch.kept + at, x, count - half);
                                x = load_part(branch.kept + at, count - half);
                            }
                            store_part(branch.values + at, x, count - half);
                        }
                    }
                });
}

template <class S>
CT_INLINE void add_normalized(const DecoderBranch<S> &branch, const DecoderShape &shape, int64_t rows) {
    if (!branch.norm) return;
    int64_t hidden = shape.hidden;
    for (int64_t r = 0; r < rows; ++r) {
        rms_row(branch.values + r * hidden, hidden, branch.norm, shape.epsilon, shape.offset, branch.values + r * hidden);
        for (int64_t c = r * hidden; c < (r + 1) * hidden; c += 16) {
            int64_t left = (r + 1) * hidden - c;
            store_part(branch.to + c, load_part(branch.residual + c, left) + load_part(branch.values + c, left), left);
        }
    }
}

// Panels first ..< last of activation(n · Wg) ∘ (n · Wu), for packed rows n from `row` on, packed as the left operand of the next product.
template <class S>
void expand_gated(const DecoderForward &call, const uint32_t *left, int64_t row, int64_t rows, int64_t first, int64_t last, uint32_t *activated) {
    // A few panels of the gate at a time, which are still in the cache when those of `up` come.
    constexpr int64_t group = 4, stride = group * 32;
    int64_t hidden = call.shape.hidden, inner = call.shape.intermediate, total = words<S>(inner);
    Activation kind = call.shape.activation;
    RowPanels<S> panels(rows);
    float *gates = scratch<float>(Slot::block_activated, rows * stride);
    S *kept_gate = static_cast<S *>(call.memory.gate), *kept_up = static_cast<S *>(call.memory.up);
    const DecoderLinear &gate = call.weights.gate, &up = call.weights.up;
    alignas(64) float values[panel_rows<S> * 32];
    for (int64_t p = first; p < last; p += group) {
        int64_t end = std::min(last, p + group);
        multiply<S>(left, rows, hidden, gate.right, inner, p, end, [&](int64_t r, int64_t column, int64_t height, int64_t count, const float *tile) {
            const float *bias = gate.bias ? gate.bias + column : nullptr;
            store_tile(tile, height, count, bias, gates + r * stride + column - p * 32, stride);
            if (kept_gate) store_tile(tile, height, count, bias, kept_gate + (row + r) * inner + column, inner);
        });
        multiply<S>(left, rows, hidden, up.right, inner, p, end, [&](int64_t r, int64_t column, int64_t height, int64_t count, const float *tile) {
            for (int64_t half = 0; half < count; half += 16) {
                int64_t part = count - half;
                vf shift = up.bias ? load_part(up.bias + column + half, part) : vf{};
                for (int64_t i = 0; i < height; ++i) {
                    vf g = load_part(gates + (r + i) * stride + column - p * 32 + half, part), u = load(tile + i * 32 + half) + shift;
                    if (kept_up) {
                        int64_t at = (row + r + i) * inner + column + half;
                        store_part(kept_up + at, u, part);
                        g = load_part(kept_gate + at, part);
                        u = load_part(kept_up + at, part);
                    }
                    store(values + i * 32 + half, activate(kind, g) * u);
                }
            }
            pack_left_panel<S>(values, 32, height, count, panels.height, activated + r * total + column / Words<S>::per * panels.height);
        });
    }
}

// Everything after attention, block by block.
template <class S>
void finish_decoder_blocks(const DecoderForward &call) {
    const DecoderShape &shape = call.shape;
    const DecoderWeights &w = call.weights;
    int64_t hidden = shape.hidden, inner = shape.intermediate, queries = query_width(shape), all = panels_of(hidden);
    bool has_norms = w.attention_norm || w.outer_norm;
    RowBlocks blocks(call.sequences.tokens(), block_rows<S>(std::max(inner, queries)));
    parallel_tasks(blocks.count, product_cost(blocks.size, hidden, queries + 3 * inner), [&](int64_t block) {
        int64_t first = blocks.first(block), rows = blocks.size_of(block), at = first * hidden;
        uint32_t *packed = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, std::max(hidden, queries)));
        uint32_t *activated = scratch<uint32_t>(Slot::block_inner, left_words<S>(rows, inner));
        float *values = has_norms ? scratch<float>(Slot::block_values, rows * hidden) : nullptr;
        float *middle = call.memory.middle ? call.memory.middle + at : scratch<float>(Slot::block_attended, rows * hidden);
        S *normalized = scratch<S>(Slot::block_inputs, rows * hidden);
        S *attended = static_cast<S *>(call.memory.attended), *fed = static_cast<S *>(call.memory.fed);
        DecoderBranch<S> attention{w.output, w.attention_norm, attended ? attended + at : nullptr, values, call.input + at, middle};
        pack_left<S>(static_cast<const S *>(call.memory.context) + first * queries, queries, rows, queries, packed);
        multiply_branch(attention, hidden, packed, rows, queries, 0, all);
        add_normalized(attention, shape, rows);
        normalize_rows(shape, middle, rows, w.inner_norm, normalized);
        pack_left<S>(normalized, hidden, rows, hidden, packed);
        expand_gated<S>(call, packed, first, rows, 0, panels_of(inner), activated);
        DecoderBranch<S> feed_forward{w.down, w.outer_norm, fed ? fed + at : nullptr, values, middle, call.output + at};
        multiply_branch(feed_forward, hidden, activated, rows, inner, 0, all);
        add_normalized(feed_forward, shape, rows);
    });
}

// The same for few rows, whose columns are divided into `chunks` tasks.
template <class S>
void finish_decoder_columns(const DecoderForward &call, int64_t chunks) {
    const DecoderShape &shape = call.shape;
    const DecoderWeights &w = call.weights;
    int64_t hidden = shape.hidden, inner = shape.intermediate, queries = query_width(shape), rows = call.sequences.tokens();
    float *values = w.attention_norm || w.outer_norm ? scratch<float>(Slot::call_values, rows * hidden) : nullptr;
    float *middle = call.memory.middle ? call.memory.middle : scratch<float>(Slot::call_attended, rows * hidden);
    uint32_t *activated = scratch<uint32_t>(Slot::call_inner, left_words<S>(rows, inner));
    auto in_chunks = [&](int64_t length, int64_t panels, auto &&body) {
        parallel_tasks(chunks, projection_cost<S>(rows, length, panels) / chunks,
                       [&](int64_t chunk) { body(panels * chunk / chunks, panels * (chunk + 1) / chunks); });
    };
    DecoderBranch<S> attention{w.output, w.attention_norm, static_cast<S *>(call.memory.attended), values, call.input, middle};
    in_chunks(queries, panels_of(hidden), [&](int64_t first, int64_t last) {
        uint32_t *packed = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, queries));
        pack_left<S>(static_cast<const S *>(call.memory.context), queries, rows, queries, packed);
        multiply_branch(attention, hidden, packed, rows, queries, first, last);
    });
    add_normalized(attention, shape, rows);
    in_chunks(2 * hidden, panels_of(inner), [&](int64_t first, int64_t last) {
        S *normalized = scratch<S>(Slot::block_inputs, rows * hidden);
        uint32_t *packed = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, hidden));
        normalize_rows(shape, middle, rows, w.inner_norm, normalized);
        pack_left<S>(normalized, hidden, rows, hidden, packed);
        expand_gated<S>(call, packed, 0, rows, first, last, activated);
    });
    DecoderBranch<S> feed_forward{w.down, w.outer_norm, static_cast<S *>(call.memory.fed), values, middle, call.output};
    in_chunks(inner, panels_of(hidden),
              [&](int64_t first, int64_t last) { multiply_branch(feed_forward, hidden, activated, rows, inner, first, last); });
    add_normalized(feed_forward, shape, rows);
}

template <class S>
void decoder_forward(const DecoderForward &call) {
    const DecoderMemory &memory = call.memory;
    project_decoder<S>(call);
    if (call.texts)
        cached_forward<S>({.shape = call.shape.attention, .sequences = call.sequences, .texts = call.texts, .query = memory.query,
                           .key = memory.key, .value = memory.value, .context = memory.context});
    else
        causal_forward<S>({.shape = call.shape.attention, .sequences = call.sequences, .query = memory.query, .key = memory.key,
                           .value = memory.value, .context = memory.context, .log_sum = memory.log_sum});
    int64_t chunks = column_chunks<S>(call.sequences.tokens(), panels_of(std::min(call.shape.hidden, call.shape.intermediate)));
    if (chunks > 1) finish_decoder_columns<S>(call, chunks);
    else finish_decoder_blocks<S>(call);
}
