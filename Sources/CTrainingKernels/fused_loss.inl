// A language model's output layer and its loss, for blocks of tokens: a block's logits are the only ones that there are at a
// time, and become their own gradient in place, from which the products of the backward pass are taken at once (Wijmans et al.,
// "Cut Your Losses in Large-Vocabulary Language Models", arXiv 2411.09009, and Hsu et al., "Liger Kernel", arXiv 2410.10989, do so
// on GPUs).
//
// Blocks depend on the sizes alone, and sums over blocks are taken in order: the bits do not depend on the number of threads.

// So many tokens of the vocabulary enter a product of the gradients at a time; a task computes the logits of so many, and packs
// so many rows of the weight at a time.
constexpr int64_t loss_step = 256, logit_task = 512, logit_columns = 64;

// How the work is divided and where intermediate results lie in `FusedLoss::memory`.
template <class S>
struct LossMemory {
    int64_t stride;        // of a row of logits
    int64_t rows;          // of a block
    int64_t teacher_rows;  // of the teacher's block within it
    int64_t steps, ranges; // of the vocabulary: `loss_step` tokens each, and what is summed apart
    float *logits, *teacher_logits, *partials, *floats;
    uint32_t *left, *right;
    double *values;
    int64_t bytes = 0;

    explicit LossMemory(const FusedLoss &call) {
        constexpr int64_t panel = panel_rows<S>, logit_bytes = 144 << 20, partial_bytes = 24 << 20, longest = 512 / panel * panel;
        // An odd number of cache lines: rows that lie a power of two apart would share a few of the cache's sets.
        stride = ((call.vocabulary + 15) / 16 | 1) * 16;
        int64_t room = logit_bytes / (4 * stride);
        bool taught = call.taught();
        int64_t most = std::clamp<int64_t>((taught ? 2 * room / 3 : room) / panel * panel, panel, longest);
        int64_t hidden_bytes = 4 * most * call.student.width;
        steps = (call.vocabulary + loss_step - 1) / loss_step;
        ranges = std::clamp<int64_t>(partial_bytes / std::max<int64_t>(hidden_bytes, 1), 2, 32);
        ranges = std::max<int64_t>(1, std::min(ranges, steps));
        rows = even_part(call.rows, most);
        teacher_rows = taught ? even_part(rows, std::max(panel, room - most)) : rows;
        int64_t width = std::max(call.student.width, call.teacher.width);
        bool wanted = call.hidden_gradient || call.weight_gradient;
        logits = take<float>(call, rows * stride);
        teacher_logits = take<float>(call, taught ? teacher_rows * stride : 0);
        partials = take<float>(call, wanted ? ranges * rows * call.student.width : 0);
        floats = take<float>(call, rows * width);
        left = take<uint32_t>(call, left_words<S>(rows, width));
        right = take<uint32_t>(call, wanted ? right_words<S>(call.student.width, rows) : 0);
        values = take<double>(call, rows * call.term_count);
    }

    // The steps that a range begins with.
    int64_t range_start(int64_t range) const { return steps * range / ranges; }

