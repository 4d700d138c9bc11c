import JSON

/// A line for the user about what was read of a data file.
struct DataNote: Sendable, Equatable {
    /// The uses of data that a note says something about.
    enum Purpose: String, Sendable {
        /// Whatever the data are used for.
        case any
        /// A training alone: the note tells what a model would not learn from the data.
        case training
    }

    var text: String
    var purpose: Purpose

    init(_ text: String, purpose: Purpose = .any) {
        (self.text, self.purpose) = (text, purpose)
    }
}

/// A note as the description of a file of tokens holds it.
extension DataNote {
    var json: JSONValue { ["text": .string(text), "purpose": .string(purpose.rawValue)] }

    /// Reads a note; `nil` for another value.
    init?(json: JSONValue) {
        guard let object = json.objectValue, let text = object["text"]?.stringValue,
            let purpose = object["purpose"]?.stringValue.flatMap(Purpose.init(rawValue:))
        else { return nil }
        self.init(text, purpose: purpose)
    }
}
