// Blocks of 256 numbers: runs of 16 or 32 whose scales are rounded themselves, of which the neighbors are tried too.

// A step that a half can hold: of tiny numbers the smallest that there is, not 0.
inline uint16_t step_bits(float value) {
    float least = std::max(std::fabs(value), 0x1p-24f);
    return value == 0 ? uint16_t{0} : half_bits(value < 0 ? -least : least);
}

// The error Σ (x − (factor · q − offset))² with the numbers that are nearest.
template <int N>
CT_INLINE vf squared_error(const vf *x, vf factor, vf offset, float low, float high) {
#pragma clang fp contract(off)
    vf inverse = inverse_or_zero(factor), sum = splat(0.0f);
    for (int i = 0; i < N; ++i) {
        vf q = whole((x[i] + offset) * inverse, low, high);
        vf difference = x[i] - (factor * q - offset);
        sum += difference * difference;
    }
    return sum;
}

// Scale of the scales and of the minima (halves), 8 of each of 6 bits in 12 bytes, for five bits 32 bytes of fifth bits, 128 bytes.
template <int Bits>
CT_INLINE void pack_scale_and_minimum(const uint8_t *scales, const uint8_t *minima, const uint8_t (*numbers)[32], uint8_t *block) {
    uint8_t *packed = block + 4;
    for (int run = 0; run < 4; ++run) {
        packed[run] = static_cast<uint8_t>(scales[run] | (scales[run + 4] >> 4) << 6);
        packed[run + 4] = static_cast<uint8_t>(minima[run] | (minima[run + 4] >> 4) << 6);
        packed[run + 8] = static_cast<uint8_t>((scales[run + 4] & 15) | (minima[run + 4] & 15) << 4);
    }
    uint8_t *low = block + (Bits == 5 ? 48 : 16);
    for (int run = 0; run < 8; run += 2)
        for (int i = 0; i < 32; ++i) low[16 * run + i] = static_cast<uint8_t>((numbers[run][i] & 15) | numbers[run + 1][i] << 4);
    if (Bits != 5) return;
    for (int i = 0; i < 32; ++i) {
        unsigned fifth = 0;
        for (int run = 0; run < 8; ++run) fifth |= unsigned(numbers[run][i] >> 4) << run;
        block[16 + i] = static_cast<uint8_t>(fifth);
    }
}

// Q4_K and Q5_K: up to two blocks, eight runs of 32 each.
template <int Bits>
inline void round_scale_and_minimum(const float *from, int64_t count, float *values, uint8_t *blocks) {
#pragma clang fp contract(off)
    constexpr float highest = Bits == 4 ? 15 : 31;
    vf x[32], scale, offset;
    load_runs<32>(from, 8 * count, x);
    if (Bits == 4) affine_scale<32>(x, highest, true, from_four_bits, sizeof from_four_bits / sizeof(float), scale, offset);
    else affine_scale<32>(x, highest, true, from_five_bits, sizeof from_five_bits / sizeof(float), scale, offset);
    float wanted[16], lowest[16], step[16], least[16];
    uint16_t bits[2][2];
    store_as(wanted, scale);
    store_as(lowest, -offset);
    for (int block = 0; block < 2; ++block) {
        const float *end = wanted + 8 * block + 8, *last = lowest + 8 * block + 8;
        bits[block][0] = step_bits(*std::max_element(end - 8, end) / 63);
        bits[block][1] = step_bits(*std::max_element(last - 8, last) / 63);
        std::fill(step + 8 * block, step + 8 * block + 8, half_value(bits[block][0]));
        std::fill(least + 8 * block, least + 8 * block + 8, half_value(bits[block][1]));
    }
    vf unit = load_as<vf>(step), minimum_unit = load_as<vf>(least);
    vf multiple = whole(scale * inverse_or_zero(unit), 0, 63), below = whole(-offset * inverse_or_zero(minimum_unit), 0, 63);
    vf best = squared_error<32>(x, unit * multiple, minimum_unit * below, 0, highest);
    auto consider = [&](vf other, vf other_below) {
#pragma clang fp contract(off)
        other = whole(other, 0, 63), other_below = whole(other_below, 0, 63);
        vf error = squared_error<32>(x, unit * other, minimum_unit * other_below, 0, highest);
        vi better = error < best;
        best = better ? error : best;
        multiple = better ? other : multiple;
        below = better ? other_below : below;
    };
    vf start = multiple, start_below = below;
    for (float change : {-1.0f, 1.0f}) consider(start + change, start_below);
    for (float change : {-1.0f, 1.0f}) consider(multiple, start_below + change);
    vf factor = unit * multiple, minimum = minimum_unit * below, inverse = inverse_or_zero(factor);
    for (int i = 0; i < 32; ++i) x[i] = whole((x[i] + minimum) * inverse, 0, highest);
    if (blocks) {
        uint8_t numbers[16][32], scales[16][1], minima[16][1], flat[2][16];
        store_numbers<32>(x, 0, numbers);
        store_numbers<1>(&multiple, 0, scales);
        store_numbers<1>(&below, 0, minima);
        for (int run = 0; run < 16; ++run) flat[0][run] = scales[run][0], flat[1][run] = minima[run][0];
        for (int64_t block = 0; block < count; ++block) {
            uint8_t *to = blocks + (Bits == 4 ? 144 : 176) * block;
            __builtin_memcpy(to, bits[block], 4);
            pack_scale_and_minimum<Bits>(flat[0] + 8 * block, flat[1] + 8 * block, numbers + 8 * block, to);
        }
    }
    if (!values) return;
    for (int i = 0; i < 32; ++i) x[i] = factor * x[i] - minimum;
    store_runs<32>(x, 8 * count, values);
}

