// Products with weights in blocks (kernels/blocks.h).

// Rows that are multiplied together: as many as the registers hold sums for.
#if CT_AVX512
constexpr int64_t block_tile = 8;
#else
constexpr int64_t block_tile = 4;
#endif

typedef uint8_t vb16 __attribute__((vector_size(16)));
typedef int8_t vc16 __attribute__((vector_size(16)));

// sum + Σ of the products of four bytes of each lane and four signed bytes, −127 … 127. Bytes of eight bits are numbers + 128: where they
// count without sign, 128 times the sum of the signed bytes is in `sum` already.
template <bool is_wide>
CT_INLINE vi sum_bytes(vi sum, vu bytes, int32_t with) {
#if CT_VNNI
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)bytes, _mm512_set1_epi32(with));
#elif CT_AVX512
    __m512i left = (__m512i)bytes, right = _mm512_set1_epi32(with);
    if constexpr (is_wide) {
        left = _mm512_xor_si512(left, _mm512_set1_epi8(-128));
        right = _mm512_mask_sub_epi8(right, _mm512_movepi8_mask(left), _mm512_setzero_si512(), right);
        left = _mm512_abs_epi8(left);
    }
    return (vi)_mm512_add_epi32((__m512i)sum, _mm512_madd_epi16(_mm512_maddubs_epi16(left, right), _mm512_set1_epi16(1)));
#elif CT_AVX2
    __m256i right = _mm256_set1_epi32(with);
    auto half = [&](vi8 part) {
        __m256i left = (__m256i)part, own = right;
        if constexpr (is_wide) {
            left = _mm256_xor_si256(left, _mm256_set1_epi8(-128));
            own = _mm256_sign_epi8(right, left);
            left = _mm256_abs_epi8(left);
        }
        return (vi8)_mm256_madd_epi16(_mm256_maddubs_epi16(left, own), _mm256_set1_epi16(1));
    };
    vi8 low = half(__builtin_shufflevector((vi)bytes, (vi)bytes, 0, 1, 2, 3, 4, 5, 6, 7));
    vi8 high = half(__builtin_shufflevector((vi)bytes, (vi)bytes, 8, 9, 10, 11, 12, 13, 14, 15));
    return sum + __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#elif CT_DOTPROD
    int8x16_t right = vreinterpretq_s8_s32(vdupq_n_s32(with));
    int32_t sums[16];
    int8_t left[64];
    store_as(sums, sum);
    store_as(left, is_wide ? bytes ^ 0x80808080u : bytes);
    for (int i = 0; i < 4; ++i) vst1q_s32(sums + 4 * i, vdotq_s32(vld1q_s32(sums + 4 * i), vld1q_s8(left + 16 * i), right));
    return load_as<vi>(sums);
#else
    vu own = is_wide ? bytes ^ 0x80808080u : bytes;
    for (int byte = 0; byte < 4; ++byte) {
        vi left = (vi)(own << (24 - 8 * byte)) >> 24;
        sum += left * static_cast<int32_t>(static_cast<int8_t>(static_cast<uint32_t>(with) >> (8 * byte)));
    }
    return sum;
#endif
}

// What the products of a form's bytes count too much by, for each unit of the sum of a row's numbers.
template <BlockForm form>
constexpr int32_t counted_offset = block_layout(form).bits == 8 && !CT_VNNI ? 0 : block_layout(form).offset;

// The bytes of a block's numbers 4g … 4g + 3.
template <BlockForm form>
CT_INLINE vu block_bytes_of(const uint8_t *block, int g) {
    constexpr int64_t bits = block_layout(form).bits;
    if constexpr (bits == 8) return load_as<vu>(block + 64 * g);
    vu four = load_as<vu>(block + 64 * (g % 4));
    vu low = (g < 4 ? four : four >> 4) & 0x0F0F0F0Fu;
    if constexpr (bits == 4) return low;
    if constexpr (bits == 5) {
        vu fifth = load_as<vu>(block + 256);
        return low | ((g <= 4 ? fifth << (4 - g) : fifth >> (g - 4)) & 0x10101010u);
    }
    vu two = load_as<vu>(block + 256 + 64 * (g / 4));
    int place = 2 * (g % 4);
    return low | ((place <= 4 ? two << (4 - place) : two >> (place - 4)) & 0x30303030u);
}

// A block's scales, and what is added for each unit of a row's sum.
struct BlockScales {
    vf scale, minimum;
};

// Those of a block, of a superblock's scales where the form has such.
template <BlockForm form>
CT_INLINE BlockScales block_scales(const uint8_t *scales, vf scale, vf minimum) {
    constexpr BlockLayout layout = block_layout(form);
    if constexpr (!layout.is_super) {
        return {widen_halves(scales), layout.has_minimum ? widen_halves(scales + 32) : vf{}};
    } else if constexpr (layout.has_minimum) {
        return {scale * __builtin_convertvector(load_as<vb16>(scales), vf), -minimum * __builtin_convertvector(load_as<vb16>(scales + 16), vf)};
    } else {
        return {scale, vf{}};
    }
}

