import Foundation

/// Reports as JSON: keys in snake case and sorted.
public enum JSONText {
    public static func encode(_ value: some Encodable, pretty: Bool = true) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        // JSON has neither infinity nor NaN: they are null, as everywhere else.
        let mark = "\u{F8FF}not a number\u{F8FF}"
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: mark, negativeInfinity: mark, nan: mark)
        let data = try encoder.encode(value)
        let text = String(decoding: data, as: UTF8.self)
        // Hardly any report has one.
        return data.range(of: Data(mark.utf8)) == nil ? text : text.replacing("\"\(mark)\"", with: "null")
    }

    public static func decode<Value: Decodable>(_ type: Value.Type, from text: String) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(text.utf8))
    }
}