// Q6_K: one block, sixteen runs of 16. 128 bytes of 4 bits, 64 bytes of two more, 16 scales (signed bytes), scale (half).
inline void round_q6_k(const float *from, int64_t, float *values, uint8_t *block) {
#pragma clang fp contract(off)
    vf x[16];
    load_runs<16>(from, 16, x);
    vf scale = symmetric_scale<16>(x, -32, 31, six_bits, sizeof six_bits / sizeof(float));
    float wanted[16], extreme = 0;
    store_as(wanted, scale);
    for (float own : wanted)
        if (std::fabs(own) > std::fabs(extreme)) extreme = own;
    // The largest scale is the lowest number.
    uint16_t bits = step_bits(extreme / -128);
    vf unit = splat(half_value(bits)), none = splat(0.0f);
    vf multiple = whole(scale * inverse_or_zero(unit), -128, 127), start = multiple;
    vf best = squared_error<16>(x, unit * multiple, none, -32, 31);
    for (float change : {-1.0f, 1.0f}) {
        vf other = whole(start + change, -128, 127), error = squared_error<16>(x, unit * other, none, -32, 31);
        vi better = error < best;
        best = better ? error : best;
        multiple = better ? other : multiple;
    }
    vf factor = unit * multiple, inverse = inverse_or_zero(factor);
    for (int i = 0; i < 16; ++i) x[i] = whole(x[i] * inverse, -32, 31);
    if (block) {
        uint8_t numbers[16][16], scales[16][1];
        store_numbers<16>(x, -32, numbers);
        store_numbers<1>(&multiple, -128, scales);
        for (int run = 0; run < 16; ++run) block[192 + run] = static_cast<uint8_t>(scales[run][0] - 128);
        __builtin_memcpy(block + 208, &bits, 2);
        for (int part = 0; part < 2; ++part) {
            const uint8_t *own = numbers[8 * part];
            for (int i = 0; i < 64; ++i) block[64 * part + i] = static_cast<uint8_t>((own[i] & 15) | own[64 + i] << 4);
            for (int i = 0; i < 32; ++i)
                block[128 + 32 * part + i] =
                    static_cast<uint8_t>(own[i] >> 4 | own[32 + i] >> 4 << 2 | own[64 + i] >> 4 << 4 | own[96 + i] >> 4 << 6);
        }
    }
    if (!values) return;
    for (int i = 0; i < 16; ++i) x[i] = factor * x[i];
    store_runs<16>(x, 16, values);
}