// tile[r][o] = Σ_k input[r][k] · panel[k][o]
template <BlockForm form, int rows>
__attribute__((noinline)) void multiply_blocks(int64_t blocks, const uint8_t *panel, const uint8_t *input, float *tile) {
    constexpr BlockLayout layout = block_layout(form);
    constexpr bool is_wide = layout.bits == 8;
    // Of six bits each half of a block has a scale.
    constexpr int halves = form == BlockForm::q6_k ? 2 : 1;
    vf sums[rows], scale = vf{}, minimum = vf{};
    for (int r = 0; r < rows; ++r) sums[r] = vf{};
    for (int64_t b = 0; b < blocks; ++b) {
        if constexpr (layout.is_super)
            if (b % 8 == 0) {
                scale = widen_halves(panel);
                if constexpr (layout.has_minimum) minimum = widen_halves(panel + 32);
                panel += layout.head_bytes();
            }
        const uint8_t *numbers = input, *scales = panel + layout.number_bytes();
        auto row_scales = reinterpret_cast<const float *>(input + rows * 32);
        auto row_sums = reinterpret_cast<const int32_t *>(row_scales + 2 * rows);
        vf parts[rows];
#pragma clang loop unroll(full)
        for (int half = 0; half < halves; ++half) {
            vi exact[rows];
            for (int r = 0; r < rows; ++r) {
                int32_t sum = halves == 2 ? row_sums[half * rows + r] : row_sums[r] + row_sums[rows + r];
                exact[r] = vi{} - counted_offset<form> * sum;
            }
#pragma clang loop unroll(full)
            for (int g = half * 8 / halves; g < (half + 1) * 8 / halves; ++g) {
                vu bytes = block_bytes_of<form>(panel, g);
#pragma clang loop unroll(full)
                for (int r = 0; r < rows; ++r) {
                    int32_t four;
                    __builtin_memcpy(&four, numbers + (g * rows + r) * 4, sizeof four);
                    exact[r] = sum_bytes<is_wide>(exact[r], bytes, four);
                }
            }
            if constexpr (halves == 2) {
                // Whole numbers below 2^24: exact.
                vf own = __builtin_convertvector(load_as<vc16>(scales + 16 * half), vf);
                for (int r = 0; r < rows; ++r) {
                    vf part = __builtin_convertvector(exact[r], vf) * own;
                    parts[r] = half == 0 ? part : parts[r] + part;
                }
            } else {
                for (int r = 0; r < rows; ++r) parts[r] = __builtin_convertvector(exact[r], vf);
            }
        }
        BlockScales own = block_scales<form>(scales, scale, minimum);
        for (int r = 0; r < rows; ++r) {
            sums[r] = parts[r] * (own.scale * row_scales[r]) + sums[r];
            if constexpr (layout.has_minimum) sums[r] = own.minimum * row_scales[rows + r] + sums[r];
        }
        input += rows * block_record;
        panel += layout.block_bytes();
    }
    for (int r = 0; r < rows; ++r) store(tile + r * 16, sums[r]);
}

template <BlockForm form>
CT_INLINE void multiply_blocks(int64_t rows, int64_t blocks, const uint8_t *panel, const uint8_t *input, float *tile) {
#define CT_BLOCK_ROWS(n) \
    case n: return multiply_blocks<form, (n <= block_tile ? n : 1)>(blocks, panel, input, tile);
    switch (rows) {
        CT_BLOCK_ROWS(1) CT_BLOCK_ROWS(2) CT_BLOCK_ROWS(3) CT_BLOCK_ROWS(4) CT_BLOCK_ROWS(5) CT_BLOCK_ROWS(6) CT_BLOCK_ROWS(7) CT_BLOCK_ROWS(8)
    }
#undef CT_BLOCK_ROWS
}

// A panel of a part.
CT_INLINE void multiply_blocks(const BlockPart &part, int64_t panel, int64_t rows, int64_t length, const uint8_t *input, float *tile) {
    int64_t blocks = length / 32;
    const uint8_t *from = part.panels + panel * block_layout(part.form).panel_bytes(length);
#define CT_FORM(name) \
    case BlockForm::name: return multiply_blocks<BlockForm::name>(rows, blocks, from, input, tile);
    switch (part.form) {
        CT_FORM(q4_0) CT_FORM(q4_1) CT_FORM(q5_0) CT_FORM(q5_1) CT_FORM(q8_0) CT_FORM(q4_k) CT_FORM(q5_k) CT_FORM(q6_k)
    }
#undef CT_FORM
}

// Writes a tile's sums with the bias, and what else is wanted.
CT_INLINE void store_blocks(const BlockForward &call, const BlockPart &part, int64_t row, int64_t rows, int64_t panel, const float *tile,
                            const float *gate) {
    int64_t first = panel * block_outputs, count = part.outputs - first;
    vf shift = part.bias ? load_part(part.bias + first, count) : vf{};
    for (int64_t r = 0; r < rows; ++r) {
        int64_t at = (row + r) * part.outputs + first;
        vf x = load(tile + r * 16) + shift;
        if (gate) x = activate(call.activation, load(gate + r * 16)) * x;
        if (call.residual) x = load_part(call.residual + at, count) + x;
        store_part((gate ? call.parts[0].output : part.output) + at, x, count);
    }
}

