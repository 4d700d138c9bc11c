/// Scores as Hugging Face's `tokenizers` reads them.
///
/// Its JSON reader (serde_json) divides a number's digits by a power of ten, which of 17 digits gives the last bit of
/// the double wrong at times. Where two ways to split a word are equally probable, that bit decides.
enum UnigramScore {
    private static let powers: [Double] = (0...22).map { power in
        (0..<power).reduce(1) { value, _ in value * 10 }
    }

    /// The score that is read from the shortest decimal form of a double.
    static func read(_ value: Double) -> Double {
        var digits: UInt64 = 0
        var decimals = 0
        var isFraction = false
        for byte in "\(value.magnitude)".utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                digits = digits &* 10 &+ UInt64(byte &- UInt8(ascii: "0"))
                if isFraction { decimals += 1 }
            case UInt8(ascii: "."): isFraction = true
            default: return value  // very large or small numbers, which scores are not
            }
        }
        guard decimals < powers.count else { return value }
        let magnitude = Double(digits) / powers[decimals]
        return value < 0 ? -magnitude : magnitude
    }
}
