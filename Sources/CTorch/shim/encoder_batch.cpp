#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include "composed_encoder.h"
#include "internal.h"

namespace ctorch {

void fill(const ct_encoder_s &e, Entry &entry, const Shape &s, const Batch &b) {
    Layout at(s);
    at::Tensor host = at::empty({at.size}, at::TensorOptions(at::kInt).pinned_memory(entry.numbers.is_cuda()));
    int32_t *to = host.mutable_data_ptr<int32_t>();
    auto *state = reinterpret_cast<uint64_t *>(to);
    state[0] = b.seed, state[1] = b.offset;
    auto filler = static_cast<int32_t>(std::max<int64_t>(0, e.padding));
    auto fill_rest = [&](int64_t offset, int32_t value) { std::fill(to + offset + b.tokens, to + offset + s.tokens, value); };
    std::copy(b.ids, b.ids + b.tokens, to + at.ids);
    fill_rest(at.ids, filler);
    fill_rest(at.positions, static_cast<int32_t>(e.first_position));
    for (int64_t i = 0; i < b.examples; ++i)
        for (int64_t t = b.offsets[i]; t < b.offsets[i + 1]; ++t)
            to[at.positions + t] = static_cast<int32_t>(e.first_position + t - b.offsets[i]);
    if (s.types) {
        std::copy(b.types, b.types + b.tokens, to + at.types);
        fill_rest(at.types, 0);
    }
    for (int64_t i = 0; i <= b.examples; ++i) to[at.starts + i] = static_cast<int32_t>(b.offsets[i]);
    // The last examples are full, so that each begins at a token.
    fill_starts(to + at.starts, b.examples, s.fillers(), s.tokens, s.longest);
    if (s.training)
        to[at.count] = static_cast<int32_t>(group_tokens(b.ids, b.tokens, e.tables[word_table].size(0), e.padding, to + at.order,
                                                         to + at.group_starts, to + at.rows));
    entry.numbers.copy_(host, /*non_blocking=*/true);
    if (!entry.padded_indices.defined()) return;
    // With padded attention: in tests.
    entry.padded_indices.copy_(padded_tokens(to + at.starts, b.examples + s.fillers(), s.longest));
}

void prepare(const ct_encoder_s &e, Entry &entry, const Shape &s) {
    Layout at(s);
    at::TensorOptions ints = e.tables[word_table].options().dtype(at::kInt).requires_grad(false);
    int64_t hidden = e.options.front().hidden;
    entry.numbers = at::empty({at.size}, ints);
    entry.output = at::empty({s.examples, hidden}, ints.dtype(at::kFloat));
    if (s.training) entry.gradient = at::empty_like(entry.output);
    bool bfloat16 = e.weights.front()->type == at::kBFloat16;
    if (!has_variable_length_attention(entry.numbers.is_cuda(), e.weights.front()->type, hidden / e.options.front().heads))
        entry.padded_indices = at::empty({s.tokens}, ints.dtype(at::kLong));
    auto part = [&](int64_t offset, int64_t count) { return entry.numbers.narrow(0, offset, count); };
    const auto *state = static_cast<const uint64_t *>(entry.numbers.const_data_ptr());
    EmbeddingPass &embedding = entry.embedding;
    embedding.rows = {e.tables[word_table].detach(), e.tables[position_table].detach(), e.tables[type_table].detach(),
                      part(at.ids, s.tokens), part(at.positions, s.tokens),
                      s.types ? part(at.types, s.tokens) : at::Tensor()};
    embedding.sequence_starts = part(at.starts, s.examples + s.fillers() + 1);
    embedding.first_position = e.first_position;
    if (s.training)
        embedding.groups = {part(at.order, s.tokens), part(at.group_starts, s.tokens + 1), part(at.rows, s.tokens),
                            part(at.count, 1), s.tokens};
    embedding.epsilon = e.epsilon, embedding.padding = e.padding, embedding.type = bfloat16 ? at::kBFloat16 : at::kFloat;
    bool drops = s.dropout && e.dropout > 0;
    embedding.call = {drops ? e.dropout : 0, 0, 0, state};
    uint64_t offset = drops ? 1 : 0;
    entry.layers.resize(e.options.size());
    for (size_t i = 0; i < e.options.size(); ++i, offset += 3) {
        LayerPass &layer = entry.layers[i];
        layer.options = e.options[i];
        if (!s.dropout) layer.options.hidden_dropout = layer.options.output_dropout = layer.options.attention_dropout = 0;
        layer.options.seed = 0, layer.options.offset = offset;
        layer.options.first_only = i + 1 == e.options.size();
        layer.state = state;
        layer.weights = e.weights[i];
        layer.sequences = {embedding.sequence_starts, entry.padded_indices, s.longest};
    }
}

}  // namespace ctorch
