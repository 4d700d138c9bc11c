// SHA-256, by the processor's own instructions where it has them: the digests of a model's files.

extern "C" {
#include "csha256.h"
}
#include "support.h"

namespace test {

void digests() {
    // FIPS 180-4's example of one block.
    const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                           0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t digest[32];
    csha256_digest(reinterpret_cast<const uint8_t *>("abc"), 3, digest);
    expect(std::memcmp(digest, abc, 32) == 0, "the SHA-256 of abc");
    std::vector<uint8_t> blocks;
    for (float value : numbers(80, 64 * 7)) blocks.push_back(static_cast<uint8_t>(static_cast<int>(value * 1000)));
    uint32_t native[8] = {1, 2, 3, 4, 5, 6, 7, 8}, portable[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    csha256_compress(native, blocks.data(), 7);
    csha256_compress_portable(portable, blocks.data(), 7);
    expect(std::memcmp(native, portable, sizeof native) == 0, "SHA-256 of seven blocks");
}

}  // namespace test
