import JSON
import Testing

@testable import Tokenizers

/// Normalizers by themselves; see scripts/fixtures/tokenizers_stages.py.
@Suite("Normalizers")
struct NormalFormTests {
    private static let names = [
        "nfc", "nfd", "nfkc", "nfkd", "lowercase", "strip_accents", "nmt", "precompiled", "uncased",
    ]

    private func normalizer(_ name: String) throws -> any Normalizer {
        switch name {
        case "nfc": UnicodeNormalizer(composes: true, isCompatible: false)
        case "nfd": UnicodeNormalizer(composes: false, isCompatible: false)
        case "nfkc": UnicodeNormalizer(composes: true, isCompatible: true)
        case "nfkd": UnicodeNormalizer(composes: false, isCompatible: true)
        case "lowercase": Lowercase()
        case "strip_accents": StripAccents()
        case "nmt": Nmt()
        case "uncased":
            NormalizerSequence(
                stages: [
                    UnicodeNormalizer(composes: false, isCompatible: false), Lowercase(), StripAccents(),
                ])
        default: try StageFixture.precompiled()
        }
    }

    private func normalize(_ text: String, _ normalizer: any Normalizer, tracks: Bool) throws -> [UInt8] {
        var text = text
        var aligned = AlignedText()
        text.withUTF8 { aligned.reset($0, start: 0, tracksOrigins: tracks) }
        try normalizer.normalize(&aligned)
        #expect(!tracks || aligned.origins.count == aligned.bytes.count)
        return aligned.bytes
    }

    @Test("do to every Unicode scalar, and to sequences of marks, what Hugging Face's do", arguments: names)
    func everyScalar(name: String) throws {
        let golden = try Fixture.json("stages/normal_forms.json")[name]
        let normalizer = try normalizer(name)
        let blocks = try #require(golden["blocks"].objectValue)
        var different: [String] = []
        for block: UInt32 in 0..<0x1100 where !(0xD8..<0xE0).contains(block) {
            let text = (0..<256).compactMap { Unicode.Scalar(block * 256 + $0).map(String.init) }.joined(
                separator: "|")
            let result = try normalize(text, normalizer, tracks: block % 16 == 0)
            let hex = String(block, radix: 16)
            let isEqual =
                blocks[hex].map { $0.text == String(CRC32.checksum(result), radix: 16) }
                ?? (result == Array(text.utf8))
            if !isEqual { different.append(hex) }
        }
        #expect(different.isEmpty)
        let texts = try golden["texts"].elements.map { try normalize($0.text, normalizer, tracks: true) }
        #expect(texts.count == 60)
        let joined = Array(texts.joined(separator: [0]))
        #expect(String(CRC32.checksum(joined), radix: 16) == golden["normalized"].text)
    }
}
