/// The first stage: makes texts that should be the same for the model the same, for instance by lower-casing.
protocol Normalizer: Sendable {
    /// Normalizes a text, keeping track of where its bytes came from if the text does.
    ///
    /// - Throws: ``TokenizerError/text(stage:reason:index:)`` where it would grow without limit, or take too long.
    func normalize(_ text: inout AlignedText) throws

    /// Records the mapping of ASCII text, given that of earlier normalizers.
    ///
    /// - Returns: false if that cannot be said byte by byte.
    func apply(to map: inout ASCIIMap) -> Bool
}

extension Normalizer {
    func apply(to map: inout ASCIIMap) -> Bool { false }
}

/// Several normalizers, one after the other.
struct NormalizerSequence: Normalizer {
    let stages: [any Normalizer]

    func normalize(_ text: inout AlignedText) throws { for stage in stages { try stage.normalize(&text) } }
}

extension StageRegistry where Stage == any Normalizer {
    /// The normalizers that `tokenizer.json` may name.
    static var normalizers: Self {
        Self(
            part: "normalizer",
            stages: [
                "BertNormalizer": { try BertNormalizer($0) },
                "Lowercase": { _ in Lowercase() },
                "NFC": { _ in UnicodeNormalizer(composes: true, isCompatible: false) },
                "NFD": { _ in UnicodeNormalizer(composes: false, isCompatible: false) },
                "NFKC": { _ in UnicodeNormalizer(composes: true, isCompatible: true) },
                "NFKD": { _ in UnicodeNormalizer(composes: false, isCompatible: true) },
                "Nmt": { _ in Nmt() },
                "Precompiled": { try Precompiled($0) },
                "Prepend": { Prepend(text: Array(try $0.string("prepend").utf8), place: $0.place) },
                "Replace": { try Replace($0) },
                "Sequence": {
                    NormalizerSequence(stages: try Self.normalizers.makeAll(from: $0, key: "normalizers"))
                },
                "Strip": { Strip(left: try $0.bool("strip_left"), right: try $0.bool("strip_right")) },
                "StripAccents": { _ in StripAccents() },
            ])
    }
}
