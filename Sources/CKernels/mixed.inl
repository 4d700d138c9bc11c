// A quantized transformer layer for inference, each of whose linear layers is int8 or float32.
//
// Activations become uint8 around a midpoint (q + 64, or 128), weights are int8, sums int32: exact, whatever their order. A
// 32-bit word of a packed panel holds four of them that are adjacent along the sum. NEON multiplies signed bytes: there 128 is
// subtracted from the activations.

template <>
struct Words<int8_t> {
    static constexpr int64_t per = 4;
};

// Levels on each side of zero. Only VNNI sums four products of 8 bits without saturating.
#if CT_VNNI || !(CT_AVX512 || CT_AVX2)
constexpr int64_t int8_steps = 127;
#else
constexpr int64_t int8_steps = 63;
#endif

#if CT_NEON
constexpr int32_t byte_offset = 128;
#else
constexpr int32_t byte_offset = 0;

#if CT_AVX2
typedef int32_t vi8 __attribute__((vector_size(32)));
CT_INLINE vi8 sum_products(vi8 left, vi8 right) {
    __m256i pairs = _mm256_maddubs_epi16((__m256i)left, (__m256i)right);
    return (vi8)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}
#endif

// sum + Σ of four products of uint8 `a` and int8 `b`; sums are int32, kept in the lanes of floats.
template <>
inline __attribute__((always_inline)) vf multiply_add<int8_t>(vf sum, vu a, vu b) {
#if CT_VNNI
    return (vf)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif CT_AVX512
    __m512i pairs = _mm512_maddubs_epi16((__m512i)a, (__m512i)b);
    return (vf)_mm512_add_epi32((__m512i)sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
#elif CT_AVX2
    vi x = (vi)a, y = (vi)b;
    vi8 low = sum_products(__builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7), __builtin_shufflevector(y, y, 0, 1, 2, 3, 4, 5, 6, 7));
    vi8 high = sum_products(__builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15),
                            __builtin_shufflevector(y, y, 8, 9, 10, 11, 12, 13, 14, 15));
    return (vf)((vi)sum + __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
#else
    vi total = (vi)sum;
    for (int byte = 0; byte < 4; ++byte)
        total += (vi)((a >> (8 * byte)) & 255u) * ((vi)(b << (24 - 8 * byte)) >> 24);
    return (vf)total;
#endif
}
#endif

// MARK: Packing

// The packed right operand of (columns, length) int8 weights, and each column's sum.
inline void pack_int8(const int8_t *weight, int64_t columns, int64_t length, uint32_t *to, int32_t *sums) {
    parallel_tasks(panels_of(columns), element_cost(length * 64), [&](int64_t p) {
        pack_right_transposed<int8_t>(weight, length, columns, length, p, p + 1, to);
        for (int64_t c = p * 32; c < std::min(columns, p * 32 + 32); ++c) {
            int32_t total = 0;
            for (int64_t i = 0; i < length; ++i) total += weight[c * length + i];
            sums[c] = total;
        }
    });
}

// A row quantized with `scale` around `middle`, to 0 … 2 · int8_steps + 1, less `byte_offset`.
CT_INLINE void quantize_row(const float *from, int64_t length, float scale, int32_t middle, uint8_t *to) {
    typedef uint8_t vb __attribute__((vector_size(16)));
    vf factor = splat(1.0f / scale), least = splat(static_cast<float>(-middle)),
       most = splat(static_cast<float>(2 * int8_steps + 1 - middle));
    for (int64_t c = 0; c < length; c += 16) {
        vf x = maximum(minimum(load_part(from + c, length - c) * factor, most), least);
        // 1.5 · 2^23 rounds to a whole number in the low bits.
        vi steps = (vi)(x + 12582912.0f) - 0x4B400000 + (middle - byte_offset);
        vb bytes = __builtin_convertvector(steps, vb);
        if (length - c >= 16) {
            store_as(to + c, bytes);
        } else {
            for (int64_t i = 0; i < length - c; ++i) to[c + i] = bytes[i];
        }
    }
}

