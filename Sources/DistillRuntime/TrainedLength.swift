import JSON
import Storage

/// The number of tokens that a model was trained with, as the records of its directory say.
package enum TrainedLength {
    /// The records, by their files, and the keys in them.
    private static let records: [(file: String, keys: [String])] = [
        ("distillation.json", ["settings", "max_length"]), ("training.json", ["settings", "max_length"]),
        ("quantization.json", ["max_length"]),
    ]

    /// The length; `nil` where no record has one.
    ///
    /// - Throws: `JSONError` for a record that cannot be read, which names the file.
    package static func tokens(in directory: String) throws -> Int? {
        for record in records {
            let file = directory.entry(record.file)
            guard file.fileExists else { continue }
            let json = try JSONValue.load(contentsOf: file)
            let value = record.keys.reduce(Optional(json)) { $0?.objectValue?[$1] }
            // Too short for a token of text is no length.
            if let length = value?.intValue, length >= 3 { return length }
        }
        return nil
    }
}
