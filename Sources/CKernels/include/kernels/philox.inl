// Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011) in counter mode.

#ifndef CT_PHILOX_ATTRIBUTES
#define CT_PHILOX_ATTRIBUTES inline
#endif

// One Philox block gives 128 bits: eight draws of 16 bits. Lanes are computed side by side to fill vectors.
constexpr int64_t draws_per_block = 8;
constexpr int64_t lanes = 16;
constexpr int64_t draws_per_group = draws_per_block * lanes;

// Fills `draws` with the 128 draws of group `group`.
CT_PHILOX_ATTRIBUTES void philox_group(uint64_t seed, uint64_t offset, uint64_t group, uint16_t *draws) {
    uint32_t c0[lanes], c1[lanes], c2[lanes], c3[lanes];
    for (int64_t lane = 0; lane < lanes; ++lane) {
        uint64_t block = group * lanes + static_cast<uint64_t>(lane);
        c0[lane] = static_cast<uint32_t>(block);
        c1[lane] = static_cast<uint32_t>(block >> 32);
        c2[lane] = static_cast<uint32_t>(offset);
        c3[lane] = static_cast<uint32_t>(offset >> 32);
    }
    auto k0 = static_cast<uint32_t>(seed);
    auto k1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
        for (int64_t lane = 0; lane < lanes; ++lane) {
            uint64_t p0 = uint64_t{0xD2511F53u} * c0[lane];
            uint64_t p1 = uint64_t{0xCD9E8D57u} * c2[lane];
            c0[lane] = static_cast<uint32_t>(p1 >> 32) ^ c1[lane] ^ k0;
            c1[lane] = static_cast<uint32_t>(p1);
            c2[lane] = static_cast<uint32_t>(p0 >> 32) ^ c3[lane] ^ k1;
            c3[lane] = static_cast<uint32_t>(p0);
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int64_t lane = 0; lane < lanes; ++lane) {
        draws[lane] = static_cast<uint16_t>(c0[lane]);
        draws[lanes + lane] = static_cast<uint16_t>(c0[lane] >> 16);
        draws[2 * lanes + lane] = static_cast<uint16_t>(c1[lane]);
        draws[3 * lanes + lane] = static_cast<uint16_t>(c1[lane] >> 16);
        draws[4 * lanes + lane] = static_cast<uint16_t>(c2[lane]);
        draws[5 * lanes + lane] = static_cast<uint16_t>(c2[lane] >> 16);
        draws[6 * lanes + lane] = static_cast<uint16_t>(c3[lane]);
        draws[7 * lanes + lane] = static_cast<uint16_t>(c3[lane] >> 16);
    }
}
