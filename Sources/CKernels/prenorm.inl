// An encoder's layer that normalizes before each part, for inference; its linear layers are int8, or of type S.
//
// Rows are processed in blocks whose intermediate results stay in the L2 cache; a row's result does not depend on the others.

// Rows packed for a linear layer into `words`; the scales of an int8 layer's into `scales`.
template <class S, class From>
CT_INLINE InputRows pack_for(const MixedLinear &linear, const From *from, int64_t rows, uint32_t *words, float *scales) {
    if constexpr (std::is_same_v<S, float>) return pack_input(linear, from, linear.inputs, rows, words, scales);
    pack_left<S>(from, linear.inputs, rows, linear.inputs, words);
    return {words, nullptr, 0};
}

// A linear layer's output with its bias, tile by tile: `take(row, column, rows, columns, tile)`, as `multiply`.
template <class S, class Take>
CT_INLINE void apply_to_rows(const MixedLinear &linear, const InputRows &input, int64_t rows, Take &&take) {
    if constexpr (std::is_same_v<S, float>) return apply_linear(linear, input, rows, 0, panels_of(linear.outputs), take);
    alignas(64) float values[panel_rows<S> * 32];
    multiply<S>(input.words, rows, linear.inputs, linear.words, linear.outputs, 0, panels_of(linear.outputs),
                [&](int64_t row, int64_t column, int64_t height, int64_t count, const float *tile) {
                    vf b0 = load_part(linear.bias + column, count), b1 = load_part(linear.bias + column + 16, count - 16);
                    for (int64_t r = 0; r < height; ++r) {
                        store(values + r * 32, load(tile + r * 32) + b0);
                        store(values + r * 32 + 16, load(tile + r * 32 + 16) + b1);
                    }
                    take(row, column, height, count, values);
                });
}

// Queries, keys and values of all rows.
template <class S>
void project_prenorm(const PreNormForward &call) {
    int64_t hidden = call.hidden;
    RowBlocks blocks(call.sequences.tokens(), block_rows<S>(hidden));
    parallel_tasks(blocks.count, product_cost(blocks.size, hidden, 3 * hidden), [&](int64_t block) {
        int64_t first = blocks.first(block), rows = blocks.size_of(block);
        uint32_t *words = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, hidden));
        float *scales = scratch<float>(Slot::block_scales, rows);
        const float *from = call.input + first * hidden;
        if (call.norm1_weight) {
            float *normalized = scratch<float>(Slot::block_attended, rows * hidden);
            for (int64_t r = 0; r < rows; ++r)
                normalize_row(from + r * hidden, hidden, call.norm1_weight, call.norm1_bias, call.epsilon, nullptr, normalized + r * hidden);
            from = normalized;
        }
        const MixedLinear *linears[] = {&call.query, &call.key, &call.value};
        void *const to[] = {call.query_memory, call.key_memory, call.value_memory};
        InputRows input{};
        for (int i = 0; i < 3; ++i) {
            if (i == 0 || !reads_alike(*linears[i - 1], *linears[i])) input = pack_for<S>(*linears[i], from, rows, words, scales);
            S *output = static_cast<S *>(to[i]) + first * hidden;
            apply_to_rows<S>(*linears[i], input, rows, [&](int64_t row, int64_t column, int64_t height, int64_t count, const float *tile) {
                store_tile(tile, height, count, nullptr, output + row * hidden + column, hidden);
            });
        }
    });
}

// The rows of a block: as they are, or gathered from each example's first token.
template <class T>
CT_INLINE const T *block_of(const PreNormForward &call, const T *all, int64_t first, int64_t rows, Slot slot) {
    if (!call.first_only) return all + first * call.hidden;
    T *gathered = scratch<T>(slot, rows * call.hidden);
    for (int64_t r = 0; r < rows; ++r)
        __builtin_memcpy(gathered + r * call.hidden, all + call.sequences.offsets[first + r] * call.hidden,
                         sizeof(T) * static_cast<size_t>(call.hidden));
    return gathered;
}