// Panels first ..< last, counted through all parts, of rows begin ..< end.
inline void multiply_block_panels(const BlockForward &call, int64_t begin, int64_t end, int64_t first, int64_t last) {
    alignas(64) float tile[block_tile * 16], gate[block_tile * 16];
    for (int64_t p = first; p < last; ++p) {
        int64_t part = 0, panel = p;
        while (!call.is_gated && panel >= block_panels(call.parts[part].outputs)) panel -= block_panels(call.parts[part++].outputs);
        for (int64_t row = begin; row < end; row += block_tile) {
            int64_t rows = std::min(block_tile, end - row);
            const uint8_t *input = call.input + block_row_bytes(row, call.length);
            multiply_blocks(call.parts[part], panel, rows, call.length, input, tile);
            if (!call.is_gated) {
                store_blocks(call, call.parts[part], row, rows, panel, tile, nullptr);
                continue;
            }
            const BlockPart &own = call.parts[0];
            int64_t at = panel * block_outputs;
            vf shift = own.bias ? load_part(own.bias + at, own.outputs - at) : vf{};
            for (int64_t r = 0; r < rows; ++r) store(gate + r * 16, load(tile + r * 16) + shift);
            multiply_blocks(call.parts[1], panel, rows, call.length, input, tile);
            store_blocks(call, call.parts[1], row, rows, panel, tile, gate);
        }
    }
}

inline void block_forward(const BlockForward &call) {
    // Rows whose numbers stay in the second cache while a panel's stay in the first.
    constexpr int64_t most = 8 * block_tile, bytes_per_nanosecond = 12;
    int64_t panels = 0, bytes = 0, outputs = 0;
    for (int64_t p = 0; p < call.count; ++p) {
        const BlockPart &part = call.parts[p];
        if (p == 0 || !call.is_gated) panels += block_panels(part.outputs);
        outputs += part.outputs;
        bytes += block_panels(part.outputs) * block_layout(part.form).panel_bytes(call.length);
    }
    int64_t blocks = (call.rows + most - 1) / most, chunks = std::min<int64_t>(panels, 4 * thread_count());
    int64_t cost = std::max(product_cost(std::min(call.rows, most), call.length, outputs) / 3, bytes / bytes_per_nanosecond) / chunks;
    parallel_tasks(blocks * chunks, cost, [&](int64_t task) {
        int64_t begin = task / chunks * most, chunk = task % chunks;
        multiply_block_panels(call, begin, std::min(call.rows, begin + most), panels * chunk / chunks, panels * (chunk + 1) / chunks);
    });
}

// MARK: Rows

// A row's numbers of a block, its scale and sums, where row r of `rows` has them.
CT_INLINE void quantize_block(const float *from, int64_t rows, int64_t r, uint8_t *to) {
    vf x[2] = {load(from), load(from + 16)}, size[2];
    for (int half = 0; half < 2; ++half) size[half] = x[half] < 0.0f ? -x[half] : x[half];
    float most = largest(maximum(size[0], size[1]));
    float inverse = most > 0 ? 127 / most : 0, scale = most / 127;
    // What is not finite stays so.
    scale += sum(x[0] * 0.0f + x[1] * 0.0f);
    auto scales = reinterpret_cast<float *>(to + rows * 32);
    auto sums = reinterpret_cast<int32_t *>(scales + 2 * rows);
    int32_t both = 0;
    for (int half = 0; half < 2; ++half) {
        // 1.5 · 2^23 rounds to a whole number in the low bits.
        vi numbers = (vi)(x[half] * inverse + 12582912.0f) - 0x4B400000;
        vc16 bytes = __builtin_convertvector(numbers, vc16);
        int32_t words[4], own = 0;
        store_as(words, bytes);
        for (int g = 0; g < 4; ++g) __builtin_memcpy(to + ((half * 4 + g) * rows + r) * 4, words + g, 4);
        for (int lane = 0; lane < 16; ++lane) own += bytes[lane];
        sums[half * rows + r] = own;
        both += own;
    }
    scales[r] = scale;
    scales[rows + r] = scale * static_cast<float>(both);
}

inline void quantize_blocks(int64_t rows, int64_t length, const float *from, uint8_t *to) {
    int64_t tiles = (rows + block_tile - 1) / block_tile;
    parallel_tasks(tiles, element_cost(std::min(rows, block_tile) * length * 2), [&](int64_t tile) {
        int64_t first = tile * block_tile, height = std::min(block_tile, rows - first);
        uint8_t *record = to + block_row_bytes(first, length);
        for (int64_t k = 0; k < length; k += 32, record += height * block_record)
            for (int64_t r = 0; r < height; ++r) quantize_block(from + (first + r) * length + k, height, r, record);
    });
}
