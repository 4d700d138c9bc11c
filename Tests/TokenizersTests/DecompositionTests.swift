import Foundation
import Testing

@testable import Tokenizers

/// Unicode never changes a decomposition, so Foundation's, of a later version, agree on the characters that were known.
@Suite("Decompositions")
struct DecompositionTests {
    private func scalars(_ ranges: [UInt32]) -> [Unicode.Scalar] {
        var scalars: [Unicode.Scalar] = []
        UnicodeTables.forEachRange(in: ranges) { scalars += ($0...$1).compactMap(Unicode.Scalar.init) }
        return scalars
    }

    @Test("canonical decompositions and compositions are Foundation's")
    func canonical() {
        let known = scalars(UnicodeTables.decomposable)
        #expect(known.count == 2060)
        for scalar in known {
            let text = String(Character(scalar))
            let parts = CanonicalDecomposition.decompose(scalar.value)
            #expect(parts == text.decomposedStringWithCanonicalMapping.unicodeScalars.map(\.value))
            let composed = text.precomposedStringWithCanonicalMapping.unicodeScalars.map(\.value)
            let isApart = UnicodeTables.contains(scalar.value, in: UnicodeDecompositions.apart)
            #expect(isApart == (composed != [scalar.value]))
        }
    }

    @Test("compatibility decompositions are Foundation's")
    func compatible() {
        let known = scalars(UnicodeTables.compatible)
        #expect(known.count > 3000)
        for scalar in known {
            let parts = CompatibilityDecomposition.decompose(scalar.value)
            let text = String(Character(scalar)).decomposedStringWithCompatibilityMapping
            #expect(parts == text.unicodeScalars.map(\.value))
        }
    }
}
