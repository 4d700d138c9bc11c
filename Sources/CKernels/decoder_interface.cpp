// The C interface over the kernels of language models.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <type_traits>
#include <utility>
#include <vector>

#include "block_products.h"
#include "ckernels.h"
#include "guard.h"
#include "kernels/parallel.h"
#include "kernels/table.h"

namespace k = ctorch::kernels;

namespace {

// A thread's memory for what lies between a layer's parts, kept from call to call.
struct Workspace {
    // Room for so many elements of each of several parts, which begin at cache lines' ends.
    template <class S>
    std::vector<S *> reserve(std::initializer_list<int64_t> counts) {
        size_t all = 0;
        std::vector<size_t> starts;
        for (int64_t count : counts) {
            starts.push_back(all);
            all += (static_cast<size_t>(count) * sizeof(S) + 63) / 64 * 64;
        }
        if (bytes.size() < all + 64) bytes.resize(all + 64);
        char *base = bytes.data() + (64 - reinterpret_cast<uintptr_t>(bytes.data()) % 64) % 64;
        std::vector<S *> parts;
        for (size_t start : starts) parts.push_back(reinterpret_cast<S *>(base + start));
        return parts;
    }
    std::vector<char> bytes;
};

k::CausalShape attention_shape(const ck_decoder_layer &l, const float *cosine, const float *sine) {
    return {.heads = l.heads,
            .key_value_heads = l.key_value_heads,
            .width = l.width,
            .scale = l.scale,
            .window = l.window,
            .cosine = cosine,
            .sine = sine,
            .query_norm = l.query_norm.weight,
            .key_norm = l.key_norm.weight,
            .norm_epsilon = l.epsilon,
            .norm_offset = l.offset};
}

// Rows in bfloat16, rounded to the nearest, ties to even.
void narrow(const float *from, int64_t count, k::bf16 *to) {
    for (int64_t i = 0; i < count; ++i) {
        uint32_t bits;
        std::memcpy(&bits, from + i, sizeof bits);
        bool is_nan = (bits & 0x7FFFFFFFu) > 0x7F800000u;
        to[i].bits = is_nan ? 0x7FC0 : static_cast<uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
    }
}
void narrow(const float *from, int64_t count, float *to) { std::copy(from, from + count, to); }

float value(float x) { return x; }
float value(k::bf16 x) {
    uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
    float wide;
    std::memcpy(&wide, &bits, sizeof wide);
    return wide;
}

// (rows, width) normalized, in the type of the products.
template <class S>
void normalize(bool is_layer_norm, const ck_norm &norm, float epsilon, float offset, int64_t rows, int64_t width, const float *from, S *to) {
    constexpr bool bfloat16 = sizeof(S) == 2;
    if (!is_layer_norm) {
        k::table().rms_norm_forward(bfloat16, {.rows = rows, .width = width, .epsilon = epsilon, .offset = offset, .input = from, .weight = norm.weight}, to);
        return;
    }
    std::vector<float> values(static_cast<size_t>(rows * width));
    k::table().normalize({.rows = rows, .width = width, .epsilon = epsilon, .weight = norm.weight, .bias = norm.bias, .input = from, .output = values.data()});
    narrow(values.data(), rows * width, to);
}

// An int8 layer on rows; of few rows the columns are divided among the threads.
void multiply_int8(const ck_linear &linear, int64_t rows, const float *input, float *output) {
    constexpr int64_t few = 16;
    int64_t panels = (linear.outputs + 31) / 32, words = k::table().int8_words(32, linear.inputs);
    int64_t chunks = rows < few ? std::min<int64_t>(panels, 4 * ctorch::thread_count()) : 1;
    auto part = [&](int64_t first, int64_t outputs, float *to) {
        k::table().mixed_linear({.inputs = linear.inputs, .outputs = outputs, .is_int8 = true, .words = linear.words + first / 32 * words,
                                 .bias = linear.bias + first, .scales = linear.scales + first, .sums = linear.sums + first,
                                 .fixed = linear.is_fixed, .input_scale = linear.input_scale, .input_zero = linear.input_zero},
                                rows, input, to);
    };
    if (chunks <= 1) return part(0, linear.outputs, output);
    // About the nanoseconds that a chunk's weights take to come from memory.
    int64_t cost = std::max(ctorch::product_cost(rows, linear.inputs, linear.outputs), linear.inputs * linear.outputs / 12) / chunks;
    ctorch::parallel_tasks(chunks, cost, [&](int64_t chunk) {
        int64_t first = panels * chunk / chunks * 32, last = std::min(linear.outputs, panels * (chunk + 1) / chunks * 32);
        if (rows == 1) return part(first, last - first, output + first);
        std::vector<float> columns(static_cast<size_t>(rows * (last - first)));
        part(first, last - first, columns.data());
        for (int64_t row = 0; row < rows; ++row)
            std::copy_n(columns.data() + row * (last - first), last - first, output + row * linear.outputs + first);
    });
}

k::RightOperand right(const ck_linear &linear) { return {linear.words, static_cast<k::RightType>(linear.word_type)}; }

// Linear layers on the same rows.
template <class S, class Output>
void project(int64_t rows, const S *input, std::initializer_list<std::pair<const ck_linear *, Output *>> layers) {
    std::vector<k::ProjectionPart> parts;
    int64_t inputs = 0;
    for (auto [linear, output] : layers) {
        inputs = linear->inputs;
        if (linear->panels) {
            // The caller has no layer in bfloat16 beside one in blocks.
            if constexpr (std::is_same_v<S, float> && std::is_same_v<Output, float>)
                ctorch::multiply_blocks(rows, inputs, input, {ctorch::block_part(*linear, output)});
            continue;
        }
        if (!linear->is_int8) {
            parts.push_back({.outputs = linear->outputs, .right = right(*linear), .bias = linear->bias, .output = output});
            continue;
        }
        if constexpr (std::is_same_v<S, float> && std::is_same_v<Output, float>) multiply_int8(*linear, rows, input, output);
    }
    if (parts.empty()) return;
    k::table().projection_forward(sizeof(S) == 2, {.rows = rows, .inputs = inputs, .input = input, .parts = parts.data(),
                                                   .count = static_cast<int64_t>(parts.size()), .float_output = std::is_same_v<Output, float>});
}

// output = residual + branch, the branch normalized first where it has a norm.
template <class S>
void add(const ck_decoder_layer &l, const ck_norm &norm, int64_t rows, const float *residual, const S *branch, float *output) {
    int64_t count = rows * l.hidden;
    std::vector<float> values(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) values[static_cast<size_t>(i)] = value(branch[i]);
    if (norm.weight) normalize(false, norm, l.epsilon, l.offset, rows, l.hidden, std::vector<float>(values).data(), values.data());
    for (int64_t i = 0; i < count; ++i) output[i] = residual[i] + values[static_cast<size_t>(i)];
}

// A layer part by part: with layer norms, without a gate, or in int8.
template <class S>
void compose(const ck_decoder_layer &l, const k::CausalShape &shape, k::Sequences at, const k::CachedText *texts, const float *input, float *output) {
    static thread_local Workspace workspace;
    constexpr bool bfloat16 = sizeof(S) == 2;
    int64_t rows = at.tokens(), queries = l.heads * l.width, keys = l.key_value_heads * l.width, inner = l.intermediate;
    auto parts = workspace.reserve<S>({rows * l.hidden, rows * queries, rows * keys, rows * keys, rows * queries, rows * l.hidden, rows * inner, rows * inner});
    S *normalized = parts[0], *query = parts[1], *key = parts[2], *values = parts[3], *context = parts[4], *branch = parts[5], *gate = parts[6], *up = parts[7];
    normalize(l.has_layer_norms, l.input_norm, l.epsilon, l.offset, rows, l.hidden, input, normalized);
    project<S, S>(rows, normalized, {{&l.query, query}, {&l.key, key}, {&l.value, values}});
    k::table().cached_forward(bfloat16, {.shape = shape, .sequences = at, .texts = texts, .query = query, .key = key, .value = values, .context = context});
    project<S, S>(rows, context, {{&l.output, branch}});
    add(l, l.attention_norm, rows, input, branch, output);
    normalize(l.has_layer_norms, l.inner_norm, l.epsilon, l.offset, rows, l.hidden, output, normalized);
    bool is_gated = l.up.words || l.up.panels;
    if (is_gated) project<S, S>(rows, normalized, {{&l.gate, gate}, {&l.up, up}});
    else project<S, S>(rows, normalized, {{&l.gate, gate}});
    k::table().gated_forward(bfloat16, {.count = rows * inner, .activation = static_cast<k::Activation>(l.activation), .gate = gate, .up = is_gated ? up : nullptr}, gate);
    project<S, S>(rows, gate, {{&l.down, branch}});
    add(l, l.outer_norm, rows, output, branch, output);
}

// A layer as one operation.
void fuse(const ck_decoder_layer &l, const k::CausalShape &shape, k::Sequences at, const k::CachedText *texts, const float *input, float *output) {
    static thread_local Workspace workspace;
    int64_t rows = at.tokens(), queries = l.heads * l.width, keys = l.key_value_heads * l.width;
    // In bfloat16 half of it is used.
    auto parts = workspace.reserve<float>({rows * queries, rows * keys, rows * keys, rows * queries});
    auto linear = [](const ck_linear &layer) { return k::DecoderLinear{right(layer), layer.bias}; };
    k::table().decoder_forward(l.bfloat16, {.shape = {.attention = shape, .hidden = l.hidden, .intermediate = l.intermediate,
                                                      .activation = static_cast<k::Activation>(l.activation), .epsilon = l.epsilon, .offset = l.offset},
                                            .sequences = at,
                                            .weights = {.query = linear(l.query), .key = linear(l.key), .value = linear(l.value),
                                                        .output = linear(l.output), .gate = linear(l.gate), .up = linear(l.up), .down = linear(l.down),
                                                        .input_norm = l.input_norm.weight, .attention_norm = l.attention_norm.weight,
                                                        .inner_norm = l.inner_norm.weight, .outer_norm = l.outer_norm.weight},
                                            .memory = {.query = parts[0], .key = parts[1], .value = parts[2], .context = parts[3], .log_sum = nullptr,
                                                       .middle = nullptr, .gate = nullptr, .up = nullptr, .attended = nullptr, .fed = nullptr},
                                            .texts = texts,
                                            .input = input,
                                            .output = output});
}

}  // namespace

