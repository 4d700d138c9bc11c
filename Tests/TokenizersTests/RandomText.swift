/// Random texts, mostly plain but with all sorts of characters among them.
enum RandomText {
    private static let ranges: [ClosedRange<UInt32>] = [
        0x20...0x7E, 0x61...0x7A, 0x61...0x7A, 0x00...0xFF, 0x100...0x52F, 0x300...0x36F, 0x590...0x1FFF,
        0x2000...0x32FF, 0x4E00...0xD7FF, 0xE000...0xFFFF, 0x10000...0x1FFFF, 0x0...0x10FFFF,
    ]

    static func make(using generator: inout some RandomNumberGenerator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0...12, using: &generator) {
            guard let range = ranges.randomElement(using: &generator) else { continue }
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let value = UInt32.random(in: range, using: &generator)
                if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) }
            }
        }
        return text
    }
}