// The scale of a row: its largest absolute element spans `int8_steps` levels. NaN if an element is NaN.
CT_INLINE float row_scale(const float *from, int64_t length) {
    vf top = vf{}, nothing = vf{};
    for (int64_t c = 0; c < length; c += 16) {
        vf x = load_part(from + c, length - c);
        top = maximum(top, x < 0.0f ? -x : x);
        nothing += x * 0.0f;
    }
    float scale = largest(top) / static_cast<float>(int8_steps);
    return (scale > 0 ? scale : 1.0f) + sum(nothing);
}

// Rows as a linear layer multiplies them.
struct InputRows {
    const uint32_t *words;
    const float *scales;  // of each row, if the layer is int8
    int32_t middle;       // what zero became
};

// Returns true if two linear layers read the same packed rows.
CT_INLINE bool reads_alike(const MixedLinear &a, const MixedLinear &b) {
    if (a.is_int8 != b.is_int8) return false;
    return !a.is_int8 || (a.fixed == b.fixed && (!a.fixed || (a.input_scale == b.input_scale && a.input_zero == b.input_zero)));
}

CT_INLINE int64_t input_words(int64_t rows, int64_t length) { return left_words<float>(rows, length); }

// Packs rows for a layer into `words`, their scales into `scales`.
inline InputRows pack_input(const MixedLinear &linear, const float *from, int64_t stride, int64_t rows, uint32_t *words,
                            float *scales) {
    int64_t length = linear.inputs;
    if (!linear.is_int8) {
        pack_left<float>(from, stride, rows, length, words);
        return {words, nullptr, 0};
    }
    int32_t middle = int8_steps + 1;
    // Static scales are of 8 bits; with 7, every second level is left out.
    constexpr int32_t factor = 128 / (int8_steps + 1);
    if (linear.fixed) middle = (linear.input_zero + 128) / factor;
    int64_t padded = (length + 63) / 64 * 64;
    uint8_t *bytes = scratch<uint8_t>(Slot::block_bytes, panel_rows<int8_t> * padded);
    RowPanels<int8_t> panels(rows);
    for (int64_t p = 0; p < panels.count; ++p) {
        int64_t height = panels.rows_of(p);
        for (int64_t r = 0; r < height; ++r) {
            const float *row = from + (p * panels.height + r) * stride;
            float scale = row_scale(row, length);
            if (linear.fixed) scale = linear.input_scale * factor + 0.0f * scale;
            scales[p * panels.height + r] = scale;
            quantize_row(row, length, scale, middle, bytes + r * padded);
        }
        pack_rows_panel<int8_t>(bytes, padded, height, length, panels.height,
                                words + p * panels.height * ::ctorch::kernels::CT_NAMESPACE::words<int8_t>(length));
    }
    return {words, scales, middle - byte_offset};
}

// MARK: Products

// Panels first…last of a linear layer's output with its bias: `take(row, column, rows, columns, tile)`, as `multiply`.
template <class Take>
CT_INLINE void apply_linear(const MixedLinear &linear, const InputRows &input, int64_t rows, int64_t first, int64_t last,
                            Take &&take) {
    alignas(64) float values[panel_rows<float> * 32];
    if (!linear.is_int8) {
        multiply<float>(input.words, rows, linear.inputs, linear.words, linear.outputs, first, last,
                        [&](int64_t row, int64_t column, int64_t height, int64_t count, const float *tile) {
                            vf b0 = load_part(linear.bias + column, count), b1 = load_part(linear.bias + column + 16, count - 16);
                            for (int64_t r = 0; r < height; ++r) {
                                store(values + r * 32, load(tile + r * 32) + b0);
                                store(values + r * 32 + 16, load(tile + r * 32 + 16) + b1);
                            }
                            take(row, column, height, count, values);
                        });
        return;
    }
    multiply<int8_t>(input.words, rows, linear.inputs, linear.words, linear.outputs, first, last,
                     [&](int64_t row, int64_t column, int64_t height, int64_t count, const float *tile) {
                         for (int64_t half = 0; half < 32 && half < count; half += 16) {
                             int64_t left = count - half, c = column + half;
                             vf bias = load_part(linear.bias + c, left), scale = load_part(linear.scales + c, left);
                             vi shift = (vi)load_part(reinterpret_cast<const float *>(linear.sums) + c, left) * input.middle;
                             for (int64_t r = 0; r < height; ++r) {
                                 vi total = load_as<vi>(tile + r * 32 + half) - shift;
                                 vf wide = __builtin_convertvector(total, vf);
                                 store(values + r * 32 + half, wide * (scale * input.scales[row + r]) + bias);
                             }
                         }
                         take(row, column, height, count, values);
                     });
}

