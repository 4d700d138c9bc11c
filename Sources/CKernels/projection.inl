// Linear layers on many rows by packed operands, as decoders have them: one operation for each layer.

// About the nanoseconds that products take one thread: with few rows it waits for the weights' words to come from memory.
template <class S>
CT_INLINE int64_t projection_cost(int64_t rows, int64_t inputs, int64_t panels) {
    constexpr int64_t bytes_per_nanosecond = 24;
    return std::max(product_cost(rows, inputs, 32 * panels), panels * words<S>(inputs) * 32 * 4 / bytes_per_nanosecond);
}

// Panels first ..< last, counted through all layers, of rows whose left operand is packed.
template <class S, class Output>
CT_INLINE void project_panels(const ProjectionForward &call, const uint32_t *packed, int64_t row, int64_t rows, int64_t first,
                              int64_t last) {
    for (int64_t p = 0; p < call.count; ++p) {
        const ProjectionPart &part = call.parts[p];
        int64_t panels = panels_of(part.outputs);
        Output *output = static_cast<Output *>(part.output);
        multiply<S>(packed, rows, call.inputs, part.right, part.outputs, std::max<int64_t>(first, 0), std::min(last, panels),
                    [&](int64_t r, int64_t column, int64_t height, int64_t count, const float *tile) {
                        store_tile(tile, height, count, part.bias ? part.bias + column : nullptr,
                                   output + (row + r) * part.outputs + column, part.outputs);
                    });
        first -= panels;
        last -= panels;
    }
}

// The number of tasks that the panels of a product's columns are divided into; 1 where rows are divided. Few rows are one block, whose
// columns the threads divide; very few, as in generation, in pieces, since a thread that waits for memory beside others takes longer.
template <class S>
CT_INLINE int64_t column_chunks(int64_t rows, int64_t panels) {
    int64_t threads = thread_count(), pieces = rows <= panel_rows<S> ? 4 * threads : threads;
    return rows < few_rows * threads && threads > 1 ? std::min<int64_t>(pieces, panels) : 1;
}

template <class S, class Output>
void projection_forward(const ProjectionForward &call) {
    const S *input = static_cast<const S *>(call.input);
    int64_t panels = 0;
    for (int64_t p = 0; p < call.count; ++p) panels += panels_of(call.parts[p].outputs);
    int64_t chunks = column_chunks<S>(call.rows, panels);
    RowBlocks blocks = chunks > 1 ? RowBlocks::whole(call.rows) : RowBlocks(call.rows, block_rows<S>(call.inputs));
    int64_t cost = projection_cost<S>(blocks.size, call.inputs, panels) / chunks;
    parallel_tasks(blocks.count * chunks, cost, [&](int64_t task) {
        int64_t block = task / chunks, chunk = task % chunks, first = blocks.first(block), rows = blocks.size_of(block);
        uint32_t *packed = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, call.inputs));
        pack_left<S>(input + first * call.inputs, call.inputs, rows, call.inputs, packed);
        project_panels<S, Output>(call, packed, first, rows, panels * chunk / chunks, panels * (chunk + 1) / chunks);
    });
}

// to (columns): the sums of the columns of `from` (rows, columns), each from the first row to the last.
template <class S>
void column_sums(const S *from, int64_t rows, int64_t columns, float *to) {
    parallel_tasks((columns + 63) / 64, element_cost(rows * 64), [&](int64_t task) {
        for (int64_t c = task * 64; c < std::min(columns, task * 64 + 64); c += 16) {
            vf total = vf{};
            for (int64_t row = 0; row < rows; ++row) total += load_part(from + row * columns + c, columns - c);
            store_part(to + c, total, columns - c);
        }
    });
}

template <class S>
void projection_gradient(const ProjectionGradient &call) {
    const S *left = static_cast<const S *>(call.left);
    if (call.to)
        weight_products<S, 1>({{.left = left, .m = call.left_columns, .right = static_cast<const S *>(call.right), .right_float = nullptr,
                                .rows = call.rows, .to = call.to, .transposed = false}},
                              call.right_columns, call.rows);
    if (call.left_sums) column_sums(left, call.rows, call.left_columns, call.left_sums);
}

// MARK: Gated activations

constexpr int64_t gated_block = 8192;

template <class S>
void gated_forward(const Gated &call, S *output) {
    const S *gate = static_cast<const S *>(call.gate), *up = static_cast<const S *>(call.up);
    parallel_tasks((call.count + gated_block - 1) / gated_block, element_cost(4 * gated_block), [&](int64_t task) {
        int64_t end = std::min(call.count, (task + 1) * gated_block);
        for (int64_t c = task * gated_block; c < end; c += 16) {
            vf activated = activate(call.activation, load_part(gate + c, end - c));
            store_part(output + c, up ? activated * load_part(up + c, end - c) : activated, end - c);
        }
    });
}

template <class S>
void gated_backward(const Gated &call, const S *gradient, S *gate_gradient, S *up_gradient) {
    const S *gate = static_cast<const S *>(call.gate), *up = static_cast<const S *>(call.up);
    parallel_tasks((call.count + gated_block - 1) / gated_block, element_cost(6 * gated_block), [&](int64_t task) {
        int64_t end = std::min(call.count, (task + 1) * gated_block);
        for (int64_t c = task * gated_block; c < end; c += 16) {
            Activated a = activate_with_derivative(call.activation, load_part(gate + c, end - c));
            vf g = load_part(gradient + c, end - c);
            store_part(gate_gradient + c, g * load_part(up + c, end - c) * a.derivative, end - c);
            store_part(up_gradient + c, g * a.value, end - c);
        }
    });
}
