/// The data that TensorBoard shows at a step: TensorFlow's `Event` message, with the kinds of contents that curves
/// need.
struct Event {
    enum Content {
        /// The first of a file.
        case fileVersion
        /// A run begins again: points of this step and later ones, written before, are void.
        case sessionStart
        /// Numbers by tag.
        case scalars([(tag: String, value: Float)])
    }

    /// Seconds since 1970.
    var wallTime: Double
    var step: Int
    var content: Content

    /// The message in protocol buffers' wire format.
    var bytes: [UInt8] {
        var message = Message()
        message.double(1, wallTime)
        message.varint(2, UInt64(bitPattern: Int64(step)))
        switch content {
        case .fileVersion: message.bytes(3, Array("brain.Event:2".utf8))
        case .sessionStart:
            var session = Message()
            session.varint(1, 1)
            message.bytes(7, session.content)
        case .scalars(let scalars):
            var summary = Message()
            for (tag, value) in scalars {
                var entry = Message()
                entry.bytes(1, Array(tag.utf8))
                entry.float(2, value)
                summary.bytes(1, entry.content)
            }
            message.bytes(5, summary.content)
        }
        return message.content
    }
}

/// A protocol buffers message under construction.
private struct Message {
    private(set) var content: [UInt8] = []

    private mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            content.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        content.append(UInt8(rest))
    }

    private mutating func key(_ field: UInt64, _ wireType: UInt64) { append(varint: field << 3 | wireType) }

    mutating func varint(_ field: UInt64, _ value: UInt64) {
        key(field, 0)
        append(varint: value)
    }

    mutating func double(_ field: UInt64, _ value: Double) {
        key(field, 1)
        content += littleEndian(value.bitPattern)
    }

    mutating func bytes(_ field: UInt64, _ value: [UInt8]) {
        key(field, 2)
        append(varint: UInt64(value.count))
        content += value
    }

    mutating func float(_ field: UInt64, _ value: Float) {
        key(field, 5)
        content += littleEndian(value.bitPattern)
    }
}

/// A number's bytes, the lowest first.
func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
}