// Panels of a whole product into a matrix, with a row stride of `stride`.
CT_INLINE void linear_to(const MixedLinear &linear, const InputRows &input, int64_t rows, float *to, int64_t stride) {
    apply_linear(linear, input, rows, 0, panels_of(linear.outputs),
                 [&](int64_t row, int64_t column, int64_t height, int64_t count, const float *tile) {
                     store_tile(tile, height, count, nullptr, to + row * stride + column, stride);
                 });
}

// MARK: The layer

// Rows in blocks whose intermediate results stay in the L2 cache, and enough blocks for all threads. Rows do not depend on each
// other, so the division may depend on the number of threads.
CT_INLINE RowBlocks mixed_blocks(int64_t rows, int64_t longest) {
    constexpr int64_t whole = panel_rows<int8_t>;
    int64_t largest = std::clamp<int64_t>((320 << 10) / (longest * 5) / whole * whole, 2 * whole, 24 * whole);
    int64_t threads = thread_count(), count = std::max<int64_t>((rows + largest - 1) / largest, 1);
    count = (count + threads - 1) / threads * threads;
    RowBlocks blocks = RowBlocks::whole(rows);
    // Whole tiles, so that no thread multiplies half-empty ones.
    int64_t size = (rows + count - 1) / count;
    blocks.size = std::max<int64_t>(whole, (size + whole - 1) / whole * whole);
    blocks.count = std::max<int64_t>(1, (rows + blocks.size - 1) / blocks.size);
    return blocks;
}

// An int8 product takes about half of a float32 one's time.
CT_INLINE int64_t mixed_cost(int64_t rows, int64_t length, int64_t columns) { return product_cost(rows, length, columns) / 2; }

inline void project_mixed(const MixedForward &call, const LayerForward &layer) {
    const Shape &shape = call.shape;
    int64_t hidden = shape.hidden;
    float *query = static_cast<float *>(layer.memory.query), *key_value = static_cast<float *>(layer.memory.key_value);
    RowBlocks blocks = mixed_blocks(call.sequences.tokens(), hidden);
    parallel_tasks(blocks.count, mixed_cost(blocks.size, hidden, 3 * hidden), [&](int64_t block) {
        int64_t first = blocks.first(block), rows = blocks.size_of(block);
        uint32_t *words = scratch<uint32_t>(Slot::block_left, input_words(rows, hidden));
        float *scales = scratch<float>(Slot::block_scales, rows);
        const MixedLinear *packed = nullptr;
        InputRows input{};
        auto project = [&](const MixedLinear &linear, float *to, int64_t stride) {
            if (!packed || !reads_alike(*packed, linear))
                input = pack_input(linear, call.input + first * hidden, hidden, rows, words, scales);
            packed = &linear;
            linear_to(linear, input, rows, to + first * stride, stride);
        };
        project(call.key, key_value, 2 * hidden);
        project(call.value, key_value + hidden, 2 * hidden);
        if (!shape.first_only) project(call.query, query, hidden);
    });
    if (!shape.first_only) return;
    RowBlocks firsts = mixed_blocks(call.sequences.count, hidden);
    parallel_tasks(firsts.count, mixed_cost(firsts.size, hidden, hidden), [&](int64_t block) {
        int64_t first = firsts.first(block), rows = firsts.size_of(block);
        uint32_t *words = scratch<uint32_t>(Slot::block_left, input_words(rows, hidden));
        float *scales = scratch<float>(Slot::block_scales, rows);
        const float *gathered = query_inputs(shape, call.sequences, call.input, first, rows, Slot::block_inputs);
        linear_to(call.query, pack_input(call.query, gathered, hidden, rows, words, scales), rows, query + first * hidden, hidden);
    });
}

