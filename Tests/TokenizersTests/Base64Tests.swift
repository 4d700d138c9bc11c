import Foundation
import TestSupport
import Testing

@testable import Tokenizers

@Suite("Base64")
struct Base64Tests {
    /// Foundation takes `=` in other places and numbers than belong there; Rust's base64, which `tokenizers` uses, does not.
    @Test("texts are read as Foundation reads them, and what it refuses is refused")
    func random() {
        var generator = SeededGenerator(seed: 64)
        let alphabet = Array("AQgz09+/==\n -_é")
        var (accepted, refused) = (0, 0)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...12, using: &generator)
            // Every other text of characters that are all right.
            let choice = Bool.random(using: &generator) ? alphabet[0..<8] : alphabet[...]
            var text = String((0..<count).map { _ in choice.randomElement(using: &generator) ?? "A" })
            text += String(repeating: "=", count: Int.random(in: 0...3, using: &generator))
            let bytes = Base64.decode(text)
            let theirs = Data(base64Encoded: text).map { Array($0) }
            let padding = text.drop { $0 != "=" }
            let isPadded = padding.count <= 2 && padding.allSatisfy { $0 == "=" } && text.utf8.count % 4 == 0
            if bytes != nil || isPadded { #expect(bytes == theirs, "\(text.debugDescription)") }
            if bytes == nil { refused += 1 } else { accepted += 1 }
        }
        #expect(accepted > 2000 && refused > 2000)
    }

    @Test("all bytes come back", arguments: 0...5)
    func roundTrip(dropped: Int) {
        let bytes = (0...255).map { UInt8($0) }.dropLast(dropped)
        #expect(Base64.decode(Data(bytes).base64EncodedString()) == Array(bytes))
    }
}
