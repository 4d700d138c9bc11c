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

template <class S, class Output>
void projection_forward(const ProjectionForward &call) {
    const S *input = static_cast<const S *>(call.input);
    int64_t threads = thread_count(), panels = 0;
    for (int64_t p = 0; p < call.count; ++p) panels += panels_of(call.parts[p].outputs);
    // Few rows are one block, whose columns the threads divide; very few, as in generation, in pieces, since a thread that waits for
    // memory beside others takes longer.
    int64_t pieces = call.rows <= panel_rows<S> ? 4 * threads : threads;
    int64_t chunks = call.rows < few_rows * threads && threads > 1 ? std::min<int64_t>(pieces, panels) : 1;
    RowBlocks blocks = chunks > 1 ? RowBlocks::whole(call.rows) : RowBlocks(call.rows, block_rows<S>(call.inputs));
    int64_t cost = projection_cost<S>(blocks.size, call.inputs, panels) / chunks;
    parallel_tasks(blocks.count * chunks, cost, [&](int64_t task) {
        int64_t block = task / chunks, chunk = task % chunks, first = blocks.first(block), rows = blocks.size_of(block);
        uint32_t *packed = scratch<uint32_t>(Slot::block_left, left_words<S>(rows, call.inputs));
        pack_left<S>(input + first * call.inputs, call.inputs, rows, call.inputs, packed);
        project_panels<S, Output>(call, packed, first, rows, panels * chunk / chunks, panels * (chunk + 1) / chunks);
    });
}

template <class S>
void projection_gradient(const ProjectionGradient &call) {
    const S *left = static_cast<const S *>(call.left);
    if (call.to)
        weight_products<S, 1>({{.left = left, .m = call.left_columns, .right = static_cast<const S *>(call.right), .right_float = nullptr,
                                .rows = call.rows, .to = call.to, .transposed = false}},
                              call.right_columns, call.rows);
    if (!call.left_sums) return;
    int64_t tasks = (call.left_columns + 63) / 64;
    parallel_tasks(tasks, element_cost(call.rows * 64), [&](int64_t task) {
        for (int64_t c = task * 64; c < std::min(call.left_columns, task * 64 + 64); c += 16) {
            int64_t count = std::min<int64_t>(16, call.left_columns - c);
            vf total = vf{};
            for (int64_t row = 0; row < call.rows; ++row) total += load_part(left + row * call.left_columns + c, count);
            store_part(call.left_sums + c, total, count);
        }
    });
}

// MARK: Normalization by the root mean square

CT_INLINE float inverse_root_mean_square(const RootMeanSquare &call, const float *row) {
    vf squares = vf{};
    for (int64_t c = 0; c < call.width; c += 16) {
        vf x = load_part(row + c, call.width - c);
        squares += x * x;
    }
    return 1.0f / __builtin_sqrtf(sum(squares) / static_cast<float>(call.width) + call.epsilon);
}

template <class S>
void rms_norm_forward(const RootMeanSquare &call, S *output) {
    constexpr int64_t block = 16;
    parallel_tasks((call.rows + block - 1) / block, element_cost(2 * block * call.width), [&](int64_t task) {
        for (int64_t r = task * block; r < std::min(call.rows, (task + 1) * block); ++r) {
            const float *row = call.input + r * call.width;
            float inverse = inverse_root_mean_square(call, row);
            for (int64_t c = 0; c < call.width; c += 16) {
                int64_t left = call.width - c;
                vf gain = load_part(call.weight + c, left) + call.offset;
                store_part(output + r * call.width + c, load_part(row + c, left) * inverse * gain, left);
            }
        }
    });
}

// With y = x / rms: dx = (g · gain − y · mean(g · gain · y)) / rms, and the gain's gradient is the sum of g · y over the rows.
template <class S>
void rms_norm_backward(const RootMeanSquareBackward &backward) {
    const RootMeanSquare &call = backward.call;
    const S *gradients = static_cast<const S *>(backward.output_gradient);
    int64_t width = call.width;
    // A function of the rows alone, so that sums over blocks do not depend on the number of threads.
    int64_t block = std::max<int64_t>(16, (call.rows + 63) / 64), blocks = (call.rows + block - 1) / block;
    float *partials = scratch<float>(Slot::call_partials, std::max<int64_t>(1, blocks) * width);
    parallel_tasks(blocks, element_cost(4 * block * width), [&](int64_t task) {
        float *partial = partials + task * width;
        std::fill(partial, partial + width, 0.0f);
        for (int64_t r = task * block; r < std::min(call.rows, (task + 1) * block); ++r) {
            const float *row = call.input + r * width;
            const S *gradient = gradients + r * width;
            float inverse = inverse_root_mean_square(call, row);
            vf dot = vf{};
            for (int64_t c = 0; c < width; c += 16) {
                int64_t left = width - c;
                vf y = load_part(row + c, left) * inverse, g = load_part(gradient + c, left);
                store_part(partial + c, load_part(partial + c, left) + g * y, left);
                dot += g * (load_part(call.weight + c, left) + call.offset) * y;
            }
            float mean = sum(dot) / static_cast<float>(width);
            for (int64_t c = 0; c < width; c += 16) {
                int64_t left = width - c;
                vf y = load_part(row + c, left) * inverse;
                vf g = load_part(gradient + c, left) * (load_part(call.weight + c, left) + call.offset);
                store_part(backward.input_gradient + r * width + c, (g - y * mean) * inverse, left);
            }
        }
    });
    if (backward.weight_gradient) add_partials(partials, blocks, width, width, backward.weight_gradient);
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