inline void finish_mixed(const MixedForward &call, const LayerForward &layer) {
    const Shape &shape = call.shape;
    int64_t hidden = shape.hidden, inner = shape.intermediate;
    RowBlocks blocks = mixed_blocks(query_count(shape, call.sequences), inner);
    parallel_tasks(blocks.count, mixed_cost(blocks.size, hidden, hidden + 2 * inner), [&](int64_t block) {
        int64_t first = blocks.first(block), rows = blocks.size_of(block);
        uint32_t *words = scratch<uint32_t>(Slot::block_left, input_words(rows, std::max(hidden, inner)));
        float *scales = scratch<float>(Slot::block_scales, rows);
        float *values = scratch<float>(Slot::block_values, rows * hidden), *attended = scratch<float>(Slot::block_attended, rows * hidden);
        float *activated = scratch<float>(Slot::block_activated, rows * inner);
        const float *inputs = query_inputs(shape, call.sequences, call.input, first, rows, Slot::block_inputs);
        const float *context = static_cast<const float *>(layer.memory.context) + first * hidden;
        auto normalize = [&](const float *residual, const float *weight, const float *bias, float *output) {
            for (int64_t r = 0; r < rows; ++r)
                add_and_normalize(layer, Mask{}, nullptr, r, values + r * hidden, residual + r * hidden, weight, bias,
                                  nullptr, nullptr, output + r * hidden);
        };
        linear_to(call.output_linear, pack_input(call.output_linear, context, hidden, rows, words, scales), rows, values, hidden);
        normalize(inputs, layer.weights.norm1_weight, layer.weights.norm1_bias, attended);
        InputRows input = pack_input(call.inner, attended, hidden, rows, words, scales);
        apply_linear(call.inner, input, rows, 0, panels_of(inner),
                     [&](int64_t row, int64_t column, int64_t height, int64_t count, const float *tile) {
                         for (int64_t r = 0; r < height; ++r) {
                             float *to = activated + (row + r) * inner + column;
                             store_part(to, activate(shape.activation, load(tile + r * 32)), count);
                             if (count > 16)
                                 store_part(to + 16, activate(shape.activation, load(tile + r * 32 + 16)), count - 16);
                         }
                     });
        linear_to(call.outer, pack_input(call.outer, activated, inner, rows, words, scales), rows, values, hidden);
        normalize(attended, layer.weights.norm2_weight, layer.weights.norm2_bias, call.output + first * hidden);
    });
}

inline void mixed_forward(const MixedForward &call) {
    LayerForward layer{.shape = call.shape};
    layer.sequences = call.sequences;
    layer.weights.norm1_weight = call.norm1_weight;
    layer.weights.norm1_bias = call.norm1_bias;
    layer.weights.norm2_weight = call.norm2_weight;
    layer.weights.norm2_bias = call.norm2_bias;
    layer.memory.query = call.query_memory;
    layer.memory.key_value = call.key_value_memory;
    layer.memory.context = call.context_memory;
    layer.positions = call.positions;
    project_mixed(call, layer);
    attend_all<float>(layer);
    finish_mixed(call, layer);
}

// One linear layer on rows by itself.
inline void mixed_linear(const MixedLinear &linear, int64_t count, const float *input, float *output) {
    RowBlocks blocks = mixed_blocks(count, linear.inputs);
    parallel_tasks(blocks.count, mixed_cost(blocks.size, linear.inputs, linear.outputs), [&](int64_t block) {
        int64_t first = blocks.first(block), rows = blocks.size_of(block);
        uint32_t *words = scratch<uint32_t>(Slot::block_left, input_words(rows, linear.inputs));
        float *scales = scratch<float>(Slot::block_scales, rows);
        InputRows packed = pack_input(linear, input + first * linear.inputs, linear.inputs, rows, words, scales);
        linear_to(linear, packed, rows, output + first * linear.outputs, linear.outputs);
    });
}
