// The C interface over the kernels' tables.

#include "ckernels.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "block_products.h"
#include "guard.h"
#include "kernels/parallel.h"
#include "kernels/table.h"

namespace k = ctorch::kernels;

namespace {

k::Sequences view(ck_sequences sequences) { return {sequences.offsets, sequences.count}; }

k::MixedLinear view(const ck_linear &linear) {
    return {.inputs = linear.inputs,
            .outputs = linear.outputs,
            .is_int8 = linear.is_int8,
            .words = linear.words,
            .bias = linear.bias,
            .scales = linear.scales,
            .sums = linear.sums,
            .fixed = linear.is_fixed,
            .input_scale = linear.input_scale,
            .input_zero = linear.input_zero};
}

k::RelativePositions view(const ck_relative_positions &positions) {
    return {.reach = positions.reach,
            .bias = positions.bias,
            .keys = positions.keys,
            .queries = positions.queries,
            .rows = positions.rows};
}

k::Shape shape_of(const ck_layer &layer, bool first_only) {
    return {.hidden = layer.hidden,
            .intermediate = layer.intermediate,
            .heads = layer.heads,
            .activation = static_cast<k::Activation>(layer.activation),
            .epsilon = layer.epsilon,
            .first_only = first_only,
            .score_scale = layer.score_scale};
}

// A thread's memory for a layer's queries, keys, values and contexts, kept from call to call.
struct Workspace {
    float *reserve(int64_t count) {
        if (static_cast<size_t>(count) > values.size()) values.resize(static_cast<size_t>(count));
        return values.data();
    }
    std::vector<float> values;
};

float element(const ck_table &table, int64_t row, int64_t column, int64_t hidden) {
    if (table.values) return table.values[row * hidden + column];
    if (!table.int8_values) return 0;
    return static_cast<float>(table.int8_values[row * hidden + column]) * table.scales[row];
}

}  // namespace

const char *ck_instruction_set(void) { return k::table().name; }
const char *ck_capability_problem(void) { return k::capability_problem(); }
int32_t ck_threads(void) { return ctorch::thread_count(); }
void ck_set_threads(int32_t count) { ctorch::set_thread_count(count > 0 ? count : ctorch::available_processors()); }

void ck_start_threads(void) {
    ctorch::on_threads(ctorch::thread_count(), false, [](void *) {}, nullptr);
}

int64_t ck_packed_words(bool bfloat16, int64_t outputs, int64_t inputs) { return k::table().packed_words(bfloat16, outputs, inputs); }
bool ck_pack(bool bfloat16, const float *weight, int64_t outputs, int64_t inputs, uint32_t *to) {
    return guard([&] { k::table().pack(bfloat16, true, weight, outputs, inputs, to); });
}
int64_t ck_int8_words(int64_t outputs, int64_t inputs) { return k::table().int8_words(outputs, inputs); }
bool ck_pack_int8(const int8_t *weight, int64_t outputs, int64_t inputs, uint32_t *to, int32_t *sums) {
    return guard([&] { k::table().pack_int8(weight, outputs, inputs, to, sums); });
}

bool ck_layer_forward(const ck_layer *l, ck_sequences sequences, bool first_only, const float *input, float *output) {
    return guard([&] {
        static thread_local Workspace workspace;
        k::Sequences at = view(sequences);
        int64_t tokens = at.tokens(), queries = first_only ? at.count : tokens, h = l->hidden;
        // In bfloat16 half of it is used.
        float *query = workspace.reserve((2 * queries + 2 * tokens) * h), *key_value = query + queries * h,
              *context = key_value + 2 * tokens * h;
        k::Shape shape = shape_of(*l, first_only);
        if (l->is_mixed) {
            k::table().mixed_forward({.shape = shape,
                                      .sequences = at,
                                      .query = view(l->query),
                                      .key = view(l->key),
                                      .value = view(l->value),
                                      .output_linear = view(l->output),
                                      .inner = view(l->inner),
                                      .outer = view(l->outer),
                                      .norm1_weight = l->attention_norm.weight,
                                      .norm1_bias = l->attention_norm.bias,
                                      .norm2_weight = l->output_norm.weight,
                                      .norm2_bias = l->output_norm.bias,
                                      .query_memory = query,
                                      .key_value_memory = key_value,
                                      .context_memory = context,
                                      .input = input,
                                      .output = output,
                                      .positions = view(l->positions)});
            return;
        }
        k::table().layer_forward(l->bfloat16, {.shape = shape,
                                               .sequences = at,
                                               .weights = {.query = l->query_words,
                                                           .key_value = l->key_value_words,
                                                           .output = l->output_words,
                                                           .inner = l->inner_words,
                                                           .outer = l->outer_words,
                                                           .query_bias = l->query_bias,
                                                           .key_value_bias = l->key_value_bias,
                                                           .output_bias = l->output_bias,
                                                           .inner_bias = l->inner_bias,
                                                           .outer_bias = l->outer_bias,
                                                           .norm1_weight = l->attention_norm.weight,
                                                           .norm1_bias = l->attention_norm.bias,
                                                           .norm2_weight = l->output_norm.weight,
                                                           .norm2_bias = l->output_norm.bias},
                                               .memory = {.query = query, .key_value = key_value, .context = context},
                                               .attention_mask = {},
                                               .mask1 = {},
                                               .mask2 = {},
                                               .training = false,
                                               .input = input,
                                               .output = output,
                                               .positions = view(l->positions)});
    });
}

