/// Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011), written for the tests
/// from the paper: the shim's dropout is compared with it.
enum Philox {
    static func block(counter: [UInt32], key: [UInt32]) -> [UInt32] {
        var c = counter
        var k = key
        for _ in 0..<10 {
            let p0 = 0xD251_1F53 * UInt64(c[0])
            let p1 = 0xCD9E_8D57 * UInt64(c[2])
            c = [
                UInt32(truncatingIfNeeded: p1 >> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: p1),
                UInt32(truncatingIfNeeded: p0 >> 32) ^ c[3] ^ k[1], UInt32(truncatingIfNeeded: p0),
            ]
            k = [k[0] &+ 0x9E37_79B9, k[1] &+ 0xBB67_AE85]
        }
        return c
    }

    /// The 16-bit draws for elements `0 ..< count` of one dropout call, in the shim's order: groups of 128
    /// elements, which take the same 16 bits of 16 blocks side by side, before they take the next 16 bits.
    static func draws(count: Int, seed: UInt64, offset: UInt64) -> [UInt16] {
        func words(_ value: UInt64) -> [UInt32] {
            [UInt32(truncatingIfNeeded: value), UInt32(truncatingIfNeeded: value >> 32)]
        }
        var result: [UInt16] = []
        var group: UInt64 = 0
        while result.count < count {
            let blocks = (0..<16).map {
                block(counter: words(group * 16 + $0) + words(offset), key: words(seed))
            }
            for word in 0..<4 {
                for shift in [0, 16] {
                    result += blocks.map { UInt16(truncatingIfNeeded: $0[word] >> UInt32(shift)) }
                }
            }
            group += 1
        }
        return Array(result.prefix(count))
    }
}
