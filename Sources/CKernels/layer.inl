// A transformer layer that normalizes after each residual, as BERT's: forward.
//
//   y = norm1(x + dropout(attention(x) · Wo))      z = norm2(y + dropout(activation(y · Wi) · Wu))
//
// Rows are processed in blocks whose intermediate results stay in the L2 cache.

// Writes a tile plus bias to a matrix, with a row stride of `stride`.
template <class S>
CT_INLINE void store_tile(const float *tile, int64_t height, int64_t count, const float *bias, S *to, int64_t stride) {
    vf b0 = bias ? load_part(bias, count) : vf{}, b1 = bias ? load_part(bias + 16, count - 16) : vf{};
    for (int64_t r = 0; r < height; ++r) {
        store_part(to + r * stride, load(tile + r * 32) + b0, count);
        if (count > 16) store_part(to + r * stride + 16, load(tile + r * 32 + 16) + b1, count - 16);
    }
}

// Rows in equal blocks of at most `largest`; if there are few, so many blocks that the threads are balanced. A function of the
// number of rows alone: sums over blocks must not depend on the number of threads.
struct RowBlocks {
    RowBlocks(int64_t rows, int64_t largest) : rows(rows) {
        int64_t blocks = std::max<int64_t>(1, (rows + largest - 1) / largest), even = rows < 256 ? 2 : 4;
        if (blocks < 16) blocks = (blocks + even - 1) / even * even;
        size = std::max<int64_t>(1, (rows + blocks - 1) / blocks);
        count = (rows + size - 1) / size;
    }
    // All rows as one block.
    static RowBlocks whole(int64_t rows) {
        RowBlocks blocks(rows, rows);
        blocks.size = rows;
        blocks.count = 1;
        return blocks;
    }
    int64_t first(int64_t block) const { return block * size; }
    int64_t size_of(int64_t block) const { return std::min(size, rows - block * size); }
    int64_t rows, size, count;
};

// So many rows that a block's packed intermediate results take about half of the L2 cache.
template <class S>
int64_t block_rows(int64_t longest) {
    // Processors with AMX have 2 MB of L2 cache per core, and multiply faster than weights arrive from the L3 cache.
    int64_t rows = ((on_tiles<S> ? 768 : 448) << 10) / (longest * static_cast<int64_t>(sizeof(S)));
    return std::clamp<int64_t>(rows / panel_rows<S> * panel_rows<S>, 4 * panel_rows<S>, (on_tiles<S> ? 8 : 12) * panel_rows<S>);
}


CT_INLINE int64_t query_count(const Shape &shape, const Sequences &sequences) {
    return shape.first_only ? sequences.count : sequences.tokens();
}

// Rows of the query rows' inputs, as they are or gathered.
CT_INLINE const float *query_inputs(const Shape &shape, const Sequences &sequences, const float *input, int64_t first,
                                    int64_t rows, Slot slot) {
    if (!shape.first_only) return input + first * shape.hidden;
    float *gathered = scratch<float>(slot, rows * shape.hidden);
    for (int64_t r = 0; r < rows; ++r)
        __builtin_memcpy(gathered + r * shape.hidden, input + sequences.offsets[first + r] * shape.hidden,
                         sizeof(float) * static_cast<size_t>(shape.hidden));
    return gathered;
}

