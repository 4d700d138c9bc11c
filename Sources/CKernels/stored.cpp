// Weights as files store them, packed for the kernels.

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <vector>

#include "ckernels.h"
#include "kernels/parallel.h"
#include "kernels/table.h"
#include "stored.h"

namespace k = ctorch::kernels;

namespace {

float from_bits(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

// IEEE 754's binary16.
float widened_half(uint16_t bits) {
    uint32_t sign = (bits & 0x8000u) << 16, exponent = bits >> 10 & 0x1Fu, fraction = bits & 0x3FFu;
    if (exponent == 0x1F) return from_bits(sign | 0x7F800000u | fraction << 13);
    if (exponent > 0) return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
}

template <class Stored, class Widen>
bool widen(const char *from, int64_t stride, int64_t count, float *to, Widen widened) {
    uint32_t bad = 0;
    for (int64_t i = 0; i < count; ++i) {
        Stored stored;
        std::memcpy(&stored, from + i * stride * static_cast<int64_t>(sizeof stored), sizeof stored);
        float value = widened(stored);
        uint32_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        bad |= (bits & 0x7F800000u) == 0x7F800000u;
        to[i] = value;
    }
    return !bad;
}

int64_t size_of(int32_t type) {
    switch (type) {
        case CK_FLOAT16:
        case CK_BFLOAT16: return 2;
        case CK_FLOAT64: return 8;
        default: return 4;
    }
}

// Every `stride`-th of the numbers.
bool widen(int32_t type, const char *from, int64_t stride, int64_t count, float *to) {
    switch (type) {
        case CK_FLOAT16: return widen<uint16_t>(from, stride, count, to, widened_half);
        case CK_BFLOAT16: return widen<uint16_t>(from, stride, count, to, [](uint16_t bits) { return from_bits(static_cast<uint32_t>(bits) << 16); });
        case CK_FLOAT64: return widen<double>(from, stride, count, to, [](double value) { return static_cast<float>(value); });
        default: return widen<float>(from, stride, count, to, [](float value) { return value; });
    }
}

// Calls `take(panel, rows, values)` with each 32 of a weight's outputs in float32, on all threads.
template <class Take>
int32_t by_panels(const ck_stored &weight, Take &&take) {
    std::atomic<bool> finite{true};
    try {
        ctorch::parallel_tasks((weight.outputs + 31) / 32, ctorch::element_cost(weight.inputs * 64), [&](int64_t panel) {
            int64_t first = panel * 32, count = std::min<int64_t>(32, weight.outputs - first);
            std::vector<float> rows(static_cast<size_t>(count * weight.inputs));
            for (int64_t row = 0; row < count; ++row) {
                if (!ctorch::widen_row(weight, first + row, rows.data() + row * weight.inputs)) finite = false;
            }
            if (finite) take(panel, count, rows.data());
        });
    } catch (const std::bad_alloc &) {
        return CK_NO_MEMORY;
    }
    return finite ? CK_DONE : CK_NOT_FINITE;
}

}  // namespace

bool ctorch::widen_row(const ck_stored &weight, int64_t row, float *to) {
    const char *from = static_cast<const char *>(weight.values) + stored_row(row, weight.head) * weight.output_stride * size_of(weight.type);
    return widen(weight.type, from, weight.input_stride, weight.inputs, to);
}

bool ck_widen(int32_t type, const void *from, int64_t count, float *to) { return widen(type, static_cast<const char *>(from), 1, count, to); }

int32_t ck_pack_stored(bool bfloat16, const ck_stored *weight, uint32_t *to) {
    int64_t words = k::table().packed_words(bfloat16, 32, weight->inputs);
    return by_panels(*weight, [&](int64_t panel, int64_t count, const float *rows) {
        k::table().pack(bfloat16, true, rows, count, weight->inputs, to + panel * words);
    });
}

int64_t ck_narrow_words(int64_t outputs, int64_t inputs) { return (outputs + 31) / 32 * 16 * inputs; }

int32_t ck_pack_narrow(const ck_stored *weight, uint32_t *to) {
    const ck_stored &w = *weight;
    // All bits of the exponent.
    uint16_t infinite = w.type == CK_FLOAT16 ? 0x7C00 : 0x7F80;
    std::atomic<bool> finite{true};
    ctorch::parallel_tasks((w.outputs + 31) / 32, ctorch::element_cost(w.inputs * 64), [&](int64_t panel) {
        char *own = reinterpret_cast<char *>(to) + panel * w.inputs * 64;
        int64_t count = std::min<int64_t>(32, w.outputs - panel * 32);
        bool bad = false;
        if (count < 32) std::memset(own, 0, static_cast<size_t>(w.inputs * 64));
        for (int64_t place = 0; place < count; ++place) {
            const char *from = static_cast<const char *>(w.values) + ctorch::stored_row(panel * 32 + place, w.head) * w.output_stride * 2;
            for (int64_t i = 0; i < w.inputs; ++i) {
                uint16_t bits;
                std::memcpy(&bits, from + i * w.input_stride * 2, 2);
                bad = bad || (bits & infinite) == infinite;
                std::memcpy(own + (i * 32 + place) * 2, &bits, 2);
            }
        }
        if (bad) finite = false;
    });
    return finite ? CK_DONE : CK_NOT_FINITE;
}

int32_t ck_round_rows(const ck_rounded_rows *rows) {
    try {
        bool known = k::table().round_rows({.type = rows->type,
                                            .rows = rows->rows,
                                            .columns = rows->columns,
                                            .row_stride = rows->row_stride,
                                            .column_stride = rows->column_stride,
                                            .source = rows->source,
                                            .values = rows->values,
                                            .blocks = rows->blocks});
        return known ? int32_t{CK_DONE} : int32_t{CK_NO_BLOCKS};
    } catch (const std::bad_alloc &) {
        return CK_NO_MEMORY;
    }
}