  private:
    // `count` in equal parts of at most `most`.
    static int64_t even_part(int64_t count, int64_t most) {
        int64_t parts = std::max<int64_t>(1, (count + most - 1) / most);
        return std::max<int64_t>(1, (count + parts - 1) / parts);
    }
    template <class T>
    T *take(const FusedLoss &call, int64_t count) {
        T *at = call.memory ? reinterpret_cast<T *>(static_cast<char *>(call.memory) + bytes) : nullptr;
        bytes += (count * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64;
        return at;
    }
};

// Rows first ..< first + rows of a matrix as floats: as they are, or converted into `to`.
inline const float *as_floats(const void *from, Storage type, int64_t first, int64_t rows, int64_t width, float *to) {
    int64_t begin = first * width, count = rows * width;
    switch (type) {
    case Storage::float32: return static_cast<const float *>(from) + begin;
    case Storage::bfloat16: {
        const bf16 *at = static_cast<const bf16 *>(from) + begin;
        each_vector(0, count, [&](int64_t c, int64_t left) { store_part(to + c, load_part(at + c, left), left); });
        return to;
    }
    case Storage::float16: {
        const uint16_t *at = static_cast<const uint16_t *>(from) + begin;
        for (int64_t c = 0; c < count; c += 16) {
            uint16_t lanes[16] = {};
            int64_t left = std::min<int64_t>(16, count - c);
            __builtin_memcpy(lanes, at + c, static_cast<size_t>(left) * sizeof(uint16_t));
            vu bits = __builtin_convertvector(load_as<vh>(lanes), vu);
            // The exponent by a product, which also makes numbers of the subnormal ones; infinity and NaN have another.
            vf size = (vf)((bits & 0x7FFFu) << 13) * 5.19229686e33f;
            vu wide = (bits & 0x7C00u) == 0x7C00u ? (bits & 0x7FFFu) << 13 | 0x7F800000u : (vu)size;
            store_part(to + c, (vf)(wide | (bits & 0x8000u) << 16), left);
        }
        return to;
    }
    }
    __builtin_unreachable();
}

// Prefetches rows of a matrix, piece by piece, during a product that needs them later: weights are larger than the caches.
struct FetchAhead {
    const char *at, *end;
    int64_t step;
    // `bytes` in about `pieces` calls.
    FetchAhead(const void *from, int64_t bytes, int64_t pieces)
        : at(static_cast<const char *>(from)), end(at + bytes), step((bytes / std::max<int64_t>(pieces, 1) + 64) / 64 * 64) {}
    __attribute__((always_inline)) void fetch() {
        const char *last = std::min(at + step, end);
        for (; at < last; at += 64) __builtin_prefetch(at, 0, 3);
    }
};

inline int64_t bytes_of(Storage type) { return type == Storage::float32 ? 4 : 2; }

// Logits of `rows` tokens, whose hidden states are packed.
template <class S>
void head_logits(const OutputHead &head, const uint32_t *left, int64_t rows, int64_t vocabulary, float *to, int64_t stride) {
    int64_t width = head.width, row_bytes = width * bytes_of(head.weight_type);
    parallel_tasks((vocabulary + logit_task - 1) / logit_task, product_cost(rows, width, logit_task), [&](int64_t task) {
        int64_t last = std::min(vocabulary, (task + 1) * logit_task);
        uint32_t *panel = scratch<uint32_t>(Slot::loss_panel, right_words<S>(logit_columns, width));
        float *floats = head.weight_type == Storage::float32 ? nullptr : scratch<float>(Slot::loss_floats, logit_columns * width);
        for (int64_t first = task * logit_task; first < last; first += logit_columns) {
            int64_t columns = std::min(logit_columns, last - first), panels = panels_of(columns), next = first + columns;
            const float *weight = as_floats(head.weight, head.weight_type, first, columns, width, floats);
            pack_right_transposed<S>(weight, width, columns, width, 0, panels, panel);
            FetchAhead ahead(static_cast<const char *>(head.weight) + next * row_bytes, std::min(logit_columns, last - next) * row_bytes,
                             panels * RowPanels<S>(rows).count);
            multiply<S>(left, rows, width, panel, columns, 0, panels,
                        [&](int64_t row, int64_t column, int64_t height, int64_t count, const float *tile) {
                            store_tile(tile, height, count, nullptr, to + row * stride + first + column, stride);
                            ahead.fetch();
                        });
        }
    });
}

// Adds a packed product to `to` (rows, columns), or writes it; the tile that follows is prefetched.
template <class S>
CT_INLINE void add_product(const uint32_t *left, int64_t rows, int64_t length, const uint32_t *right, int64_t columns, bool add,
                           float *to) {
    multiply<S>(left, rows, length, right, columns, 0, panels_of(columns),
                [&](int64_t row, int64_t column, int64_t height, int64_t width, const float *tile) {
                    bool below = row + height < rows;
                    const float *next = below ? to + (row + height) * columns + column : to + column + 32;
                    if (below || column + 32 < columns)
                        for (int64_t r = 0; r < std::min(height, below ? rows - row - height : rows); ++r) {
                            __builtin_prefetch(next + r * columns, 1);
                            __builtin_prefetch(next + r * columns + 16, 1);
                        }
                    add_tile(tile, height, width, to + row * columns + column, columns, false, add);
                });
}

// Steps of the vocabulary on their way back: to a range's part of the hidden states' gradient, and to their rows of the weight's.
template <class S>
void loss_range_backward(const FusedLoss &call, const LossMemory<S> &memory, int64_t range, int64_t rows, bool add) {
    int64_t hidden = call.student.width;
    float *partial = memory.partials + range * memory.rows * hidden;
    uint32_t *left = scratch<uint32_t>(Slot::loss_left, left_words<S>(rows, loss_step) + 16 + left_words<S>(loss_step, rows));
    uint32_t *left_transposed = left + (left_words<S>(rows, loss_step) + 15) / 16 * 16;
    uint32_t *right = scratch<uint32_t>(Slot::loss_right, right_words<S>(hidden, loss_step));
    bool convert = call.student.weight_type != Storage::float32;
    for (int64_t step = memory.range_start(range); step < memory.range_start(range + 1); ++step) {
        int64_t first = step * loss_step, count = std::min(loss_step, call.vocabulary - first);
        const float *gradient = memory.logits + first;
        if (call.hidden_gradient) pack_left<S>(gradient, memory.stride, rows, count, left);
        if (call.weight_gradient) pack_left_transposed<S>(gradient, memory.stride, count, rows, left_transposed);
        if (call.hidden_gradient) {
            float *floats = convert ? scratch<float>(Slot::loss_floats, count * hidden) : nullptr;
            const float *weight = as_floats(call.student.weight, call.student.weight_type, first, count, hidden, floats);
            pack_right<S>(weight, hidden, hidden, count, 0, panels_of(hidden), right);
            add_product<S>(left, rows, count, right, hidden, step > memory.range_start(range), partial);
        }
        if (call.weight_gradient)
            add_product<S>(left_transposed, count, rows, memory.right, hidden, add, call.weight_gradient + first * hidden);
    }
}

// The gradients of a block of tokens, from their logits'; `inputs` are their hidden states.
template <class S>
void loss_block_backward(const FusedLoss &call, const LossMemory<S> &memory, const float *inputs, int64_t first, int64_t rows) {
    int64_t hidden = call.student.width;
    pack_right<S>(inputs, hidden, hidden, rows, 0, panels_of(hidden), memory.right);
    parallel_tasks(memory.ranges, 2 * product_cost(rows, hidden, call.vocabulary) / memory.ranges,
                   [&](int64_t range) { loss_range_backward<S>(call, memory, range, rows, first > 0); });
    if (!call.hidden_gradient) return;
    parallel_tasks(rows, element_cost(memory.ranges * hidden), [&](int64_t row) {
        float *to = call.hidden_gradient + (first + row) * hidden;
        each_vector(0, hidden, [&](int64_t c, int64_t left) {
            vf total = load_part(memory.partials + row * hidden + c, left);
            for (int64_t range = 1; range < memory.ranges; ++range)
                total += load_part(memory.partials + (range * memory.rows + row) * hidden + c, left);
            store_part(to + c, total, left);
        });
    });
}

// The values of a block of tokens; its logits become their gradients.
template <class S>
void loss_block_forward(const FusedLoss &call, const LossMemory<S> &memory, int64_t first, int64_t rows) {
    bool taught = call.taught();
    for (int64_t begin = 0; begin < rows; begin += memory.teacher_rows) {
        int64_t count = std::min(memory.teacher_rows, rows - begin), width = call.teacher.width;
        if (call.teacher.weight) {
            const float *states = as_floats(call.teacher.hidden, call.teacher.hidden_type, first + begin, count, width, memory.floats);
            pack_left<S>(states, width, count, width, memory.left);
            head_logits<S>(call.teacher, memory.left, count, call.vocabulary, memory.teacher_logits, memory.stride);
        }
        parallel_tasks(count, 8 * element_cost(call.vocabulary), [&](int64_t row) {
            float *logits = memory.logits + (begin + row) * memory.stride;
            double *values = memory.values + (begin + row) * call.term_count;
            float *teacher = memory.teacher_logits + row * memory.stride;
            if (call.outcomes) complete_outcomes(call, first + begin + row, logits, teacher);
            if (taught) token_loss<true>(call, first + begin + row, logits, teacher, values);
            else token_loss<false>(call, first + begin + row, logits, nullptr, values);
        });
    }
}

template <class S>
void fused_loss(const FusedLoss &call) {
    LossMemory<S> memory(call);
    int64_t hidden = call.student.width;
    for (int64_t k = 0; k < call.term_count; ++k) call.sums[k] = 0;
    for (int64_t first = 0; first < call.rows; first += memory.rows) {
        int64_t rows = std::min(memory.rows, call.rows - first);
        auto states = [&] { return as_floats(call.student.hidden, call.student.hidden_type, first, rows, hidden, memory.floats); };
        pack_left<S>(states(), hidden, rows, hidden, memory.left);
        head_logits<S>(call.student, memory.left, rows, call.vocabulary, memory.logits, memory.stride);
        loss_block_forward<S>(call, memory, first, rows);
        for (int64_t r = 0; r < rows; ++r)
            for (int64_t k = 0; k < call.term_count; ++k)
                call.sums[k] += static_cast<double>(call.row_weights[first + r]) * memory.values[r * call.term_count + k];
        if (call.hidden_gradient || call.weight_gradient) loss_block_backward<S>(call, memory, states(), first, rows);
    }
}