bool ck_prenorm_layer_forward(const ck_prenorm_layer *l, ck_sequences sequences, bool first_only, const float *input, float *output) {
    return guard([&] {
        static thread_local Workspace workspace;
        k::Sequences at = view(sequences);
        int64_t h = l->hidden, width = h / l->heads, size = at.tokens() * h;
        // In bfloat16 half of it is used.
        float *query = workspace.reserve(4 * size), *key = query + size, *value = key + size, *context = value + size;
        bool is_local = l->window >= 0;
        k::table().prenorm_forward(l->bfloat16, {.attention = {.heads = l->heads,
                                                               .key_value_heads = l->heads,
                                                               .width = width,
                                                               .scale = 1.0f / std::sqrt(static_cast<float>(width)),
                                                               .window = is_local ? l->window + 1 : 0,
                                                               .cosine = l->cosine,
                                                               .sine = l->sine,
                                                               .ahead = is_local ? l->window : at.tokens()},
                                                 .hidden = h,
                                                 .intermediate = l->intermediate,
                                                 .activation = static_cast<k::Activation>(l->activation),
                                                 .epsilon = l->epsilon,
                                                 .first_only = first_only,
                                                 .sequences = at,
                                                 .query = view(l->query),
                                                 .key = view(l->key),
                                                 .value = view(l->value),
                                                 .output_linear = view(l->output),
                                                 .gate = view(l->gate),
                                                 .up = view(l->up),
                                                 .down = view(l->down),
                                                 .norm1_weight = l->attention_norm.weight,
                                                 .norm1_bias = l->attention_norm.bias,
                                                 .norm2_weight = l->feed_forward_norm.weight,
                                                 .norm2_bias = l->feed_forward_norm.bias,
                                                 .query_memory = query,
                                                 .key_memory = key,
                                                 .value_memory = value,
                                                 .context_memory = context,
                                                 .input = input,
                                                 .output = output});
    });
}

bool ck_embeddings_forward(const ck_embeddings *e, ck_sequences sequences, const int32_t *ids, const int32_t *types, float *output) {
    return guard([&] {
        k::Sequences at = view(sequences);
        int64_t h = e->hidden;
        std::vector<float> zeros;
        if (e->word.values && e->position.values && (e->type.values || !e->type.int8_values)) {
            const float *type = e->type.values;
            if (!type) zeros.resize(static_cast<size_t>(h)), type = zeros.data(), types = nullptr;
            k::table().embeddings_forward({.tables = {.word = e->word.values,
                                                      .position = e->position.values,
                                                      .type = type,
                                                      .norm_weight = e->norm.weight,
                                                      .norm_bias = e->norm.bias,
                                                      .epsilon = e->epsilon,
                                                      .hidden = h},
                                           .sequences = at,
                                           .ids = ids,
                                           .types = types,
                                           .mask = {},
                                           .output = output,
                                           .normalized = nullptr,
                                           .deviation = nullptr,
                                           .bits = nullptr});
            return;
        }
        bool has_types = e->type.values || e->type.int8_values;
        ctorch::parallel_tasks(at.count, ctorch::element_cost(4 * at.tokens() / std::max<int64_t>(1, at.count) * h), [&](int64_t s) {
            for (int64_t t = at.offsets[s]; t < at.offsets[s + 1]; ++t) {
                int64_t position = t - at.offsets[s], type = types ? types[t] : 0;
                for (int64_t c = 0; c < h; ++c) {
                    float sum = element(e->word, ids[t], c, h);
                    if (has_types) sum += element(e->type, type, c, h);
                    output[t * h + c] = sum + element(e->position, position, c, h);
                }
            }
        });
        k::table().normalize({.rows = at.tokens(),
                              .width = h,
                              .epsilon = e->epsilon,
                              .weight = e->norm.weight,
                              .bias = e->norm.bias,
                              .input = output,
                              .output = output});
    });
}

bool ck_rows_linear(int64_t rows, int64_t inputs, int64_t outputs, const float *input, const float *weight, const float *bias,
                    float *output) {
    return guard([&] {
        k::table().linear_forward({.rows = rows, .inputs = inputs, .outputs = outputs, .input = input, .weight = weight, .bias = bias, .output = output});
    });
}

bool ck_linear_forward(const ck_linear *linear, int64_t rows, const float *input, float *output) {
    return guard([&] {
        if (linear->panels) ctorch::multiply_blocks(rows, linear->inputs, input, {ctorch::block_part(*linear, output)});
        else k::table().mixed_linear(view(*linear), rows, input, output);
    });
}

bool ck_normalize(int64_t rows, int64_t width, float epsilon, ck_norm norm, float *values) {
    return guard([&] {
        k::table().normalize({.rows = rows, .width = width, .epsilon = epsilon, .weight = norm.weight, .bias = norm.bias, .input = values, .output = values});
    });
}

void ck_activate(int32_t activation, float *values, int64_t count) { k::table().activate(static_cast<k::Activation>(activation), values, count); }
