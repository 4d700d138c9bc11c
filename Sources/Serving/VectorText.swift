/// Vectors as they are written into answers.
enum VectorText {
    /// A JSON array, with as few digits as tell each float32 apart.
    static func array(_ vector: some Collection<Float>) -> String {
        var text = "["
        text.reserveCapacity(vector.count * 13 + 2)
        append(vector, to: &text)
        return text
    }

    /// A JSON array of arrays.
    static func list(_ vectors: some Collection<some Collection<Float>>) -> String {
        var text = "["
        text.reserveCapacity(vectors.reduce(2) { $0 + $1.count * 13 + 3 })
        for (index, vector) in vectors.enumerated() {
            text += index == 0 ? "[" : ",["
            append(vector, to: &text)
        }
        return text + "]"
    }

    private static func append(_ vector: some Collection<Float>, to text: inout String) {
        for (index, value) in vector.enumerated() {
            if index > 0 { text += "," }
            text += "\(value)"
        }
        text += "]"
    }

    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The bytes of a vector, little-endian float32, in Base64 (RFC 4648).
    static func base64(_ vector: some Collection<Float>) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(vector.count * 4)
        for value in vector {
            let bits = value.bitPattern
            for shift in stride(from: 0, to: 32, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: bits >> shift))
            }
        }
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group: UInt32 = 0
            for place in 0..<3 { group = group << 8 | UInt32(place < count ? bytes[start + place] : 0) }
            for place in 0..<4 {
                let digit = digits[Int(group >> (18 - 6 * UInt32(place)) & 63)]
                text.append(place <= count ? digit : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
