// Weights in blocks packed for the kernels: as GGUF files have them, or made of floating point.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <new>
#include <vector>

#include "ckernels.h"
#include "kernels/parallel.h"
#include "kernels/table.h"
#include "stored.h"

namespace k = ctorch::kernels;

namespace {

// A block of 32 numbers of one row: its numbers, without sign, and its scales as the panel has them.
struct Block {
    uint8_t numbers[32];
    uint16_t scale, minimum;  // halves
    uint8_t steps[2];         // of the K forms: of the scale and the minimum, or of both halves' scales
};

uint16_t half_at(const uint8_t *from) { return static_cast<uint16_t>(from[0] | from[1] << 8); }
bool is_finite_half(uint16_t bits) { return (bits & 0x7C00u) != 0x7C00u; }

// The bytes of a file's block, or superblock.
int64_t stored_bytes(k::BlockForm form) {
    switch (form) {
    case k::BlockForm::q4_0: return 18;
    case k::BlockForm::q4_1: return 20;
    case k::BlockForm::q5_0: return 22;
    case k::BlockForm::q5_1: return 24;
    case k::BlockForm::q8_0: return 34;
    case k::BlockForm::q4_k: return 144;
    case k::BlockForm::q5_k: return 176;
    case k::BlockForm::q6_k: return 210;
    }
    return 0;
}

// Scales, fifth bits, then 16 bytes of four bits: number j below number j + 16.
void read_small(const uint8_t *from, bool has_minimum, bool has_fifth, Block &block) {
    block.scale = half_at(from);
    from += 2;
    if (has_minimum) {
        block.minimum = half_at(from);
        from += 2;
    }
    uint32_t fifth = 0;
    if (has_fifth) {
        for (int i = 0; i < 4; ++i) fifth |= static_cast<uint32_t>(from[i]) << (8 * i);
        from += 4;
    }
    for (int j = 0; j < 16; ++j) {
        block.numbers[j] = static_cast<uint8_t>((from[j] & 15) | (fifth >> j & 1) << 4);
        block.numbers[j + 16] = static_cast<uint8_t>(from[j] >> 4 | (fifth >> (j + 16) & 1) << 4);
    }
}

// Block `s` of a superblock of four or five bits: two halves, twelve bytes of steps of six bits, fifth bits, numbers.
void read_affine(const uint8_t *from, int s, bool has_fifth, Block &block) {
    const uint8_t *steps = from + 4, *fifth = from + 16, *numbers = from + (has_fifth ? 48 : 16) + s / 2 * 32;
    block.scale = half_at(from);
    block.minimum = half_at(from + 2);
    if (s < 4) {
        block.steps[0] = steps[s] & 63;
        block.steps[1] = steps[s + 4] & 63;
    } else {
        block.steps[0] = static_cast<uint8_t>((steps[s + 4] & 15) | steps[s - 4] >> 6 << 4);
        block.steps[1] = static_cast<uint8_t>(steps[s + 4] >> 4 | steps[s] >> 6 << 4);
    }
    for (int l = 0; l < 32; ++l) {
        int own = s % 2 == 0 ? numbers[l] & 15 : numbers[l] >> 4;
        block.numbers[l] = static_cast<uint8_t>(own | (has_fifth ? (fifth[l] >> s & 1) << 4 : 0));
    }
}

// Block `s` of a superblock of six bits: four bits of each number, the others, sixteen signed scales, a half.
void read_six(const uint8_t *from, int s, Block &block) {
    int quarter = s % 4;
    const uint8_t *low = from + s / 4 * 64 + quarter % 2 * 32, *high = from + 128 + s / 4 * 32;
    for (int l = 0; l < 32; ++l) {
        int own = quarter < 2 ? low[l] & 15 : low[l] >> 4;
        block.numbers[l] = static_cast<uint8_t>(own | (high[l] >> (2 * quarter) & 3) << 4);
    }
    block.steps[0] = from[192 + 2 * s];
    block.steps[1] = from[193 + 2 * s];
    block.scale = half_at(from + 208);
}

// Block `b` of a row.
void read_block(k::BlockForm form, const uint8_t *row, int64_t b, Block &block) {
    bool is_super = k::block_layout(form).is_super;
    const uint8_t *from = row + (is_super ? b / 8 : b) * stored_bytes(form);
    int s = static_cast<int>(b % 8);
    switch (form) {
    case k::BlockForm::q4_0: return read_small(from, false, false, block);
    case k::BlockForm::q4_1: return read_small(from, true, false, block);
    case k::BlockForm::q5_0: return read_small(from, false, true, block);
    case k::BlockForm::q5_1: return read_small(from, true, true, block);
    case k::BlockForm::q4_k: return read_affine(from, s, false, block);
    case k::BlockForm::q5_k: return read_affine(from, s, true, block);
    case k::BlockForm::q6_k: return read_six(from, s, block);
    case k::BlockForm::q8_0:
        block.scale = half_at(from);
        for (int j = 0; j < 32; ++j) block.numbers[j] = from[2 + j] ^ 0x80;
    }
}

void write_half(uint8_t *to, int64_t place, uint16_t bits) { std::memcpy(to + 2 * place, &bits, 2); }

// A block's numbers and scales as those of output `o` of a panel's block.
void write_block(const k::BlockLayout &layout, const Block &block, int64_t o, uint8_t *to) {
    for (int64_t i = 0; i < 32; ++i) {
        int64_t g = i / 4, at = 4 * o + i % 4;
        uint8_t number = block.numbers[i];
        if (layout.bits == 8) {
            to[64 * g + at] = number;
            continue;
        }
        to[64 * (g % 4) + at] |= static_cast<uint8_t>((number & 15) << (g < 4 ? 0 : 4));
        if (layout.bits == 5) to[256 + at] |= static_cast<uint8_t>(number >> 4 << g);
        if (layout.bits == 6) to[256 + 64 * (g / 4) + at] |= static_cast<uint8_t>(number >> 4 << (2 * (g % 4)));
    }
    uint8_t *scales = to + layout.number_bytes();
    if (layout.is_super) {
        scales[o] = block.steps[0];
        scales[16 + o] = block.steps[1];
    } else {
        write_half(scales, o, block.scale);
        if (layout.has_minimum) write_half(scales, 16 + o, block.minimum);
    }
}

// A row of blocks as output `o` of a panel; false where a scale is infinite or not a number.
bool pack_row(k::BlockForm form, const uint8_t *row, int64_t length, int64_t o, uint8_t *to) {
    k::BlockLayout layout = k::block_layout(form);
    bool finite = true;
    for (int64_t b = 0; b < length / 32; ++b) {
        Block block{};
        read_block(form, row, b, block);
        finite = finite && is_finite_half(block.scale) && is_finite_half(block.minimum);
        if (layout.is_super && b % 8 == 0) {
            write_half(to, o, block.scale);
            if (layout.has_minimum) write_half(to, 16 + o, block.minimum);
            to += layout.head_bytes();
        }
        write_block(layout, block, o, to);
        to += layout.block_bytes();
    }
    return finite;
}

// Calls `row(output, memory)` for the blocks of each output, and packs them.
template <class Row>
int32_t pack(k::BlockForm form, int64_t outputs, int64_t length, uint8_t *to, Row &&row) {
    int64_t bytes = k::block_layout(form).panel_bytes(length);
    std::atomic<bool> finite{true};
    try {
        ctorch::parallel_tasks(k::block_panels(outputs), ctorch::element_cost(length * 128), [&](int64_t panel) {
            uint8_t *own = to + panel * bytes;
            std::memset(own, 0, static_cast<size_t>(bytes));
            for (int64_t o = 0; o < std::min(k::block_outputs, outputs - panel * k::block_outputs); ++o) {
                const uint8_t *blocks = row(panel * k::block_outputs + o);
                if (!blocks || !pack_row(form, blocks, length, o, own)) finite = false;
            }
        });
    } catch (const std::bad_alloc &) {
        return CK_NO_MEMORY;
    }
    return finite ? CK_DONE : CK_NOT_FINITE;
}

// The half nearest to a positive or negative number that halves reach; of two the even one.
uint16_t half_of(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
    if (magnitude >= 0x47800000u) return static_cast<uint16_t>(sign | 0x7C00u);
    if (magnitude < 0x38800000u) {
        // A multiple of 2^-24, to which adding ½ rounds.
        float small;
        std::memcpy(&small, &magnitude, sizeof small);
        small += 0.5f;
        uint32_t rounded;
        std::memcpy(&rounded, &small, sizeof rounded);
        return static_cast<uint16_t>(sign | (rounded - 0x3F000000u));
    }
    return static_cast<uint16_t>(sign | (magnitude - 0x38000000u + 0xFFFu + (magnitude >> 13 & 1u)) >> 13);
}

// 32 numbers of eight bits by the largest, as ggml's reference rounds them: halves away from zero.
void quantize_q8_0(const float *from, uint8_t *to) {
    float largest = 0;
    for (int i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(from[i]));
    float scale = largest / 127, inverse = scale == 0 ? 0 : 1 / scale;
    uint16_t bits = half_of(scale);
    std::memcpy(to, &bits, 2);
    for (int i = 0; i < 32; ++i) to[2 + i] = static_cast<uint8_t>(static_cast<int8_t>(std::round(from[i] * inverse)));
}

// 32 numbers of four bits: the value of largest magnitude is the lowest one.
void quantize_q4_0(const float *from, uint8_t *to) {
    float extreme = from[0];
    for (int i = 1; i < 32; ++i)
        if (std::fabs(from[i]) > std::fabs(extreme)) extreme = from[i];
    float scale = extreme / -8, inverse = scale == 0 ? 0 : 1 / scale;
    uint16_t bits = half_of(scale);
    std::memcpy(to, &bits, 2);
    auto number = [&](int i) { return static_cast<uint8_t>(std::clamp(from[i] * inverse + 8.5f, 0.0f, 15.0f)); };
    for (int i = 0; i < 16; ++i) to[2 + i] = static_cast<uint8_t>(number(i) | number(i + 16) << 4);
}

}  // namespace