// Queries, keys and values of all rows. `chunks`: the number of tasks that the columns are divided into.
template <class S>
void project(const LayerForward &call, int64_t chunks) {
    const Shape &shape = call.shape;
    int64_t hidden = shape.hidden;
    auto columns = [&](int64_t rows, int64_t row, const uint32_t *packed, int64_t panels, const uint32_t *right,
                       const float *bias, int64_t width, void *to, int64_t chunk) {
        multiply<S>(packed, rows, hidden, right, width, panels * chunk / chunks, panels * (chunk + 1) / chunks,
                    [&](int64_t r, int64_t column, int64_t height, int64_t count, const float *tile) {
                        store_tile(tile, height, count, bias + column,
                                   static_cast<S *>(to) + (row + r) * width + column, width);
                    });
    };
    auto blocks_of = [&](int64_t rows) { return chunks > 1 ? RowBlocks::whole(rows) : RowBlocks(rows, block_rows<S>(hidden)); };
    RowBlocks blocks = blocks_of(call.sequences.tokens());
    parallel_tasks(blocks.count * chunks, product_cost(blocks.size, hidden, 3 * hidden) / chunks, [&](int64_t task) {
        int64_t block = task / chunks, chunk = task % chunks, first = blocks.first(block), rows = blocks.size_of(block);
        uint32_t *packed = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, hidden));
        pack_left<S>(call.input + first * hidden, hidden, rows, hidden, packed);
        columns(rows, first, packed, panels_of(2 * hidden), call.weights.key_value, call.weights.key_value_bias,
                2 * hidden, call.memory.key_value, chunk);
        if (!shape.first_only)
            columns(rows, first, packed, panels_of(hidden), call.weights.query, call.weights.query_bias, hidden,
                    call.memory.query, chunk);
    });
    if (!shape.first_only) return;
    RowBlocks firsts = blocks_of(call.sequences.count);
    parallel_tasks(firsts.count * chunks, product_cost(firsts.size, hidden, hidden) / chunks, [&](int64_t task) {
        int64_t block = task / chunks, chunk = task % chunks, first = firsts.first(block), rows = firsts.size_of(block);
        uint32_t *packed = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, hidden));
        pack_left<S>(query_inputs(shape, call.sequences, call.input, first, rows, Slot::block_inputs), hidden, rows, hidden, packed);
        columns(rows, first, packed, panels_of(hidden), call.weights.query, call.weights.query_bias, hidden,
                call.memory.query, chunk);
    });
}

// The start of each example's attention mask, in 16-bit words of one head.
inline int64_t *attention_starts(const Shape &shape, const Sequences &sequences) {
    int64_t *starts = scratch<int64_t>(Slot::call_starts, sequences.count + 1);
    starts[0] = 0;
    for (int64_t s = 0; s < sequences.count; ++s) {
        int64_t length = sequences.offsets[s + 1] - sequences.offsets[s];
        starts[s + 1] = starts[s] + attention_words(shape.first_only ? 1 : length, length);
    }
    return starts;
}

template <class S>
Head<S> head_of(const Shape &shape, const Sequences &sequences, const LayerMemory &memory, int64_t sequence,
                int64_t head) {
    int64_t hidden = shape.hidden, width = hidden / shape.heads, start = sequences.offsets[sequence];
    int64_t length = sequences.offsets[sequence + 1] - start;
    const S *key = static_cast<const S *>(memory.key_value) + start * 2 * hidden + head * width;
    int64_t row = shape.first_only ? sequence : start;
    return {static_cast<const S *>(memory.query) + row * hidden + head * width, key, key + hidden, hidden, 2 * hidden,
            shape.first_only ? 1 : length, length, width,
            shape.score_scale > 0 ? shape.score_scale : 1.0f / __builtin_sqrtf(static_cast<float>(width))};
}

// The average cost of one head of one example.
CT_INLINE int64_t attention_cost(const Shape &shape, const Sequences &sequences) {
    int64_t length = sequences.tokens() / std::max<int64_t>(1, sequences.count);
    return 2 * product_cost(shape.first_only ? 1 : length, shape.hidden / shape.heads, length) + element_cost(length);
}

template <class S>
void attend_all(const LayerForward &call) {
    const Shape &shape = call.shape;
    const Sequences &sequences = call.sequences;
    int64_t queries = query_count(shape, sequences), width = shape.hidden / shape.heads;
    bool masked = call.training && call.attention_mask.on();
    const int64_t *starts = masked ? attention_starts(shape, sequences) : nullptr;
    parallel_tasks(sequences.count * shape.heads, attention_cost(shape, sequences), [&](int64_t task) {
        int64_t s = task / shape.heads, h = task % shape.heads;
        int64_t row = shape.first_only ? s : sequences.offsets[s];
        Head<S> head = head_of<S>(shape, sequences, call.memory, s, h);
        head.positions = positions_of(call.positions, h, shape.hidden, width);
        uint16_t *bits = nullptr;
        if (masked) {
            int64_t count = starts[s + 1] - starts[s], first = starts[s] * shape.heads + h * count;
            bits = call.memory.attention_bits + first;
            for (int64_t word = 0; word < count; word += 8)
                mask_row(call.attention_mask, (first + word) / 8, 1, bits + word);
        }
        attend<S>(head, call.attention_mask, bits,
                  static_cast<S *>(call.memory.context) + row * shape.hidden + h * width, shape.hidden,
                  call.training ? call.memory.log_sum + h * queries + row : nullptr);
    });
}