// activation(x · Wg) ∘ (x · Wu) of a block's rows, into `gated`.
template <class S>
CT_INLINE void gate_rows(const PreNormForward &call, const float *from, int64_t rows, uint32_t *words, float *scales, float *gated) {
    int64_t inner = call.intermediate;
    InputRows input = pack_for<S>(call.gate, from, rows, words, scales);
    apply_to_rows<S>(call.gate, input, rows, [&](int64_t row, int64_t column, int64_t height, int64_t count, const float *tile) {
        for (int64_t r = 0; r < height; ++r)
            for (int64_t half = 0; half < count; half += 16)
                store_part(gated + (row + r) * inner + column + half, activate(call.activation, load(tile + r * 32 + half)), count - half);
    });
    if (!reads_alike(call.gate, call.up)) input = pack_for<S>(call.up, from, rows, words, scales);
    apply_to_rows<S>(call.up, input, rows, [&](int64_t row, int64_t column, int64_t height, int64_t count, const float *tile) {
        for (int64_t r = 0; r < height; ++r)
            for (int64_t half = 0; half < count; half += 16) {
                float *to = gated + (row + r) * inner + column + half;
                store_part(to, load_part(to, count - half) * load(tile + r * 32 + half), count - half);
            }
    });
}

// Everything after attention, block by block.
template <class S>
void finish_prenorm(const PreNormForward &call) {
    int64_t hidden = call.hidden, inner = call.intermediate;
    RowBlocks blocks(call.first_only ? call.sequences.count : call.sequences.tokens(), block_rows<S>(inner));
    parallel_tasks(blocks.count, product_cost(blocks.size, hidden, hidden + 3 * inner), [&](int64_t block) {
        int64_t first = blocks.first(block), rows = blocks.size_of(block);
        uint32_t *words = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, std::max(hidden, inner)));
        float *scales = scratch<float>(Slot::block_scales, rows);
        float *sums = scratch<float>(Slot::block_values, rows * hidden), *normalized = scratch<float>(Slot::block_attended, rows * hidden);
        float *gated = scratch<float>(Slot::block_activated, rows * inner);
        const float *inputs = block_of(call, call.input, first, rows, Slot::block_inputs);
        const S *contexts = block_of(call, static_cast<const S *>(call.context_memory), first, rows, Slot::block_inner);
        // A product added to `residual` (rows, H).
        auto add_to = [&](const MixedLinear &linear, const InputRows &input, const float *residual, float *to) {
            apply_to_rows<S>(linear, input, rows, [&](int64_t row, int64_t column, int64_t height, int64_t count, const float *tile) {
                for (int64_t r = 0; r < height; ++r)
                    for (int64_t half = 0; half < count; half += 16) {
                        int64_t at = (row + r) * hidden + column + half;
                        store_part(to + at, load_part(residual + at, count - half) + load(tile + r * 32 + half), count - half);
                    }
            });
        };
        add_to(call.output_linear, pack_for<S>(call.output_linear, contexts, rows, words, scales), inputs, sums);
        for (int64_t r = 0; r < rows; ++r)
            normalize_row(sums + r * hidden, hidden, call.norm2_weight, call.norm2_bias, call.epsilon, nullptr, normalized + r * hidden);
        gate_rows<S>(call, normalized, rows, words, scales, gated);
        add_to(call.down, pack_for<S>(call.down, gated, rows, words, scales), sums, call.output + first * hidden);
    });
}

template <class S>
void prenorm_forward(const PreNormForward &call) {
    project_prenorm<S>(call);
    causal_forward<S>({.shape = call.attention,
                       .sequences = call.sequences,
                       .query = call.query_memory,
                       .key = call.key_memory,
                       .value = call.value_memory,
                       .context = call.context_memory,
                       .log_sum = nullptr});
    finish_prenorm<S>(call);
}
