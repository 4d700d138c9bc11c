#include "block_products.h"

#include <cstddef>
#include <vector>

namespace ctorch {
namespace k = kernels;

namespace {

// The rows of a thread's call, quantized.
const uint8_t *quantized(int64_t rows, int64_t length, const float *input) {
    static thread_local std::vector<uint8_t> memory;
    std::size_t bytes = static_cast<std::size_t>(k::block_row_bytes(rows, length));
    if (memory.size() < bytes) memory.resize(bytes);
    k::table().quantize_blocks(rows, length, input, memory.data());
    return memory.data();
}

// A thread's memory for what lies between a layer's parts.
float *reserve(int64_t count) {
    static thread_local std::vector<float> memory;
    if (memory.size() < static_cast<std::size_t>(count)) memory.resize(static_cast<std::size_t>(count));
    return memory.data();
}

void normalize(const ck_decoder_layer &l, const ck_norm &norm, int64_t rows, const float *from, float *to) {
    k::table().rms_norm_forward(false, {.rows = rows, .width = l.hidden, .epsilon = l.epsilon, .offset = l.offset, .input = from, .weight = norm.weight}, to);
}

// to = residual + the product, which is normalized first where it has a norm.
void add_branch(const ck_decoder_layer &l, const ck_linear &linear, const ck_norm &norm, int64_t rows, const float *input, const float *residual,
                float *branch, float *to) {
    if (!norm.weight) return multiply_blocks(rows, linear.inputs, input, {block_part(linear, to)}, residual);
    multiply_blocks(rows, linear.inputs, input, {block_part(linear, branch)});
    normalize(l, norm, rows, branch, branch);
    for (int64_t i = 0; i < rows * l.hidden; ++i) to[i] = residual[i] + branch[i];
}

}  // namespace

void multiply_blocks(int64_t rows, int64_t length, const float *input, std::initializer_list<k::BlockPart> parts, const float *residual) {
    k::table().block_forward({.rows = rows, .length = length, .input = quantized(rows, length, input), .parts = parts.begin(),
                              .count = static_cast<int64_t>(parts.size()), .residual = residual, .is_gated = false, .activation = {}});
}

void multiply_gated_blocks(int64_t rows, int64_t length, const float *input, const k::BlockPart &gate, const k::BlockPart &up, k::Activation activation) {
    const k::BlockPart parts[] = {gate, up};
    k::table().block_forward({.rows = rows, .length = length, .input = quantized(rows, length, input), .parts = parts, .count = 2, .residual = nullptr,
                              .is_gated = true, .activation = activation});
}

bool is_in_blocks(const ck_decoder_layer &l) {
    for (const ck_linear *linear : {&l.query, &l.key, &l.value, &l.output, &l.gate, &l.up, &l.down})
        if (!linear->panels) return false;
    return !l.has_layer_norms;
}

void compute_in_blocks(const ck_decoder_layer &l, const k::CausalShape &shape, k::Sequences at, const k::CachedText *texts, const float *input,
                       float *output) {
    int64_t rows = at.tokens(), queries = l.heads * l.width, keys = l.key_value_heads * l.width;
    float *normalized = reserve(rows * (l.hidden + 2 * queries + 2 * keys + l.intermediate));
    float *query = normalized + rows * l.hidden, *key = query + rows * queries, *value = key + rows * keys, *context = value + rows * keys;
    float *gate = context + rows * queries;
    normalize(l, l.input_norm, rows, input, normalized);
    multiply_blocks(rows, l.hidden, normalized, {block_part(l.query, query), block_part(l.key, key), block_part(l.value, value)});
    k::table().cached_forward(false, {.shape = shape, .sequences = at, .texts = texts, .query = query, .key = key, .value = value, .context = context});
    add_branch(l, l.output, l.attention_norm, rows, context, input, normalized, output);
    normalize(l, l.inner_norm, rows, output, normalized);
    multiply_gated_blocks(rows, l.hidden, normalized, block_part(l.gate, gate), block_part(l.up, nullptr), static_cast<k::Activation>(l.activation));
    add_branch(l, l.down, l.outer_norm, rows, gate, output, normalized, output);
}

}  // namespace ctorch
