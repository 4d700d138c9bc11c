/// The steps of ``BertNormalizer`` one after the other, as they are defined.
///
/// This is the plain version, which the fast one is made from and falls back to.
struct BertNormalizerSteps: Sendable, Hashable {
    let cleanText: Bool
    let handleChineseChars: Bool
    let stripAccents: Bool
    let lowercase: Bool

    /// Applies all steps to a text.
    func apply(to text: [UInt32]) -> [UInt32] {
        var text = text
        if cleanText { text = text.compactMap(clean) }
        if handleChineseChars { text = text.flatMap(separate) }
        if stripAccents {
            text = CanonicalDecomposition.decompose(text).filter {
                !UnicodeTables.contains($0, in: UnicodeTables.nonspacing)
            }
        }
        if lowercase { text = text.flatMap(UnicodeTables.lowercased) }
        return text
    }

    /// Applies all steps to UTF-8 text.
    func apply(to text: UnsafeBufferPointer<UInt8>, into output: ByteBuffer) {
        var scalars: [UInt32] = []
        var position = 0
        while position < text.count {
            let scalar = UTF8Bytes.scalar(in: text, at: position)
            scalars.append(scalar.value)
            position += scalar.length
        }
        for scalar in apply(to: scalars) { output.append(scalar) }
    }

    /// Applies all steps, keeping track of where the bytes came from.
    func apply(to text: inout AlignedText) {
        if cleanText {
            text.filter { clean($0) != nil }
            text.transform(text.scalars.map { (clean($0) ?? $0, 0) })
        }
        if handleChineseChars {
            text.transform(
                text.scalars.flatMap { scalar in separate(scalar).enumerated().map { ($1, $0 > 0 ? 1 : 0) } })
        }
        if stripAccents {
            UnicodeNormalizer(composes: false, isCompatible: false).normalize(&text)
            text.filter { !UnicodeTables.contains($0, in: UnicodeTables.nonspacing) }
        }
        if lowercase { Lowercase().normalize(&text) }
    }

    private func clean(_ scalar: UInt32) -> UInt32? {
        if UnicodeTables.contains(scalar, in: UnicodeTables.removed) { return nil }
        return UnicodeTables.contains(scalar, in: UnicodeTables.whitespace) ? 0x20 : scalar
    }

    private func separate(_ scalar: UInt32) -> [UInt32] {
        UnicodeTables.contains(scalar, in: UnicodeTables.chinese) ? [0x20, scalar, 0x20] : [scalar]
    }
}