// A row's residual and normalization: `row` (a product with its bias) is overwritten.
CT_INLINE void add_and_normalize(const LayerForward &call, const Mask &mask, uint16_t *bits, int64_t row, float *values,
                                 const float *residual, const float *weight, const float *bias, float *normalized,
                                 float *deviation, float *output) {
    int64_t hidden = call.shape.hidden;
    if (call.training && mask.on()) {
        uint16_t *kept = bits + row * mask_stride(hidden);
        mask_row(mask, row, mask_stride(hidden) / 8, kept);
        for (int64_t c = 0; c < hidden; c += 16) {
            int64_t left = hidden - c;
            store_part(values + c, keep(load_part(values + c, left), kept[c / 16], mask.scale) + load_part(residual + c, left), left);
        }
    } else {
        add_row(values, residual, hidden);
    }
    float one = normalize_row(values, hidden, weight, bias, call.shape.epsilon,
                              call.training ? normalized + row * hidden : nullptr, output);
    if (call.training) deviation[row] = one;
}

// Panels first…last of activation(y · Wi + b), packed as the left operand of the next product.
template <class S>
void expand(const LayerForward &call, const uint32_t *packed, int64_t row, int64_t rows, int64_t first, int64_t last,
            uint32_t *activated) {
    const Shape &shape = call.shape;
    int64_t inner = shape.intermediate, total = words<S>(inner);
    RowPanels<S> panels(rows);
    Activation kind = shape.activation;
    S *kept = call.training ? static_cast<S *>(call.memory.inner) : nullptr;
    alignas(64) float values[panel_rows<S> * 32];
    multiply<S>(packed, rows, shape.hidden, call.weights.inner, inner, first, last,
                [&](int64_t r, int64_t column, int64_t height, int64_t count, const float *tile) {
                    const float *bias = call.weights.inner_bias + column;
                    vf b0 = load_part(bias, count), b1 = load_part(bias + 16, count - 16);
                    for (int64_t i = 0; i < height; ++i) {
                        vf x0 = load(tile + i * 32) + b0, x1 = load(tile + i * 32 + 16) + b1;
                        if (kept) {
                            // The backward pass computes with the stored values, so continue from those here too.
                            S *to = kept + (row + r + i) * inner + column;
                            store_part(to, x0, count);
                            x0 = load_part(to, count);
                            if (count > 16) {
                                store_part(to + 16, x1, count - 16);
                                x1 = load_part(to + 16, count - 16);
                            }
                        }
                        store(values + i * 32, activate(kind, x0));
                        store(values + i * 32 + 16, activate(kind, x1));
                    }
                    pack_left_panel<S>(values, 32, height, count, panels.height,
                                       activated + r * total + column / Words<S>::per * panels.height);
                });
}

// Everything after attention, block by block.
template <class S>
void finish_blocks(const LayerForward &call) {
    const Shape &shape = call.shape;
    int64_t hidden = shape.hidden, inner = shape.intermediate;
    RowBlocks blocks(query_count(shape, call.sequences), block_rows<S>(inner));
    parallel_tasks(blocks.count, product_cost(blocks.size, hidden, hidden + 2 * inner), [&](int64_t block) {
        int64_t first = blocks.first(block), rows = blocks.size_of(block);
        uint32_t *packed = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, hidden));
        uint32_t *activated = scratch<uint32_t>(Slot::block_inner, left_words<S>(rows, inner));
        float *values = scratch<float>(Slot::block_values, rows * hidden), *attended = scratch<float>(Slot::block_attended, rows * hidden);
        const float *inputs = query_inputs(shape, call.sequences, call.input, first, rows, Slot::block_inputs);
        auto product = [&](const uint32_t *left, int64_t length, const uint32_t *right, const float *bias) {
            multiply<S>(left, rows, length, right, hidden, 0, panels_of(hidden),
                        [&](int64_t r, int64_t column, int64_t height, int64_t count, const float *tile) {
                            store_tile(tile, height, count, bias + column, values + r * hidden + column, hidden);
                        });
        };
        pack_left<S>(static_cast<const S *>(call.memory.context) + first * hidden, hidden, rows, hidden, packed);
        product(packed, hidden, call.weights.output, call.weights.output_bias);
        for (int64_t r = 0; r < rows; ++r)
            add_and_normalize(call, call.mask1, call.memory.bits1, first + r, values + r * hidden, inputs + r * hidden,
                              call.weights.norm1_weight, call.weights.norm1_bias, call.memory.normalized1,
                              call.memory.deviation1, attended + r * hidden);
        pack_left<S>(attended, hidden, rows, hidden, packed);
        expand<S>(call, packed, first, rows, 0, panels_of(inner), activated);
        product(activated, inner, call.weights.outer, call.weights.outer_bias);
        for (int64_t r = 0; r < rows; ++r)
            add_and_normalize(call, call.mask2, call.memory.bits2, first + r, values + r * hidden,
                              attended + r * hidden, call.weights.norm2_weight, call.weights.norm2_bias,
                              call.memory.normalized2, call.memory.deviation2, call.output + (first + r) * hidden);
    });
}

