import JSON
import TestSupport
import Testing

@testable import Tokenizers

@Suite("The bytes of tokens")
struct BytePlaceTests {
    @Test("are the offsets of Hugging Face where those are not trimmed", arguments: FamilyTests.names)
    func golden(name: String) throws {
        let tokenizer = try FamilyTests.load(name)
        for example in try Fixture.json("families/\(name).cases.json").elements {
            let text = example[0].text
            let placed = try tokenizer.encodeWithBytePlaces(text)
            #expect(placed.ids == example[1].numbers && placed.utf8.count == placed.ids.count)
            #expect(placed.utf8.allSatisfy { $0.upperBound <= text.utf8.count })
            let inner = placed.prefixCount..<placed.ids.count - placed.suffixCount
            let bare = try tokenizer.encodeWithBytePlaces(text, addSpecialTokens: false)
            #expect(bare.prefixCount == 0 && bare.suffixCount == 0)
            #expect(bare.ids == Array(placed.ids[inner]) && bare.utf8 == Array(placed.utf8[inner]))
            guard tokenizer.postProcessor.trimming == nil else { continue }
            let bytes = Array(text.utf8)
            func scalars(_ place: Int) -> Int { bytes[..<place].count { $0 & 0xC0 != 0x80 } }
            for (index, offsets) in example[3].elements.map(\.numbers).enumerated()
            where inner.contains(index) {
                let place = placed.utf8[index]
                // A part of a character stands for all of it.
                #expect(scalars(place.upperBound) == Int(offsets[1]) || place.isEmpty)
                #expect(scalars(place.lowerBound) >= Int(offsets[0]))
            }
        }
    }
}
