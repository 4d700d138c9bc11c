// The sum of word, position and token type embeddings, normalized, with dropout.

inline void embeddings_forward(const EmbeddingsForward &call) {
    const Embeddings &tables = call.tables;
    int64_t hidden = tables.hidden, stride = mask_stride(hidden);
    bool training = call.normalized != nullptr;
    int64_t length = call.sequences.tokens() / std::max<int64_t>(1, call.sequences.count);
    parallel_tasks(call.sequences.count, element_cost(4 * length * hidden), [&](int64_t s) {
        float *row = scratch<float>(Slot::embedding_row, hidden);
        int64_t start = call.sequences.offsets[s];
        for (int64_t t = start; t < call.sequences.offsets[s + 1]; ++t) {
            const float *word = tables.word + call.ids[t] * hidden, *position = tables.position + (t - start) * hidden;
            const float *type = tables.type + (call.types ? call.types[t] : 0) * hidden;
            for (int64_t c = 0; c < hidden; c += 16) {
                int64_t left = hidden - c;
                store_part(row + c, load_part(word + c, left) + load_part(type + c, left) + load_part(position + c, left), left);
            }
            float *output = call.output + t * hidden;
            float deviation = normalize_row(row, hidden, tables.norm_weight, tables.norm_bias, tables.epsilon,
                                            training ? call.normalized + t * hidden : nullptr, output);
            if (!training) continue;
            call.deviation[t] = deviation;
            if (!call.mask.on()) continue;
            uint16_t *kept = call.bits + t * stride;
            mask_row(call.mask, t, stride / 8, kept);
            for (int64_t c = 0; c < hidden; c += 16)
                store_part(output + c, keep(load_part(output + c, hidden - c), kept[c / 16], call.mask.scale), hidden - c);
        }
    });
}

inline void embeddings_backward(const EmbeddingsBackward &call) {
    const Embeddings &tables = call.tables;
    int64_t hidden = tables.hidden, tokens = call.sequences.tokens(), stride = mask_stride(hidden);
    float *gradients = scratch<float>(Slot::gradient_embeddings, tokens * hidden);
    RowBlocks blocks(tokens, 128);
    float *partials = scratch<float>(Slot::call_partials, blocks.count * 2 * hidden);
    parallel_tasks(blocks.count, element_cost(4 * 128 * hidden), [&](int64_t block) {
        float *partial = partials + block * 2 * hidden;
        std::fill(partial, partial + 2 * hidden, 0.0f);
        float *row = scratch<float>(Slot::embedding_row, hidden);
        for (int64_t t = blocks.first(block); t < blocks.first(block) + blocks.size_of(block); ++t) {
            const float *gradient = call.output_gradient + t * hidden;
            if (call.mask.on()) {
                for (int64_t c = 0; c < hidden; c += 16)
                    store_part(row + c, keep(load_part(gradient + c, hidden - c), call.bits[t * stride + c / 16], call.mask.scale), hidden - c);
                gradient = row;
            }
            normalize_row_backward(gradient, call.normalized + t * hidden, call.deviation[t], tables.norm_weight, hidden,
                                   gradients + t * hidden, partial, partial + hidden);
        }
    });
    add_partials(partials, blocks.count, 2 * hidden, hidden, call.norm_weight);
    add_partials(partials + hidden, blocks.count, 2 * hidden, hidden, call.norm_bias);
    parallel_tasks((call.rows + 15) / 16, element_cost(32 * hidden), [&](int64_t task) {
        for (int64_t row = task * 16; row < std::min(call.rows, task * 16 + 16); ++row) {
            float *to = call.word + row * hidden;
            std::fill(to, to + hidden, 0.0f);
            for (int64_t i = call.row_starts[row]; i < call.row_starts[row + 1]; ++i)
                add_row(to, gradients + call.order[i] * hidden, hidden);
        }
    });
    // Positions and token types: tables of few rows that every example adds to. Columns are distributed over the threads.
    int64_t chunks = (hidden + 63) / 64;
    parallel_tasks(chunks, element_cost(2 * tokens * 64), [&](int64_t chunk) {
        int64_t c = chunk * 64, width = std::min<int64_t>(64, hidden - c);
        for (int64_t s = 0; s < call.sequences.count; ++s)
            for (int64_t t = call.sequences.offsets[s]; t < call.sequences.offsets[s + 1]; ++t) {
                const float *gradient = gradients + t * hidden + c;
                add_row(call.position + (t - call.sequences.offsets[s]) * hidden + c, gradient, width);
                add_row(call.type + (call.types ? call.types[t] : 0) * hidden + c, gradient, width);
            }
    });
}