// The same for few rows, whose columns are distributed over the threads: for inference only.
template <class S>
void finish_columns(const LayerForward &call, int64_t chunks) {
    const Shape &shape = call.shape;
    int64_t hidden = shape.hidden, inner = shape.intermediate, rows = query_count(shape, call.sequences);
    float *values = scratch<float>(Slot::call_values, rows * hidden), *attended = scratch<float>(Slot::call_attended, rows * hidden);
    uint32_t *activated = scratch<uint32_t>(Slot::call_inner, left_words<S>(rows, inner));
    const float *inputs = query_inputs(shape, call.sequences, call.input, 0, rows, Slot::call_inputs);
    auto product = [&](const uint32_t *left, int64_t length, const uint32_t *right, const float *bias, int64_t chunk) {
        int64_t panels = panels_of(hidden);
        multiply<S>(left, rows, length, right, hidden, panels * chunk / chunks, panels * (chunk + 1) / chunks,
                    [&](int64_t r, int64_t column, int64_t height, int64_t count, const float *tile) {
                        store_tile(tile, height, count, bias + column, values + r * hidden + column, hidden);
                    });
    };
    auto normalize = [&](const float *residual, const float *weight, const float *bias, float *output) {
        int64_t tasks = rows * hidden < (16 << 10) ? 1 : chunks;
        parallel_tasks(tasks, element_cost(4 * rows * hidden) / tasks, [&](int64_t task) {
            for (int64_t r = rows * task / tasks; r < rows * (task + 1) / tasks; ++r)
                add_and_normalize(call, call.mask1, nullptr, r, values + r * hidden, residual + r * hidden, weight, bias,
                                  nullptr, nullptr, output + r * hidden);
        });
    };
    parallel_tasks(chunks, product_cost(rows, hidden, hidden) / chunks, [&](int64_t chunk) {
        uint32_t *packed = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, hidden));
        pack_left<S>(static_cast<const S *>(call.memory.context), hidden, rows, hidden, packed);
        product(packed, hidden, call.weights.output, call.weights.output_bias, chunk);
    });
    normalize(inputs, call.weights.norm1_weight, call.weights.norm1_bias, attended);
    parallel_tasks(chunks, product_cost(rows, hidden, inner) / chunks, [&](int64_t chunk) {
        uint32_t *packed = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, hidden));
        pack_left<S>(attended, hidden, rows, hidden, packed);
        int64_t panels = panels_of(inner);
        expand<S>(call, packed, 0, rows, panels * chunk / chunks, panels * (chunk + 1) / chunks, activated);
    });
    parallel_tasks(chunks, product_cost(rows, inner, hidden) / chunks, [&](int64_t chunk) {
        product(activated, inner, call.weights.outer, call.weights.outer_bias, chunk);
    });
    normalize(attended, call.weights.norm2_weight, call.weights.norm2_bias, call.output);
}

// Returns true for so few rows that threads divide the columns rather than the rows.
CT_INLINE bool by_columns(const LayerForward &call, int64_t rows, int64_t threads) {
    return !call.training && rows < few_rows * threads;
}

template <class S>
void layer_forward(const LayerForward &call) {
    // Once: the number may change meanwhile.
    int64_t threads = thread_count();
    project<S>(call, by_columns(call, call.sequences.tokens(), threads) ? threads : 1);
    attend_all<S>(call);
    if (by_columns(call, query_count(call.shape, call.sequences), threads)) finish_columns<S>(call, threads);
    else finish_blocks<S>(call);
}
