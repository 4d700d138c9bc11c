import CSHA256

/// SHA-256 (FIPS 180-4), fed piece by piece.
///
/// Here rather than from a cryptography package, because a fingerprint is all that is needed, and the package
/// would take longer to build than everything else together.
public struct SHA256: Sendable {
    private var state: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
        0x5be0_cd19,
    ]
    private var pending: [UInt8] = []
    private var byteCount: UInt64 = 0

    public init() { pending.reserveCapacity(64) }

    /// Takes the next bytes of the message.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        byteCount &+= UInt64(bytes.count)
        var rest = bytes[...]
        if !pending.isEmpty {
            let taken = rest.prefix(64 - pending.count)
            pending.append(contentsOf: taken)
            rest = rest.dropFirst(taken.count)
            guard pending.count == 64 else { return }
            pending.withUnsafeBufferPointer { csha256_compress(&state, $0.baseAddress, 1) }
            pending.removeAll(keepingCapacity: true)
        }
        let blocks = rest.count / 64
        if blocks > 0, let base = UnsafeRawBufferPointer(rebasing: rest).baseAddress {
            csha256_compress(&state, base.assumingMemoryBound(to: UInt8.self), blocks)
            rest = rest.dropFirst(blocks * 64)
        }
        pending.append(contentsOf: rest)
    }

    /// The digest's 32 bytes. Ends the message.
    public mutating func finalize() -> [UInt8] {
        let bits = byteCount &* 8
        var padding: [UInt8] = [0x80]
        let used = (pending.count + 1) % 64
        padding += [UInt8](repeating: 0, count: used <= 56 ? 56 - used : 120 - used)
        padding += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * $0)) }
        padding.withUnsafeBytes { update($0) }
        return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } }
    }

    /// The SHA-256 of a whole message, without allocating.
    static func digest(_ bytes: UnsafeRawBufferPointer, into digest: UnsafeMutablePointer<UInt8>) {
        csha256_digest(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, digest)
    }
}
