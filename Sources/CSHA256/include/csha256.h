#ifndef CSHA256_H
#define CSHA256_H

#include <stddef.h>
#include <stdint.h>

/// Takes `count` blocks of 64 bytes into a SHA-256 state (FIPS 180-4), by the processor's own instructions where it
/// has them.
void csha256_compress(uint32_t state[8], const uint8_t *blocks, size_t count);

/// The same in portable C, for tests.
void csha256_compress_portable(uint32_t state[8], const uint8_t *blocks, size_t count);

/// The SHA-256 of a message.
void csha256_digest(const uint8_t *message, size_t count, uint8_t digest[32]);

#endif