int64_t ck_block_bytes(int32_t form, int64_t outputs, int64_t inputs) {
    return k::block_panels(outputs) * k::block_layout(static_cast<k::BlockForm>(form)).panel_bytes(inputs);
}

int32_t ck_pack_blocks(int32_t form, const void *rows, int64_t outputs, int64_t inputs, int64_t head, uint8_t *to) {
    auto kind = static_cast<k::BlockForm>(form);
    int64_t bytes = inputs / (k::block_layout(kind).is_super ? 256 : 32) * stored_bytes(kind);
    return pack(kind, outputs, inputs, to, [&](int64_t output) {
        return static_cast<const uint8_t *>(rows) + ctorch::stored_row(output, head) * bytes;
    });
}

int32_t ck_quantize_blocks(int32_t form, const ck_stored *weight, uint8_t *to) {
    auto kind = static_cast<k::BlockForm>(form);
    int64_t inputs = weight->inputs, bytes = stored_bytes(kind);
    auto quantize = kind == k::BlockForm::q8_0 ? quantize_q8_0 : quantize_q4_0;
    return pack(kind, weight->outputs, inputs, to, [&](int64_t output) -> const uint8_t * {
        static thread_local std::vector<float> values;
        static thread_local std::vector<uint8_t> blocks;
        values.resize(static_cast<size_t>(inputs));
        blocks.resize(static_cast<size_t>(inputs / 32 * bytes));
        if (!ctorch::widen_row(*weight, output, values.data())) return nullptr;
        for (int64_t b = 0; b < inputs / 32; ++b) quantize(values.data() + 32 * b, blocks.data() + bytes * b);
        return blocks.data();
    });
}