static_assert(CK_PAGE_TOKENS == k::page_tokens);
static_assert(CK_FLOAT16 == static_cast<int>(k::RightType::float16) && CK_BFLOAT16 == static_cast<int>(k::RightType::bfloat16));

int64_t ck_page_words(bool bfloat16, int64_t heads, int64_t width) { return k::table().page_words(bfloat16, heads, width); }

bool ck_decoder_layer_forward(const ck_decoder_layer *layer, const float *cosine, const float *sine, ck_sequences sequences,
                              const ck_cache *caches, const float *input, float *output) {
    return guard([&] {
        const ck_decoder_layer &l = *layer;
        k::CausalShape shape = attention_shape(l, cosine, sine);
        k::Sequences at{sequences.offsets, sequences.count};
        std::vector<k::CachedText> texts;
        for (int64_t i = 0; i < sequences.count; ++i) texts.push_back({caches[i].pages, caches[i].past});
        if (ctorch::is_in_blocks(l)) return ctorch::compute_in_blocks(l, shape, at, texts.data(), input, output);
        bool is_mixed = false;
        for (const ck_linear *linear : {&l.query, &l.key, &l.value, &l.output, &l.gate, &l.up, &l.down}) is_mixed = is_mixed || linear->is_int8 || linear->panels;
        if (!is_mixed && !l.has_layer_norms && l.up.words) fuse(l, shape, at, texts.data(), input, output);
        else if (l.bfloat16) compose<k::bf16>(l, shape, at, texts.data(), input, output);
        else compose<float>(l, shape, at, texts.data(), input, output);
    });
}

bool ck_language_head_forward(const ck_language_head *head, int64_t rows, const float *hidden, float *logits) {
    return guard([&] {
        auto forward = [&](auto element) {
            using S = decltype(element);
            std::vector<S> normalized(static_cast<size_t>(rows * head->output.inputs));
            normalize(head->has_layer_norm, head->norm, head->epsilon, head->offset, rows, head->output.inputs, hidden, normalized.data());
            project<S, float>(rows, normalized.data(), {{&head->output, logits}});
        };
        if (head->bfloat16) forward(k::bf16{});
        else forward(float{});
    });
}
