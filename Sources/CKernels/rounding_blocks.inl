// Blocks of 32 numbers with a scale, or scale and minimum.

// Writes 32 numbers: the fifth bits if there are five, then the first half in the lower four bits of 16 bytes, the second above it.
template <int Bits>
CT_INLINE void pack_32(const uint8_t *numbers, uint8_t *to) {
    uint32_t fifth = 0;
    for (int i = 0; i < 16; ++i) {
        to[(Bits == 5 ? 4 : 0) + i] = static_cast<uint8_t>((numbers[i] & 15) | numbers[16 + i] << 4);
        fifth |= uint32_t(numbers[i] >> 4) << i | uint32_t(numbers[16 + i] >> 4) << (16 + i);
    }
    if (Bits == 5) __builtin_memcpy(to, &fifth, sizeof fifth);
}

// Scale (half), 32 signed bytes: to the nearest whole number, halves away from zero, as ggml's reference does.
inline void round_q8_0(const float *from, int64_t runs, float *values, uint8_t *blocks) {
#pragma clang fp contract(off)
    vf x[32], most = splat(0.0f);
    load_runs<32>(from, runs, x);
    for (int i = 0; i < 32; ++i) most = maximum(magnitude(x[i]), most);
    vf scale = most / 127.0f, inverse = inverse_or_zero(scale);
    Halves halves(scale);
    for (int i = 0; i < 32; ++i) {
        vf exact = x[i] * inverse, size = magnitude(exact), below = (size + 8388608.0f) - 8388608.0f;
        below = below > size ? below - 1.0f : below;
        vf q = size - below >= splat(0.5f) ? below + 1.0f : below;
        q = q <= splat(127.0f) ? q : splat(0.0f);
        q = exact < splat(0.0f) ? -q : q;
        x[i] = q + 0.0f;  // not -0
    }
    if (blocks) {
        uint8_t numbers[16][32];
        store_numbers<32>(x, -128, numbers);
        for (int64_t run = 0; run < runs; ++run) {
            uint8_t *block = blocks + 34 * run;
            __builtin_memcpy(block, &halves.bits[run], 2);
            for (int i = 0; i < 32; ++i) block[2 + i] = static_cast<uint8_t>(numbers[run][i] - 128);
        }
    }
    if (!values) return;
    for (int i = 0; i < 32; ++i) x[i] = x[i] * halves.values;
    store_runs<32>(x, runs, values);
}

// Scale (half), numbers around zero.
template <int Bits>
inline void round_around_zero(const float *from, int64_t runs, float *values, uint8_t *blocks) {
#pragma clang fp contract(off)
    constexpr float half = Bits == 4 ? 8 : 16;
    vf x[32];
    load_runs<32>(from, runs, x);
    vf scale = Bits == 4 ? symmetric_scale<32>(x, -half, half - 1, four_bits, sizeof four_bits / sizeof(float))
                         : symmetric_scale<32>(x, -half, half - 1, five_bits, sizeof five_bits / sizeof(float));
    Halves halves(scale);
    vf inverse = inverse_or_zero(halves.values);
    for (int i = 0; i < 32; ++i) x[i] = whole(x[i] * inverse, -half, half - 1);
    if (blocks) {
        uint8_t numbers[16][32];
        store_numbers<32>(x, -half, numbers);
        for (int64_t run = 0; run < runs; ++run) {
            uint8_t *block = blocks + (Bits == 4 ? 18 : 22) * run;
            __builtin_memcpy(block, &halves.bits[run], 2);
            pack_32<Bits>(numbers[run], block + 2);
        }
    }
    if (!values) return;
    for (int i = 0; i < 32; ++i) x[i] = halves.values * x[i];
    store_runs<32>(x, runs, values);
}

// Scale and minimum (halves), numbers of five bits.
inline void round_q5_1(const float *from, int64_t runs, float *values, uint8_t *blocks) {
#pragma clang fp contract(off)
    vf x[32], scale, offset;
    load_runs<32>(from, runs, x);
    affine_scale<32>(x, 31, false, from_five_bits, sizeof from_five_bits / sizeof(float), scale, offset);
    Halves scales(scale), minima(offset);
    vf inverse = inverse_or_zero(scales.values);
    for (int i = 0; i < 32; ++i) x[i] = whole((x[i] - minima.values) * inverse, 0, 31);
    if (blocks) {
        uint8_t numbers[16][32];
        store_numbers<32>(x, 0, numbers);
        for (int64_t run = 0; run < runs; ++run) {
            uint8_t *block = blocks + 24 * run;
            __builtin_memcpy(block, &scales.bits[run], 2);
            __builtin_memcpy(block + 2, &minima.bits[run], 2);
            pack_32<5>(numbers[run], block + 4);
        }
    }
    if (!values) return;
    for (int i = 0; i < 32; ++i) x[i] = scales.values * x[i] + minima.values;
    store_runs<32>(x, runs, values);
}
